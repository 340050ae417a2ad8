"""Quality rules of a batch, ours on every platform: read from its column, checked, said in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crowd.errors import CrowdError
from crowd.rules.actions import (
    RESTRICTS,
    Action,
    Ban,
    Hold,
    Reject,
    SetSkill,
    StopPaying,
    Suspend,
    Warn,
    Words,
)
from crowd.rules.kinds import (
    AcceptanceRule,
    AnswerCountRule,
    AnyRule,
    ControlRule,
    History,
    IncomeRule,
    MajorityRule,
    OneSubmissionRule,
    Rule,
    SkippedRule,
    SpeedRule,
)

__all__ = [
    "ACTIONS",
    "KINDS",
    "RESTRICTS",
    "AcceptanceRule",
    "Action",
    "AnswerCountRule",
    "Ban",
    "ControlRule",
    "History",
    "Hold",
    "IncomeRule",
    "MajorityRule",
    "OneSubmissionRule",
    "Reject",
    "Rule",
    "SetSkill",
    "SkippedRule",
    "SpeedRule",
    "StopPaying",
    "Suspend",
    "Warn",
    "plain",
    "read",
    "read_one",
]

MOST_RULES = 30
_one: TypeAdapter[Rule] = TypeAdapter(AnyRule)
KINDS: dict[str, type[Rule]] = {
    "control": ControlRule,
    "speed": SpeedRule,
    "majority": MajorityRule,
    "acceptance": AcceptanceRule,
    "skipped_in_row": SkippedRule,
    "answer_count": AnswerCountRule,
    "one_submission": OneSubmissionRule,
    "income": IncomeRule,
}
ACTIONS: dict[str, type[Words]] = {
    "hold": Hold,
    "warn": Warn,
    "suspend": Suspend,
    "ban": Ban,
    "reject": Reject,
    "stop_paying": StopPaying,
    "set_skill": SetSkill,
}
OLD_MEANING = {"control": {"method": "bound"}, "speed": {"method": "fixed"}}  # when a batch held them as one object


def read(column: Sequence[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]]) -> list[Rule]:
    """Return the rules of a batch. Raises CrowdError with one sentence that names the rule and what is wrong."""
    listed = _listed(column) if isinstance(column, Mapping) else column
    if len(listed) > MOST_RULES:
        raise CrowdError(f"{len(listed)} quality rules are too many; a pool keeps at most {MOST_RULES}.")
    return [read_one(row, number) for number, row in enumerate(listed, start=1)]


def read_one(row: Mapping[str, Any], number: int = 1) -> Rule:
    try:
        return _one.validate_python(dict(row))
    except ValidationError as error:
        raise CrowdError(f"Quality rule {number}: {_sentence(error, row)}") from None


def _sentence(error: ValidationError, row: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    if first["type"].startswith("union_tag") and "action" in first["loc"]:
        return f"{row['kind']}: {row['action']!r} is no action; known are {', '.join(ACTIONS)}."
    if first["type"].startswith("union_tag"):
        return f"{row.get('kind')!r} is no kind of rule; known are {', '.join(KINDS)}."
    where = " ".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def plain(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return rules as their column holds them."""
    return [rule.model_dump(mode="json") for rule in rules]


def _listed(old: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Read the form of earlier batches: one object by kind, always 30 days without work in the project."""
    ban = {"kind": "ban", "scope": "project", "days": 30}
    inside = sorted(old.items())  # the database keeps names in an order of its own
    return [{"kind": kind, **OLD_MEANING.get(kind, {}), **settings, "action": ban} for kind, settings in inside]
