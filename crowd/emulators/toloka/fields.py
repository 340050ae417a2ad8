"""The fields of a task: what may stand in `input_values`, `output_values` and `known_solutions`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crowd.emulators.toloka.errors import FieldErrors, field_error

Problem = dict[str, Any] | None

TYPES = ("boolean", "coordinates", "file", "float", "integer", "json", "string", "url")
_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^\s]+$|^/[^\s]*$")
_COORDINATES = re.compile(r"^-?\d{1,3}(\.\d+)?\s*,\s*-?\d{1,3}(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Fields:
    """A compiled specification: one check per field."""

    checks: Mapping[str, Callable[[Any], Problem]]
    required: frozenset[str]
    spec: Mapping[str, Mapping[str, Any]]

    def errors(self, values: Any, prefix: str) -> FieldErrors:
        """Return what is wrong with the values of a task, by path."""
        if not isinstance(values, dict):
            return {prefix: field_error("OBJECT_EXPECTED", "An object is expected.")}
        found: FieldErrors = {}
        for name, value in values.items():
            check = self.checks.get(name)
            problem = field_error("VALUE_NOT_ALLOWED", "There is no such field.") if check is None else None
            if check is not None and value is not None:
                problem = check(value)
            if problem is not None:
                found[f"{prefix}.{name}"] = problem
        for name in self.required:
            if values.get(name) is None:
                found[f"{prefix}.{name}"] = field_error("VALUE_REQUIRED", "A value is required.")
        return found


def compiled(spec: Mapping[str, Mapping[str, Any]]) -> Fields:
    required = frozenset(name for name, field in spec.items() if field.get("required", True))
    return Fields({name: _check_of(field) for name, field in spec.items()}, required, spec)


def _check_of(field: Mapping[str, Any]) -> Callable[[Any], Problem]:
    kind = str(field["type"])
    single = _SINGLE[kind.removeprefix("array_")]
    if kind.startswith("array_"):
        return lambda value: _array(value, field, single)
    return lambda value: single(value, field)


def _array(value: Any, field: Mapping[str, Any], single: Callable[[Any, Mapping[str, Any]], Problem]) -> Problem:
    if not isinstance(value, list):
        return field_error("ARRAY_EXPECTED", "An array is expected.")
    if field.get("min_size") is not None and len(value) < field["min_size"]:
        return field_error("ARRAY_SIZE_LESS_THAN_MIN", "Too few elements.", field["min_size"])
    if field.get("max_size") is not None and len(value) > field["max_size"]:
        return field_error("ARRAY_SIZE_GREATER_THAN_MAX", "Too many elements.", field["max_size"])
    return next((problem for element in value if (problem := single(element, field)) is not None), None)


def _string(value: Any, field: Mapping[str, Any]) -> Problem:
    if not isinstance(value, str):
        return field_error("STRING_EXPECTED", "A string is expected.")
    if field.get("min_length") is not None and len(value) < field["min_length"]:
        return field_error("STRING_LENGTH_LESS_THAN_MIN", "The text is too short.", field["min_length"])
    if field.get("max_length") is not None and len(value) > field["max_length"]:
        return field_error("STRING_LENGTH_GREATER_THAN_MAX", "The text is too long.", field["max_length"])
    return _allowed(value, field)


def _allowed(value: Any, field: Mapping[str, Any]) -> Problem:
    choices = field.get("allowed_values")
    if choices and value not in choices:
        return field_error("VALUE_NOT_ALLOWED", "The value is not one of the allowed ones.", *choices)
    return None


def _bounded(value: Any, field: Mapping[str, Any]) -> Problem:
    if field.get("min_value") is not None and value < field["min_value"]:
        return field_error("VALUE_LESS_THAN_MIN", "The value is too small.", field["min_value"])
    if field.get("max_value") is not None and value > field["max_value"]:
        return field_error("VALUE_GREATER_THAN_MAX", "The value is too large.", field["max_value"])
    return _allowed(value, field)


def _integer(value: Any, field: Mapping[str, Any]) -> Problem:
    if isinstance(value, bool) or not isinstance(value, int):
        return field_error("INTEGER_EXPECTED", "An integer is expected.")
    return _bounded(value, field)


def _float(value: Any, field: Mapping[str, Any]) -> Problem:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return field_error("FLOAT_EXPECTED", "A number is expected.")
    return _bounded(value, field)


def _boolean(value: Any, field: Mapping[str, Any]) -> Problem:
    if not isinstance(value, bool):
        return field_error("BOOLEAN_EXPECTED", "true or false is expected.")
    return _allowed(value, field)


def _url(value: Any, _field: Mapping[str, Any]) -> Problem:
    if isinstance(value, str) and _URL.match(value):
        return None
    return field_error("INVALID_URL_SYNTAX", "A URL is expected.")


def _coordinates(value: Any, _field: Mapping[str, Any]) -> Problem:
    if isinstance(value, str) and _COORDINATES.match(value):
        return None
    return field_error("INVALID_COORDINATES_SYNTAX", "Latitude and longitude with a comma are expected.")


def _json(_value: Any, _field: Mapping[str, Any]) -> Problem:
    return None


_SINGLE: dict[str, Callable[[Any, Mapping[str, Any]], Problem]] = {
    "boolean": _boolean,
    "coordinates": _coordinates,
    "file": _string,
    "float": _float,
    "integer": _integer,
    "json": _json,
    "string": _string,
    "url": _url,
}
