"""Checks of a request's body, as values: a form is a table of fields, each needed or not, each with its check."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crowd.emulators.toloka import moments
from crowd.emulators.toloka.errors import FieldErrors, field_error, invalid

Check = Callable[[Any, str, FieldErrors], None]


@dataclass(frozen=True, slots=True)
class Field:
    check: Check
    needed: bool = False


def needed(check: Check) -> Field:
    return Field(check, needed=True)


def maybe(check: Check) -> Field:
    return Field(check)


def refuse(errors: FieldErrors, path: str, code: str, message: str, *params: Any) -> None:
    errors.setdefault(path, field_error(code, message, *params))


def anything(_value: Any, _path: str, _errors: FieldErrors) -> None:
    return None


def text(*, longest: int | None = None, blank: bool = True) -> Check:
    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if not isinstance(value, str):
            refuse(errors, path, "STRING_EXPECTED", "A string is expected.")
        elif not blank and not value.strip():
            refuse(errors, path, "BLANK_STRING_NOT_ALLOWED", "The text is empty.")
        elif longest is not None and len(value) > longest:
            refuse(errors, path, "STRING_LENGTH_GREATER_THAN_MAX", "The text is too long.", longest)

    return check


def _in_bounds(value: Any, path: str, errors: FieldErrors, lowest: float | None, highest: float | None) -> None:
    if lowest is not None and value < lowest:
        refuse(errors, path, "VALUE_LESS_THAN_MIN", f"The value is less than {lowest}.", lowest)
    elif highest is not None and value > highest:
        refuse(errors, path, "VALUE_GREATER_THAN_MAX", f"The value is greater than {highest}.", highest)


def whole(lowest: int | None = None, highest: int | None = None) -> Check:
    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(errors, path, "INTEGER_EXPECTED", "An integer is expected.")
        else:
            _in_bounds(value, path, errors, lowest, highest)

    return check


def number(lowest: float | None = None, highest: float | None = None) -> Check:
    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(errors, path, "FLOAT_EXPECTED", "A number is expected.")
        else:
            _in_bounds(value, path, errors, lowest, highest)

    return check


def money(lowest: str, highest: str | None = None, *, or_zero: bool = False) -> Check:
    """An amount in dollars, down to a micro-dollar; `or_zero` allows nothing at all below the lowest."""
    least, most = Decimal(lowest), None if highest is None else Decimal(highest)

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(errors, path, "FLOAT_EXPECTED", "A number is expected.")
            return
        amount = Decimal(str(value))
        if amount != round(amount, 6):
            refuse(errors, path, "INVALID_VALUE", "An amount has at most six decimals.")
        elif amount < least and not (or_zero and amount == 0):
            refuse(errors, path, "VALUE_LESS_THAN_MIN", f"The amount is less than {lowest}.", float(least))
        elif most is not None and amount > most:
            refuse(errors, path, "VALUE_GREATER_THAN_MAX", f"The amount is greater than {highest}.", float(most))

    return check


def flag(value: Any, path: str, errors: FieldErrors) -> None:
    if not isinstance(value, bool):
        refuse(errors, path, "BOOLEAN_EXPECTED", "true or false is expected.")


def one_of(*choices: str) -> Check:
    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if value not in choices:
            refuse(errors, path, "UNKNOWN_ENUM_VALUE", f"Expected is one of {', '.join(choices)}.", *choices)

    return check


def moment(value: Any, path: str, errors: FieldErrors) -> None:
    try:
        moments.read(value)
    except (TypeError, ValueError):
        refuse(errors, path, "INVALID_DATE_TIME_SYNTAX", "A time like 2026-11-20T10:00:00 is expected.")


def several(item: Check, *, fewest: int = 0, most: int | None = None, unique: bool = False) -> Check:
    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if not isinstance(value, list):
            refuse(errors, path, "ARRAY_EXPECTED", "An array is expected.")
        elif len(value) < fewest:
            refuse(errors, path, "ARRAY_SIZE_LESS_THAN_MIN", f"At least {fewest} are expected.", fewest)
        elif most is not None and len(value) > most:
            refuse(errors, path, "ARRAY_SIZE_GREATER_THAN_MAX", f"At most {most} are allowed.", most)
        elif unique and len({str(element) for element in value}) < len(value):
            refuse(errors, path, "DUPLICATE_VALUE_IN_ARRAY", "A value stands there twice.")
        else:
            for index, element in enumerate(value):
                item(element, f"{path}.{index}", errors)

    return check


def mapping(item: Check, *, key: str = r".+", empty: bool = True) -> Check:
    """An object with free keys, such as texts by language."""
    pattern = re.compile(key)

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if not isinstance(value, dict):
            refuse(errors, path, "OBJECT_EXPECTED", "An object is expected.")
            return
        if not value and not empty:
            refuse(errors, path, "EMPTY_OBJECT_NOT_ALLOWED", "The object is empty.")
        for name, element in value.items():
            if not pattern.fullmatch(name):
                refuse(errors, f"{path}.{name}", "PATTERN_MISMATCH", f"{name} is not allowed here.", key)
            item(element, f"{path}.{name}", errors)

    return check


def form(fields: Mapping[str, Field], *, extra: bool = False) -> Check:
    """An object with known fields; with `extra` others are let through, else they are no fields."""

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if not isinstance(value, dict):
            refuse(errors, path or "body", "OBJECT_EXPECTED", "An object is expected.")
            return
        before = f"{path}." if path else ""
        for name, field in fields.items():
            given = value.get(name)
            if given is not None:
                field.check(given, f"{before}{name}", errors)
            elif field.needed:
                refuse(errors, f"{before}{name}", "VALUE_REQUIRED", "A value is required.")
        if not extra:
            for name in value.keys() - fields.keys():
                refuse(errors, f"{before}{name}", "VALUE_NOT_ALLOWED", "There is no such field.")

    return check


LANGUAGE = r"[A-Z]{2}(-[A-Z]+)?"
words = mapping(text(), key=LANGUAGE, empty=False)
"""Texts by language."""
identifier = text(blank=False)
tags = mapping(several(text()))


def errors_of(check: Check, body: Any) -> FieldErrors:
    errors: FieldErrors = {}
    check(body, "", errors)
    return errors


def demand(check: Check, body: Any) -> dict[str, Any]:
    """Return the body as it is, or refuse it with every field that is wrong."""
    if body is None:
        raise invalid({"body": field_error("NOT_NULL_BODY", "A body is expected.")})
    errors = errors_of(check, body)
    if errors:
        raise invalid(errors)
    return dict(body)
