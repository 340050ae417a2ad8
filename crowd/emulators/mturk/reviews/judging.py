"""Approving and rejecting by policy: what is judged already stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crowd.emulators.mturk.errors import wrong_state
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.reviews.reports import Pen


class Approve(Protocol):
    def __call__(self, market: Market, assignment: Assignment, now: datetime, feedback: str | None = None) -> None: ...


class Reject(Protocol):
    def __call__(self, market: Market, assignment: Assignment, now: datetime, feedback: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """Both judgements as a policy may make them."""

    pen: Pen
    approve: Approve
    reject: Reject

    def approves(self, assignment: Assignment, feedback: str = "") -> None:
        done = "Already approved" if assignment.state == "Approved" else "Approved"
        self._judge(
            "approve", assignment, done, lambda: self.approve(self.pen.market, assignment, self.pen.now, feedback)
        )

    def rejects(self, assignment: Assignment, feedback: str) -> None:
        done = "Already rejected" if assignment.state == "Rejected" else "Rejected"
        self._judge(
            "reject", assignment, done, lambda: self.reject(self.pen.market, assignment, self.pen.now, feedback)
        )

    def _judge(self, name: str, assignment: Assignment, done: str, move: Callable[[], None]) -> None:
        def carefully() -> None:
            if done.startswith("Already"):
                return
            if assignment.state != "Submitted":
                raise wrong_state("Assignment", assignment.state, "Submitted")
            move()

        self.pen.attempt(name, assignment.id, "Assignment", done, carefully)
