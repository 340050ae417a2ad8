"""Quality control, the counting half: what each collector remembers of a worker, and its figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from crowd.money import dollars


@dataclass(frozen=True, slots=True)
class Entry:
    """Something a collector remembers: an answer (`value` is how right it was), a page, a sum of money."""

    at: datetime
    value: float
    kind: str = ""


Figures = dict[str, Any]


@dataclass(slots=True)
class Collector:
    """What one collector knows; pools that carry its uuid share it."""

    uuid: str
    type: str
    parameters: Mapping[str, Any]
    users: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def remember(self, user_id: str, key: str, entry: Entry) -> None:
        self.users.setdefault(user_id, {})[key] = entry

    def forget(self, user_id: str) -> None:
        self.users.pop(user_id, None)

    def entries(self, user_id: str) -> list[Entry]:
        """Return the last `history_size` entries of a worker, or all of them."""
        known = list(self.users.get(user_id, {}).values())
        size = self.parameters.get("history_size")
        return known[-size:] if size else known

    def figures(self, user_id: str, now: datetime) -> Figures:
        return _FIGURES[self.type](self.entries(user_id), self.parameters, now)


def _rates(entries: Sequence[Entry], prefix: str = "") -> Figures:
    if not entries:
        return {}
    right = sum(entry.value for entry in entries)
    return {
        f"{prefix}correct_answers_rate": 100 * right / len(entries),
        f"{prefix}incorrect_answers_rate": 100 * (len(entries) - right) / len(entries),
    }


def _golden_set(entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    golden = [entry for entry in entries if entry.kind == "GOLDEN"]
    counts = {"total_answers_count": len(entries), "golden_set_answers_count": len(golden)}
    return {**counts, **_rates(entries), **_rates(golden, "golden_set_")}


def _majority_vote(entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    return {"total_answers_count": len(entries), **_rates(entries)}


def _acceptance_rate(entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    figures: Figures = {"total_assignments_count": len(entries)}
    if entries:
        accepted = sum(entry.value for entry in entries)
        figures["accepted_assignments_rate"] = 100 * accepted / len(entries)
        figures["rejected_assignments_rate"] = 100 * (len(entries) - accepted) / len(entries)
    return figures


def _submit_time(entries: Sequence[Entry], parameters: Mapping[str, Any], _now: datetime) -> Figures:
    fast = sum(1 for entry in entries if entry.value < parameters["fast_submit_threshold_seconds"])
    return {"total_submitted_count": len(entries), "fast_submitted_count": fast}


def _answer_count(entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    return {"assignments_accepted_count": len(entries)}


def _income(entries: Sequence[Entry], _parameters: Mapping[str, Any], now: datetime) -> Figures:
    earned = sum(int(entry.value) for entry in entries if now - entry.at < timedelta(hours=24))
    return {"income_sum_for_last_24_hours": dollars(earned)}


def _skipped_in_row(entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    return {"skipped_in_row_count": len(entries)}


def _training(entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    pages = [entry for entry in entries if entry.kind == "PAGE"]
    answers = [entry for entry in entries if entry.kind != "PAGE"]
    return {
        "submitted_assignments_count": len(pages),
        "total_answers_count": len(answers),
        "next_assignment_available": bool(pages) and bool(pages[-1].value),
        **_rates(answers),
    }


def _nothing(_entries: Sequence[Entry], _parameters: Mapping[str, Any], _now: datetime) -> Figures:
    return {}


_FIGURES: dict[str, Callable[[Sequence[Entry], Mapping[str, Any], datetime], Figures]] = {
    "GOLDEN_SET": _golden_set,
    "MAJORITY_VOTE": _majority_vote,
    "ACCEPTANCE_RATE": _acceptance_rate,
    "ASSIGNMENT_SUBMIT_TIME": _submit_time,
    "ANSWER_COUNT": _answer_count,
    "INCOME": _income,
    "SKIPPED_IN_ROW_ASSIGNMENTS": _skipped_in_row,
    "TRAINING": _training,
    "ASSIGNMENTS_ASSESSMENT": _nothing,
    "USERS_ASSESSMENT": _nothing,
    "CAPTCHA": _nothing,
}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda left, right: bool(left == right),
    "NE": lambda left, right: bool(left != right),
    "GT": lambda left, right: bool(left > right),
    "GTE": lambda left, right: bool(left >= right),
    "LT": lambda left, right: bool(left < right),
    "LTE": lambda left, right: bool(left <= right),
}


def holds(conditions: Sequence[Mapping[str, Any]], figures: Figures) -> bool:
    """Tell whether all conditions of a rule hold; a figure that is not there yet fulfils none."""
    return all(
        condition["key"] in figures
        and COMPARISONS[condition["operator"]](figures[condition["key"]], _like(figures, condition))
        for condition in conditions
    )


def _like(figures: Figures, condition: Mapping[str, Any]) -> Any:
    """Return the value to compare with; money is compared as decimals."""
    value = condition["value"]
    return Decimal(str(value)) if isinstance(figures[condition["key"]], Decimal) else value


WORKER_ACTIONS = frozenset(
    ("RESTRICTION", "RESTRICTION_V2", "SET_SKILL", "APPROVE_ALL_ASSIGNMENTS", "REJECT_ALL_ASSIGNMENTS",
     "SET_POOL_COMPLETE", "CLEAN_COLLECTOR", "CLEAN_ASSIGNMENTS_HISTORY")
)  # fmt: skip
FIELD_ACTIONS = frozenset(("SET_SKILL_FROM_OUTPUT_FIELD",))
OVERLAP_ACTIONS = frozenset(("CHANGE_OVERLAP",))

_RATES = ("correct_answers_rate", "incorrect_answers_rate")

ALLOWED: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "GOLDEN_SET": (
        frozenset((*_RATES, "total_answers_count", "golden_set_answers_count", "golden_set_correct_answers_rate",
                   "golden_set_incorrect_answers_rate")),
        WORKER_ACTIONS | FIELD_ACTIONS,
    ),
    "MAJORITY_VOTE": (frozenset((*_RATES, "total_answers_count")), WORKER_ACTIONS | FIELD_ACTIONS),
    "ACCEPTANCE_RATE": (
        frozenset(("total_assignments_count", "accepted_assignments_rate", "rejected_assignments_rate")),
        WORKER_ACTIONS | FIELD_ACTIONS,
    ),
    "ASSIGNMENT_SUBMIT_TIME": (frozenset(("total_submitted_count", "fast_submitted_count")), WORKER_ACTIONS),
    "ANSWER_COUNT": (frozenset(("assignments_accepted_count",)), WORKER_ACTIONS),
    "INCOME": (frozenset(("income_sum_for_last_24_hours",)), WORKER_ACTIONS),
    "SKIPPED_IN_ROW_ASSIGNMENTS": (frozenset(("skipped_in_row_count",)), WORKER_ACTIONS),
    "TRAINING": (
        frozenset((*_RATES, "submitted_assignments_count", "total_answers_count", "next_assignment_available")),
        FIELD_ACTIONS,
    ),
    "ASSIGNMENTS_ASSESSMENT": (
        frozenset(("assessment_event", "pending_assignments_count", "accepted_assignments_count",
                   "rejected_assignments_count")),
        OVERLAP_ACTIONS,
    ),
    "USERS_ASSESSMENT": (frozenset(("pool_access_revoked_reason", "skill_id")), OVERLAP_ACTIONS),
    "CAPTCHA": (frozenset(("stored_results_count", "success_rate", "fail_rate")), WORKER_ACTIONS | FIELD_ACTIONS),
}  # fmt: skip
"""Which condition keys and which actions go with which collector."""
