"""HIT types and HITs: what a requester publishes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from crowd.emulators.mturk.money import amount, assignment_fee, fee_percent
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.questions import Question

HitStatus = Literal["Assignable", "Unassignable", "Reviewable", "Reviewing", "Disposed"]


@dataclass(slots=True)
class HitType:
    """What HITs of a group share; equal values are one type."""

    id: str
    group_id: str
    title: str
    description: str
    keywords: str | None
    reward: int
    duration: timedelta
    auto_approval: timedelta
    requirements: list[dict[str, Any]]
    notification: Mapping[str, Any] | None = None
    notify: bool = False

    def requires(self, qualification_type_id: str) -> bool:
        return any(needed["QualificationTypeId"] == qualification_type_id for needed in self.requirements)

    def fee(self, max_assignments: int) -> int:
        needed = [requirement["QualificationTypeId"] for requirement in self.requirements]
        return assignment_fee(self.reward, fee_percent(max_assignments, needed))


@dataclass(slots=True)
class Report:
    """What a review policy found and did, in the order in which it happened."""

    results: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Hit:
    id: str
    number: int
    type: HitType
    question: Question
    question_xml: str
    max_assignments: int
    created: datetime
    expiration: datetime
    annotation: str | None = None
    layout_id: str | None = None
    assignment_policy: Mapping[str, Any] | None = None
    hit_policy: Mapping[str, Any] | None = None
    created_with: int = 0
    expired: bool = False
    reviewing: bool = False
    disposed: bool = False
    reviewable_since: datetime | None = None
    last_status: HitStatus | None = None
    held: int = 0
    assignments: list[Assignment] = field(default_factory=list)
    assignment_report: Report = field(default_factory=Report)
    hit_report: Report = field(default_factory=Report)

    @property
    def cost(self) -> int:
        """Reward and fee of one assignment at the price of now."""
        return self.type.reward + self.type.fee(self.max_assignments)

    @property
    def places(self) -> int:
        """How many assignments can be accepted now."""
        return 0 if self.expired or self.disposed else self.places_if_open

    @property
    def places_if_open(self) -> int:
        return max(0, self.max_assignments - sum(1 for found in self.assignments if found.takes_a_place))

    @property
    def pending(self) -> int:
        return self.count("Accepted")

    @property
    def status(self) -> HitStatus:
        if self.disposed:
            return "Disposed"
        if self.places:
            return "Assignable"
        if self.pending:
            return "Unassignable"
        return "Reviewing" if self.reviewing else "Reviewable"

    def count(self, *states: str) -> int:
        return sum(1 for found in self.assignments if found.state in states)

    def handed_in(self) -> Iterator[Assignment]:
        return (found for found in self.assignments if found.handed_in)

    def as_answer(self) -> dict[str, Any]:
        """Return the HIT structure of the model."""
        answer = {
            "HITId": self.id,
            "HITTypeId": self.type.id,
            "HITGroupId": self.type.group_id,
            "HITLayoutId": self.layout_id,
            "CreationTime": self.created,
            "Title": self.type.title,
            "Description": self.type.description,
            "Question": self.question_xml,
            "Keywords": self.type.keywords,
            "HITStatus": self.status,
            "MaxAssignments": self.max_assignments,
            "Reward": amount(self.type.reward),
            "AutoApprovalDelayInSeconds": int(self.type.auto_approval.total_seconds()),
            "Expiration": self.expiration,
            "AssignmentDurationInSeconds": int(self.type.duration.total_seconds()),
            "RequesterAnnotation": self.annotation,
            "QualificationRequirements": self.type.requirements,
            "HITReviewStatus": "NotReviewed",
            "NumberOfAssignmentsPending": self.pending,
            "NumberOfAssignmentsAvailable": self.places,
            "NumberOfAssignmentsCompleted": self.count("Approved", "Rejected"),
        }
        return {name: value for name, value in answer.items() if value is not None}
