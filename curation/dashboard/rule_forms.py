"""The form of a quality rule: which fields a kind and a consequence have, what they show, what was typed in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from django.http import QueryDict

from crowd import rules
from crowd.errors import CrowdError
from crowd.money import micro, plain
from crowd.rules import Rule

As = Literal["whole", "number", "percent", "money", "choice", "text"]


@dataclass(frozen=True, slots=True)
class Param:
    """One field. Shares are shown in percent and amounts in dollars; an empty optional field means no limit."""

    name: str
    label: str
    shown_as: As
    choices: Sequence[tuple[str, str]] = ()
    optional: bool = False
    hint: str = ""


KINDS = {
    "control": "Control tasks answered wrongly",
    "speed": "Answers too fast",
    "majority": "Against the majority",
    "acceptance": "Pages rejected",
    "skipped_in_row": "Pages skipped in a row",
    "answer_count": "Pages for one worker",
    "one_submission": "One submission for each person",
    "income": "Income in 24 hours",
}
ACTIONS = {
    "hold": "no further page while that is so",
    "warn": "warn",
    "suspend": "no more work in this pool",
    "ban": "no more work in the project or account",
    "reject": "reject what nobody has judged yet",
    "stop_paying": "do not pay before a person has looked",
    "set_skill": "set a skill",
}
PARAMS: Mapping[str, Sequence[Param]] = {
    "control": (
        Param(
            "method",
            "Judged by",
            "choice",
            (("monitor", "a sequential test that begins anew after each proof"), ("bound", "surely under an accuracy")),
        ),
        Param("clicker", "Test: who guesses is right in, %", "percent"),
        Param("good", "Test: who works well is right in, %", "percent"),
        Param("least_accuracy", "Accuracy: at least, %", "percent"),
        Param("least_answers", "Accuracy: judged from so many control tasks", "whole"),
    ),
    "speed": (
        Param(
            "method",
            "Too fast is",
            "choice",
            (("robust", "faster than nearly everybody in this pool"), ("fixed", "under fixed seconds")),
        ),
        Param(
            "seconds_per_task", "Seconds a task", "number", hint="the robust way needs them until 50 pages are known"
        ),
        Param("times", "So many fast pages", "whole"),
        Param("of_last", "of the last", "whole"),
    ),
    "majority": (
        Param("most_against", "Surely against it in more than, %", "percent"),
        Param("threshold", "A majority has at least so many", "whole"),
    ),
    "acceptance": (
        Param("least_rate", "Accepted at least, %", "percent"),
        Param("least_pages", "Judged from so many pages", "whole"),
        Param("of_last", "Only of the last", "whole", optional=True, hint="empty: of all"),
    ),
    "skipped_in_row": (Param("most", "Pages skipped in a row", "whole"),),
    "answer_count": (Param("most", "Pages for one worker", "whole"),),
    "one_submission": (),
    "income": (Param("most_micro", "Earned in 24 hours, USD", "money"),),
}
ACTION_PARAMS: Mapping[str, Sequence[Param]] = {
    "hold": (),
    "warn": (),
    "suspend": (Param("days", "For so many days", "whole", optional=True, hint="empty: until a person lifts it"),),
    "ban": (
        Param("scope", "Where", "choice", (("project", "this project"), ("account", "every project of this account"))),
        Param("days", "For so many days", "whole", optional=True, hint="empty: for good"),
    ),
    "reject": (Param("comment", "What the worker reads", "text"),),
    "stop_paying": (),
    "set_skill": (Param("skill", "Skill", "text"), Param("value", "Value, 0 to 100", "whole")),
}


@dataclass(frozen=True, slots=True)
class Shown:
    param: Param
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class RuleForm:
    kind: str
    action: str
    params: tuple[Shown, ...]
    action_params: tuple[Shown, ...]
    number: str = ""


def form_of(rule: Rule, number: str = "") -> RuleForm:
    values = rule.model_dump(mode="json")
    action = values["action"]
    return RuleForm(
        kind=rule.kind,
        action=action["kind"],
        params=tuple(Shown(one, one.name, _show(one, values.get(one.name))) for one in PARAMS[rule.kind]),
        action_params=tuple(
            Shown(one, f"action-{one.name}", _show(one, action.get(one.name))) for one in ACTION_PARAMS[action["kind"]]
        ),
        number=number,
    )


def blank_form(kind: str, action: str = "") -> RuleForm:
    """Return the form of a kind with its usual values, with another consequence where one is named."""
    usual = form_of(rules.KINDS[kind].model_validate({}))
    if not action or action == usual.action:
        return usual
    values = {name: one.default for name, one in rules.ACTIONS[action].model_fields.items()}
    shown = (Shown(one, f"action-{one.name}", _show(one, values.get(one.name))) for one in ACTION_PARAMS[action])
    return RuleForm(kind, action, usual.params, tuple(shown))


def typed_form(typed: QueryDict) -> RuleForm:
    """Return what was typed, right or wrong, to be shown again."""
    kind, action = _known(typed)
    return RuleForm(
        kind=kind,
        action=action,
        params=tuple(Shown(one, one.name, _text(typed, one.name)) for one in PARAMS[kind]),
        action_params=tuple(
            Shown(one, f"action-{one.name}", _text(typed, f"action-{one.name}")) for one in ACTION_PARAMS[action]
        ),
        number=_text(typed, "number"),
    )


def read_rule(typed: QueryDict) -> Rule:
    """Return the rule that was typed, or raise CrowdError with one sentence."""
    kind, action = _known(typed)
    consequence = {one.name: _read(one, _text(typed, f"action-{one.name}")) for one in ACTION_PARAMS[action]}
    values = {one.name: _read(one, _text(typed, one.name)) for one in PARAMS[kind]}
    return rules.read_one({"kind": kind, **values, "action": {"kind": action, **consequence}})


def _known(typed: QueryDict) -> tuple[str, str]:
    kind, action = _text(typed, "kind"), _text(typed, "action")
    return kind if kind in PARAMS else "control", action if action in ACTION_PARAMS else "suspend"


def _text(typed: QueryDict, name: str) -> str:
    return typed.get(name, "").replace("\x00", "").strip()[:300]


def _show(param: Param, value: Any) -> str:
    if value is None or str(value) == "PydanticUndefined":
        return ""
    if param.shown_as == "percent":
        return f"{(Decimal(str(value)) * 100).normalize():f}"
    return plain(value) if param.shown_as == "money" else f"{value:g}" if isinstance(value, float) else str(value)


def _read(param: Param, text: str) -> Any:
    if param.optional and not text:
        return None
    if param.shown_as in {"choice", "text"}:
        return text
    try:
        if param.shown_as == "money":
            return micro(text)
        number = Decimal(text)
    except (InvalidOperation, ValueError):
        raise CrowdError(f"“{param.label}” must be a number, not {text!r}.") from None
    if not number.is_finite() or abs(number) > 10**9:
        raise CrowdError(f"“{param.label}” must be a number, not {text!r}.")
    if param.shown_as == "whole" and number != int(number):
        raise CrowdError(f"“{param.label}” must be a whole number, not {text!r}.")
    return int(number) if param.shown_as == "whole" else float(number / 100 if param.shown_as == "percent" else number)
