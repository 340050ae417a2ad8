"""JSON from outside, checked as it is unpacked: every fault is a ValueError with a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_object(line: bytes) -> dict[str, Any]:
    """Return one JSON object; a key that occurs twice and numbers that JSON does not know are refused."""
    try:
        value = _STRICT.decode(line.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError("it is not JSON in UTF-8") from error
    return dict(mapping(value, "it"))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number JSON knows")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not a JSON object")  # noqa: TRY004  all faults of an entry are ValueError
    return value


def listed(value: Mapping[str, Any], name: str, where: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise ValueError(f'{where} has no list "{name}"')  # noqa: TRY004  all faults of an entry are ValueError
    return found


def json_or_none(text: object) -> Any:
    """Return what a cell says in JSON; None for a cell that is empty or says nothing."""
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except (ValueError, RecursionError):
        return None
