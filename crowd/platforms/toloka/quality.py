"""Quality rules of a batch as Toloka's collectors: Toloka acts between two pulls, our own engine at every pull.

One table says which rule becomes which collector. Toloka is given nothing that is harsher than the rule: where ours
asks to be sure of something, it gets the rates that make it sure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from crowd import rules
from crowd.money import dollars
from crowd.platforms.base import BatchSpec
from crowd.quality.majority import LEAST_TASKS, majority_disagreement
from crowd.rules.kinds import surely_under

Json = dict[str, Any]
COMPARES = "Toloka compares answers letter by letter, which says nothing about {interface}; our own engine judges them."
OURS = "our own engine keeps it when pages are pulled"
LONGEST_COMMENT = 499
DOUBLINGS = 4  # so far from the least number of answers rates are worked out
POOL, PROJECT, EVERYWHERE = "POOL", "PROJECT", "ALL_PROJECTS"
SCOPES = {"batch": POOL, "project": PROJECT, "account": EVERYWHERE}
FOREVER: Json = {"duration_unit": "PERMANENT"}


@dataclass(frozen=True, slots=True)
class Collector:
    """`strikes` gives alternatives: each is a list of conditions that must hold together."""

    type: str
    strikes: Callable[[Any, BatchSpec], Sequence[list[Json]]]
    parameters: Callable[[Any, BatchSpec], Json] = lambda _rule, _batch: {}
    compares: bool = False  # whole answers with each other
    hold: Json | None = None  # what "no page while that is so" comes down to there


def condition(key: str, operator: str, value: Any) -> Json:
    return {"key": key, "operator": operator, "value": value}


def config(collector: str, strikes: Sequence[list[Json]], action: Json, parameters: Json | None = None) -> Json:
    return {
        "collector_config": {"type": collector, **({"parameters": parameters} if parameters else {})},
        "rules": [{"conditions": conditions, "action": action} for conditions in strikes],
    }


def sure_rates(is_sure: Callable[[list[bool]], bool], least: int) -> Iterator[tuple[int, Decimal]]:
    """Give (answers, percent right): with so many answers, whoever has no more right is surely too bad.

    With more answers at the same rate one is only surer, so every pair holds from its number on.
    """
    for answers in (least * 2**step for step in range(DOUBLINGS)):
        right = max((ok for ok in range(answers) if is_sure([True] * ok + [False] * (answers - ok))), default=None)
        if right is not None:
            yield answers, _percent(Decimal(right) / answers)


def _percent(share: Decimal) -> Decimal:
    return (share * 100).quantize(Decimal("0.01"), rounding=ROUND_CEILING).normalize() + 0


def _control(rule: rules.ControlRule, _batch: BatchSpec) -> list[list[Json]]:
    def is_sure(answers: list[bool]) -> bool:
        return surely_under(answers, rule.least_accuracy, rule.least_answers).applies

    return [
        [
            condition("golden_set_answers_count", "GTE", answers),
            condition("golden_set_correct_answers_rate", "LTE", percent),
        ]
        for answers, percent in sure_rates(is_sure, rule.least_answers)
    ]


def _majority(rule: rules.MajorityRule, _batch: BatchSpec) -> list[list[Json]]:
    def is_sure(answers: list[bool]) -> bool:
        return majority_disagreement(answers, most=rule.most_against).applies

    return [
        [condition("total_answers_count", "GTE", answers), condition("correct_answers_rate", "LTE", percent)]
        for answers, percent in sure_rates(is_sure, LEAST_TASKS)
    ]


def _acceptance(rule: rules.AcceptanceRule, _batch: BatchSpec) -> list[list[Json]]:
    return [
        [
            condition("total_assignments_count", "GTE", rule.least_pages),
            condition("accepted_assignments_rate", "LT", round(100 * rule.least_rate)),
        ]
    ]


def _history(rule: rules.AcceptanceRule, _batch: BatchSpec) -> Json:
    return {"history_size": rule.of_last} if rule.of_last else {}


def _fast_page(rule: rules.SpeedRule, batch: BatchSpec) -> int:
    """Return whole seconds under which a page is surely too fast, the shortest one too; 0 = Toloka cannot measure that.

    The last page of a pool may have a single task; an exam is always whole.
    """
    return int(rule.seconds_per_task * (batch.page_size if batch.kind == "exam" else 1))


COLLECTORS: Mapping[type[rules.Rule], Collector] = {
    rules.ControlRule: Collector("GOLDEN_SET", _control, compares=True),
    rules.MajorityRule: Collector(
        "MAJORITY_VOTE", _majority, lambda rule, _batch: {"answer_threshold": rule.threshold}, compares=True
    ),
    rules.AcceptanceRule: Collector("ACCEPTANCE_RATE", _acceptance, _history),
    rules.SpeedRule: Collector(
        "ASSIGNMENT_SUBMIT_TIME",
        lambda rule, _batch: [[condition("fast_submitted_count", "GTE", rule.times)]],
        lambda rule, batch: {
            "fast_submit_threshold_seconds": _fast_page(rule, batch),
            "history_size": rule.of_last,
        },
    ),
    rules.SkippedRule: Collector(
        "SKIPPED_IN_ROW_ASSIGNMENTS", lambda rule, _batch: [[condition("skipped_in_row_count", "GTE", rule.most)]]
    ),
    rules.AnswerCountRule: Collector(
        "ANSWER_COUNT",
        lambda rule, _batch: [[condition("assignments_accepted_count", "GTE", rule.most)]],
        hold={"scope": POOL, **FOREVER},
    ),
    rules.OneSubmissionRule: Collector(
        "ANSWER_COUNT",
        lambda _rule, _batch: [[condition("assignments_accepted_count", "GTE", 1)]],
        hold={"scope": PROJECT, **FOREVER},
    ),
    rules.IncomeRule: Collector(
        "INCOME",
        lambda rule, _batch: [[condition("income_sum_for_last_24_hours", "GTE", dollars(rule.most_micro))]],
        hold={"scope": PROJECT, "duration": 1, "duration_unit": "DAYS"},
    ),
}


def skills_in(batch: BatchSpec) -> list[str]:
    """Return the skills that rules set."""
    return [rule.action.skill for rule in rules.read(batch.rules) if isinstance(rule.action, rules.SetSkill)]


def _lasting(days: int | None) -> Json:
    return FOREVER if days is None else {"duration": days, "duration_unit": "DAYS"}


def _action(rule: rules.Rule, skill_ids: Mapping[str, str]) -> Json | None:
    """Return what Toloka does when the rule strikes; None = nothing that it could do, or should do by itself."""
    action, about = rule.action, {"private_comment": f"winnow: {rule.condition()}"[:LONGEST_COMMENT]}
    if isinstance(action, rules.SetSkill):
        parameters = {"skill_id": skill_ids.get(action.skill, ""), "skill_value": action.value}
        return {"type": "SET_SKILL", "parameters": parameters}
    if isinstance(action, rules.Suspend):
        return _restriction({"scope": POOL, **_lasting(action.days), **about})
    if isinstance(action, rules.Ban):
        return _restriction({"scope": SCOPES[action.scope], **_lasting(action.days), **about})
    hold = COLLECTORS[type(rule)].hold if isinstance(action, rules.Hold) else None
    return _restriction({**hold, **about}) if hold else None


def _restriction(parameters: Json) -> Json:
    return {"type": "RESTRICTION_V2", "parameters": parameters}


def lacks(batch: BatchSpec) -> list[str]:
    """Return in sentences which rules Toloka does not keep, or keeps in part."""
    return [sentence for rule in rules.read(batch.rules) if (sentence := why_not(rule, batch) or _partly(rule, batch))]


def why_not(rule: rules.Rule, batch: BatchSpec) -> str:
    """Return why Toloka does not keep a rule; empty = it does."""
    collector = COLLECTORS.get(type(rule))
    said = f"“{rule.condition()}”"
    if collector is None:
        return f"{said}: Toloka has no such rule; {OURS}."
    if collector.compares and batch.interface != "choice":
        return f"{said}: {COMPARES.format(interface=batch.interface)}"
    if getattr(rule, "method", "") in ("monitor", "robust"):
        return f"{said}: Toloka knows fixed limits only; {OURS}."
    if isinstance(rule, rules.SpeedRule) and _fast_page(rule, batch) < 1:
        return f"{said}: Toloka measures pages in whole seconds; {OURS}."
    if _action(rule, {}) is None:
        return f"{said}: what follows is not Toloka's to do; {OURS}."
    return ""


def _partly(rule: rules.Rule, batch: BatchSpec) -> str:
    if isinstance(rule, rules.SpeedRule) and batch.page_size > 1 and batch.kind != "exam":
        return (
            f"“{rule.condition()}”: a page can be short, so Toloka itself counts only those under "
            f"{_fast_page(rule, batch)} s; our own engine the rest."
        )
    if isinstance(rule, rules.OneSubmissionRule):
        return (
            "One page for each person: Toloka counts accepted ones, in pools with the same words; our engine the rest."
        )
    return ""


def configs_of(batch: BatchSpec, skill_ids: Mapping[str, str]) -> list[Json]:
    """Return the collectors for the rules Toloka keeps."""
    kept = [rule for rule in rules.read(batch.rules) if not why_not(rule, batch)]
    return [made for rule in kept if (made := _config(rule, batch, skill_ids))["rules"]]


def _config(rule: rules.Rule, batch: BatchSpec, skill_ids: Mapping[str, str]) -> Json:
    collector = COLLECTORS[type(rule)]
    action = _action(rule, skill_ids) or {}
    return config(collector.type, collector.strikes(rule, batch), action, collector.parameters(rule, batch))


def exam(skill_id: str, tasks: int) -> Json:
    """Let the share of right control answers become the exam's skill."""
    return config(
        "GOLDEN_SET",
        [[condition("golden_set_answers_count", "GTE", tasks)]],
        {
            "type": "SET_SKILL_FROM_OUTPUT_FIELD",
            "parameters": {"skill_id": skill_id, "from_field": "correct_answers_rate"},
        },
    )
