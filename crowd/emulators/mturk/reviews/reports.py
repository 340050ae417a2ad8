"""Writing down what a review found and did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crowd.emulators.mturk.errors import Refusal
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.nouns.hits import Report

Judge = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes results and actions of one run into a report."""

    market: Market
    report: Report
    now: datetime

    def result(self, subject: str, subject_type: str, key: str, value: object, question: str = "") -> None:
        self.report.results.append(
            {
                "ActionId": self.market.ids.entity(),
                "SubjectId": subject,
                "SubjectType": subject_type,
                **({"QuestionId": question} if question else {}),
                "Key": key,
                "Value": str(value),
            }
        )

    def action(self, name: str, target: str, target_type: str, outcome: str, error_code: str = "") -> None:
        self.report.actions.append(
            {
                "ActionId": self.market.ids.entity(),
                "ActionName": name,
                "TargetId": target,
                "TargetType": target_type,
                "Status": "Failed" if error_code else "Succeeded",
                "CompleteTime": self.now,
                "Result": outcome,
                **({"ErrorCode": error_code} if error_code else {}),
            }
        )

    def attempt(self, name: str, target: str, target_type: str, done: str, move: Callable[[], None]) -> None:
        """Do it and write down what became of it; a refusal of the market is a failed action."""
        try:
            move()
        except Refusal as refusal:
            self.action(name, target, target_type, refusal.message, refusal.code)
        else:
            self.action(name, target, target_type, done)


@dataclass(frozen=True, slots=True)
class ExtendWish:
    """A review wants one more worker; whoever keeps the HIT's life carries it out."""

    pen: Pen
    hit_id: str
    least_time: timedelta

    def carry_out(self, extend: Callable[[], None]) -> None:
        self.pen.attempt("extend", self.hit_id, "HIT", "Extended", extend)


def page_items(report: Report, *, results: bool, actions: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return what is asked for as one list, each item with the member it belongs to."""
    found = [("ReviewResults", item) for item in report.results] if results else []
    return [*found, *(("ReviewActions", item) for item in report.actions)] if actions else found
