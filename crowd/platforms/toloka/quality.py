"""Quality rules of a batch as Toloka's collectors. One table says which rule becomes which collector.

Our own engine judges by the same rules whenever pages are pulled; here Toloka does it between two pulls.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crowd.money import dollars
from crowd.platforms.base import BatchSpec

Json = dict[str, Any]
Rule = Mapping[str, Any]
FAST_PAGES = 10  # of the last so many pages
PERMANENT = {"duration_unit": "PERMANENT"}
SCOPES = {"batch": "POOL", "project": "PROJECT", "account": "ALL_PROJECTS"}
COMPARES = "Toloka compares answers letter by letter, which says nothing about {interface}; our own engine judges them."


@dataclass(frozen=True, slots=True)
class Collector:
    """`conditions` and `parameters` are made of the rule and the batch; `exact` = it compares whole answers."""

    type: str
    conditions: Callable[[Rule, BatchSpec], list[Json]]
    parameters: Callable[[Rule, BatchSpec], Json] = lambda _rule, _batch: {}
    exact: bool = False


def condition(key: str, operator: str, value: Any) -> Json:
    return {"key": key, "operator": operator, "value": value}


def config(collector: str, conditions: list[Json], action: Json, parameters: Json | None = None) -> Json:
    return {
        "collector_config": {"type": collector, **({"parameters": parameters} if parameters else {})},
        "rules": [{"conditions": conditions, "action": action}],
    }


def _percent(share: Any) -> Decimal:
    """Rates stand in percent there."""
    return Decimal(str(share)) * 100


def _control(rule: Rule, _batch: BatchSpec) -> list[Json]:
    return [
        condition("golden_set_answers_count", "GTE", int(rule.get("least_answers", 5))),
        condition("golden_set_correct_answers_rate", "LT", _percent(rule.get("least_accuracy", 0.7))),
    ]


def _majority(rule: Rule, _batch: BatchSpec) -> list[Json]:
    return [
        condition("total_answers_count", "GTE", int(rule.get("least_answers", 10))),
        condition("correct_answers_rate", "LT", _percent(rule.get("least_accuracy", 0.7))),
    ]


def _acceptance(rule: Rule, _batch: BatchSpec) -> list[Json]:
    return [
        condition("total_assignments_count", "GTE", int(rule.get("least_pages", 5))),
        condition("accepted_assignments_rate", "LT", _percent(rule.get("least_rate", 0.7))),
    ]


def _speed(rule: Rule, _batch: BatchSpec) -> list[Json]:
    return [
        condition("total_submitted_count", "GTE", int(rule.get("times", 3))),
        condition("fast_submitted_count", "GTE", int(rule.get("times", 3))),
    ]


def _speed_limit(rule: Rule, batch: BatchSpec) -> Json:
    seconds = max(1, round(float(rule.get("seconds_per_task", 1.0)) * batch.page_size))
    return {"fast_submit_threshold_seconds": seconds, "history_size": int(rule.get("of_last", FAST_PAGES))}


COLLECTORS: Mapping[str, Collector] = {
    "control": Collector("GOLDEN_SET", _control, exact=True),
    "majority": Collector(
        "MAJORITY_VOTE", _majority, lambda _rule, batch: {"answer_threshold": max(2, batch.overlap)}, exact=True
    ),
    "acceptance": Collector("ACCEPTANCE_RATE", _acceptance),
    "speed": Collector("ASSIGNMENT_SUBMIT_TIME", _speed, _speed_limit),
    "skipped_in_row": Collector(
        "SKIPPED_IN_ROW_ASSIGNMENTS",
        lambda rule, _batch: [condition("skipped_in_row_count", "GTE", int(rule.get("most", 10)))],
    ),
    "answer_count": Collector(
        "ANSWER_COUNT",
        lambda rule, _batch: [condition("assignments_accepted_count", "GTE", int(rule.get("most", 1)))],
    ),
    "income": Collector(
        "INCOME",
        lambda rule, _batch: [
            condition("income_sum_for_last_24_hours", "GTE", dollars(int(rule.get("most_micro", 20_000_000))))
        ],
    ),
}


def action_of(rule: Rule) -> Json | None:
    """Return what Toloka does when a rule strikes; None = nothing that it could do."""
    wanted = rule.get("action")
    action: Mapping[str, Any] = wanted if isinstance(wanted, Mapping) else {"kind": wanted or "ban"}
    kind = action.get("kind", "ban")
    if kind == "suspend":
        return _restriction("batch", action, rule)
    return _restriction(str(action.get("scope", "project")), action, rule) if kind == "ban" else None


def _restriction(scope: str, action: Mapping[str, Any], rule: Rule) -> Json | None:
    if scope not in SCOPES:
        return None
    days = action.get("days")
    lasts = {"duration": int(days), "duration_unit": "DAYS"} if days else PERMANENT
    comment = f"winnow rule: {rule.get('kind')}"
    return {
        "type": "RESTRICTION_V2",
        "parameters": {"scope": SCOPES[scope], **lasts, "private_comment": comment},
    }


def why_not(rule: Rule, batch: BatchSpec) -> str:
    """Return why a rule of this batch is not kept by Toloka itself; empty = it is."""
    kind = str(rule.get("kind", ""))
    collector = COLLECTORS.get(kind)
    if collector is None:
        return f"Toloka has no rule {kind!r}; our own engine keeps it when pages are pulled."
    if collector.exact and batch.interface != "choice":
        return f"The rule {kind!r}: {COMPARES.format(interface=batch.interface)}"
    if action_of(rule) is None:
        return f"The rule {kind!r} does here what Toloka cannot do by itself; our own engine does it."
    return ""


def configs_of(batch: BatchSpec) -> list[Json]:
    """Return the collectors for the rules Toloka keeps."""
    return [_config(rule, batch) for rule in batch.rules if not why_not(rule, batch)]


def _config(rule: Rule, batch: BatchSpec) -> Json:
    collector = COLLECTORS[str(rule["kind"])]
    return config(
        collector.type, collector.conditions(rule, batch), action_of(rule) or {}, collector.parameters(rule, batch)
    )


def exam(skill_id: str, tasks: int) -> Json:
    """Let the share of right control answers become the exam's skill."""
    return config(
        "GOLDEN_SET",
        [condition("golden_set_answers_count", "GTE", tasks)],
        {
            "type": "SET_SKILL_FROM_OUTPUT_FIELD",
            "parameters": {"skill_id": skill_id, "from_field": "correct_answers_rate"},
        },
    )


def collect_again() -> Json:
    """Let somebody else do what was rejected: without it a rejected page is never given out again."""
    return config(
        "ASSIGNMENTS_ASSESSMENT",
        [condition("assessment_event", "EQ", "REJECT")],
        {"type": "CHANGE_OVERLAP", "parameters": {"delta": 1, "open_pool": False}},
    )
