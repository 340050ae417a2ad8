"""Assignments and bonuses: the work of one worker on one HIT, and what it earned beside its reward."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from crowd.emulators.mturk.money import amount

State = Literal["Accepted", "Returned", "Abandoned", "Submitted", "Approved", "Rejected"]
HANDED_IN: Final = frozenset({"Submitted", "Approved", "Rejected"})


@dataclass(slots=True)
class Assignment:
    """`reward` and `fee` are fixed when it is handed in; `held` is what is on hold for it since then."""

    id: str
    number: int
    hit_id: str
    worker_id: str
    accepted: datetime
    deadline: datetime
    state: State = "Accepted"
    answer: str = ""
    feedback: str | None = None
    submitted: datetime | None = None
    auto_approval: datetime | None = None
    approved: datetime | None = None
    rejected: datetime | None = None
    reward: int = 0
    fee: int = 0
    held: int = 0
    known_answer_score: int | None = None

    @property
    def handed_in(self) -> bool:
        return self.state in HANDED_IN

    @property
    def takes_a_place(self) -> bool:
        return self.state == "Accepted" or self.handed_in

    def as_answer(self) -> dict[str, Any]:
        """Return the Assignment structure of the model."""
        answer = {
            "AssignmentId": self.id,
            "WorkerId": self.worker_id,
            "HITId": self.hit_id,
            "AssignmentStatus": self.state,
            "AutoApprovalTime": self.auto_approval,
            "AcceptTime": self.accepted,
            "SubmitTime": self.submitted,
            "ApprovalTime": self.approved,
            "RejectionTime": self.rejected,
            "Deadline": self.deadline,
            "Answer": self.answer,
            "RequesterFeedback": self.feedback,
        }
        return {name: value for name, value in answer.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Bonus:
    number: int
    hit_id: str
    assignment_id: str
    worker_id: str
    micro: int
    reason: str
    granted: datetime

    def as_answer(self) -> dict[str, Any]:
        return {
            "WorkerId": self.worker_id,
            "BonusAmount": amount(self.micro),
            "AssignmentId": self.assignment_id,
            "Reason": self.reason,
            "GrantTime": self.granted,
        }
