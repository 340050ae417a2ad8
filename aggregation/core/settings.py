"""Settings as `key=value` pairs, for commands and forms."""

from collections.abc import Iterable
from dataclasses import Field, fields, replace
from typing import Any, ClassVar, Protocol, TypeVar

from aggregation.core.errors import BadInput


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


S = TypeVar("S", bound=_Dataclass)


def with_pairs(settings: S, pairs: Iterable[str]) -> S:
    """Return the settings with every `key=value` applied; a ValueError names the key or value that is wrong."""
    known = {field.name: getattr(settings, field.name) for field in fields(settings)}
    changes = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise BadInput(f"setting {pair!r}: expected key=value")
        if key not in known:
            raise BadInput(f"unknown setting {key!r}: expected one of {', '.join(known)}")
        changes[key] = _like(known[key], key, text)
    return replace(settings, **changes)


def _like(default: object, key: str, text: str) -> object:
    if isinstance(default, tuple):
        return tuple(part for part in text.split(",") if part)
    if isinstance(default, str):
        return text
    return number(f"setting {key}", text, whole=isinstance(default, int))


def number(name: str, text: str, *, whole: bool = False) -> float:
    """Return the number that the text says; a ValueError names what was to be set."""
    try:
        return int(text) if whole else float(text)
    except ValueError as error:
        raise BadInput(f"{name} is {text!r}: expected {'a whole number' if whole else 'a number'}") from error


def require_between(name: str, value: float, least: float, most: float, *, open_start: bool = False) -> None:
    """Refuse a value outside the range."""
    inside = (least < value if open_start else least <= value) and value <= most
    if not inside:
        start = "above" if open_start else "from"
        raise BadInput(f"setting {name} is {value}: expected a number {start} {least:g} to {most:g}")


def require_whole(name: str, value: object, least: int) -> None:
    """Refuse a value that is not a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BadInput(f"setting {name} is {value}: expected a whole number of at least {least}")


def require_one_of(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a word that is not known."""
    if value not in tuple(known):
        raise BadInput(f"setting {name} is {value!r}: expected one of {', '.join(known)}")
