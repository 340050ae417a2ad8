"""Requests are checked against the service's own model, the one that the official client ships."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from crowd.emulators.mturk.errors import Refusal, invalid

TARGET: Final = "MTurkRequesterServiceV20170117."
_WHOLE: Final = {"integer": 2**31, "long": 2**63}


@cache
def service_model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("mturk", "service-2"), "mturk")


def operation_model(name: str) -> OperationModel:
    """Return the model of an operation; an unknown one is the refusal that the service gives."""
    model = service_model()
    if name not in model.operation_names:
        raise Refusal("UnknownOperationException", f"The operation {name!r} is not known.")
    return model.operation_model(name)


def checked(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known members of a request, timestamps as aware datetimes; raise what the model does not allow."""
    shape = operation_model(operation).input_shape
    return _structure(shape, body, "") if isinstance(shape, StructureShape) else {}


def _value(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path)
    if isinstance(shape, ListShape):
        return _list(shape, value, path)
    return _CHECKS[shape.type_name](shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _misfit(path or "request", value, "an object")
    for name in shape.required_members:
        if value.get(name) is None:
            raise invalid(f"The parameter {_join(path, name)} is required but is missing.")
    members = shape.members
    return {
        name: _value(members[name], given, _join(path, name))
        for name, given in value.items()
        if name in members and given is not None
    }


def _list(shape: ListShape, value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _misfit(path, value, "a list")
    return [_value(shape.member, item, f"{path}[{number}]") for number, item in enumerate(value)]


def _string(shape: Shape, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _misfit(path, value, "a string")
    rules = shape.metadata
    if (choices := rules.get("enum")) and value not in choices:
        raise _misfit(path, value, f"one of {', '.join(choices)}")
    _length(rules, value, path)
    if (pattern := rules.get("pattern")) and not re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value):
        raise _misfit(path, value, f"something that matches {pattern}")
    return value


def _length(rules: Mapping[str, Any], value: str, path: str) -> None:
    if not rules.get("min", 0) <= len(value) <= rules.get("max", len(value)):
        raise _misfit(path, value, f"{rules.get('min', 0)} to {rules.get('max')} characters")


def _whole(shape: Shape, value: Any, path: str) -> int:
    limit = _WHOLE[shape.type_name]
    if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
        raise _misfit(path, value, "a whole number")
    rules = shape.metadata
    if not rules.get("min", value) <= value <= rules.get("max", value):
        raise _misfit(path, value, f"{rules.get('min')} to {rules.get('max')}")
    return value


def _boolean(_shape: Shape, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _misfit(path, value, "true or false")
    return value


def _timestamp(_shape: Shape, value: Any, path: str) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _misfit(path, value, "seconds since 1970")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise _misfit(path, value, "seconds since 1970") from None


_CHECKS: Final = {
    "string": _string,
    "integer": _whole,
    "long": _whole,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _misfit(path: str, value: Any, expected: str) -> Refusal:
    shown = repr(value)
    return invalid(f"The value {shown[:80]} of {path} is invalid: expected {expected}.")
