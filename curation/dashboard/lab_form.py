"""The lab's form: what was typed, and how settings are read from an address."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crowd.errors import CrowdError
from curation.dashboard.lab_fields import FIELDS, GROUPS, METHODS, Field
from curation.services.consensus.settings import ConsensusSettings, known_methods, read

NAMES = ("method", *(field.name for field in FIELDS))


@dataclass(frozen=True, slots=True)
class Row:
    """A field with its value, and what it is now when that differs."""

    field: Field
    value: str
    now: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    rows: tuple[Row, ...]

    @property
    def is_open(self) -> bool:
        """Whether its settings are seen at once: what is often turned, or was turned."""
        return self.title == GROUPS["more"] or any(row.now for row in self.rows)


@dataclass(frozen=True, slots=True)
class LabForm:
    """What stands in the form."""

    rows: tuple[Row, ...]
    method: str

    @property
    def groups(self) -> list[Group]:
        """Return the rows under their headings; the first ones have none."""
        return [
            Group(title, tuple(row for row in self.rows if row.field.group == name)) for name, title in GROUPS.items()
        ]

    @property
    def methods(self) -> list[tuple[str, str, str]]:
        return [(name, *METHODS.get(name, (name, ""))) for name in known_methods()]


def typed_in(query: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed of the settings the lab knows, without NUL and cut to a length."""
    return {name: query[name].replace("\x00", "").strip()[:40] for name in NAMES if query.get(name, "").strip()}


def settings_from(now: ConsensusSettings, typed: Mapping[str, str]) -> ConsensusSettings:
    """Return the settings that stand with what was typed instead. CrowdError says what is wrong with it."""
    for one in FIELDS:
        if one.name in typed and not one.choices:
            _check_number(one, typed[one.name])
    try:
        return read({**now.model_dump(), **typed})
    except CrowdError as error:
        text = str(error).removeprefix("the document: ")
        raise CrowdError(text[:1].upper() + text[1:]) from None


def _check_number(one: Field, text: str) -> None:
    value = _number(text)
    if isinstance(value, str) or not math.isfinite(value):
        raise CrowdError(f"{one.label} is {text!r}: expected a number.")
    if one.step == 1 and not value.is_integer():
        raise CrowdError(f"{one.label} is {text}: expected a whole number.")


def form_of(now: ConsensusSettings, typed: Mapping[str, str]) -> LabForm:
    standing = now.model_dump()
    rows = tuple(_row(one, standing, typed) for one in FIELDS)
    return LabForm(rows, typed.get("method", now.method))


def _row(one: Field, standing: Mapping[str, Any], typed: Mapping[str, str]) -> Row:
    present = as_text(standing[one.name])
    value = typed.get(one.name, present)
    return Row(one, value, present if _number(value) != _number(present) else "")


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def as_text(value: object) -> str:
    """Return 0.7, 3 or a word as a person would type it."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def differences(now: ConsensusSettings, then: ConsensusSettings) -> list[tuple[str, str, str]]:
    """Return each setting that differs, as name, value before, value after."""
    before, after = now.model_dump(), then.model_dump()
    return [(name, as_text(before[name]), as_text(after[name])) for name in before if before[name] != after[name]]


def query_of(settings: ConsensusSettings, now: ConsensusSettings) -> dict[str, str]:
    """Return what an address must say to get from the settings that stand to these."""
    return {name: after for name, _, after in differences(now, settings) if name in NAMES}
