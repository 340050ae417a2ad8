"""Qualification types, who has asked for one and who has one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from crowd.emulators.mturk.money import MASTERS
from crowd.emulators.mturk.questions import Field

APPROVED_PERCENT: Final = "000000000000000000L0"
APPROVED_COUNT: Final = "00000000000000000040"
LOCALE: Final = "00000000000000000071"
ADULT: Final = "00000000000000000060"
SYSTEM: Final = {
    APPROVED_PERCENT: "Worker_PercentAssignmentsApproved",
    APPROVED_COUNT: "Worker_NumberHITsApproved",
    LOCALE: "Worker_Locale",
    ADULT: "Worker_Adult",
    MASTERS: "Masters",
}


@dataclass(slots=True)
class QualificationType:
    id: str
    number: int
    created: datetime
    name: str
    description: str
    keywords: str | None = None
    status: Literal["Active", "Inactive", "Disposing"] = "Active"
    test: str | None = None
    test_fields: tuple[Field, ...] = ()
    test_duration: timedelta | None = None
    answer_key: str | None = None
    retry_delay: timedelta | None = None
    requestable: bool = True
    auto_granted: bool = False
    auto_granted_value: int | None = None
    deleted: datetime | None = None

    @property
    def system(self) -> bool:
        return self.id in SYSTEM

    def as_answer(self) -> dict[str, Any]:
        """Return the QualificationType structure of the model."""
        answer = {
            "QualificationTypeId": self.id,
            "CreationTime": self.created,
            "Name": self.name,
            "Description": self.description,
            "Keywords": self.keywords,
            "QualificationTypeStatus": self.status,
            "Test": self.test,
            "TestDurationInSeconds": _seconds(self.test_duration),
            "AnswerKey": self.answer_key,
            "RetryDelayInSeconds": _seconds(self.retry_delay),
            "IsRequestable": self.requestable,
            "AutoGranted": self.auto_granted,
            "AutoGrantedValue": self.auto_granted_value,
        }
        return {name: value for name, value in answer.items() if value is not None}


@dataclass(slots=True)
class Qualification:
    """A worker's value of a type; a revoked one is kept as the service keeps it."""

    type_id: str
    number: int
    worker_id: str
    granted: datetime
    value: int
    status: Literal["Granted", "Revoked"] = "Granted"

    def as_answer(self) -> dict[str, Any]:
        return {
            "QualificationTypeId": self.type_id,
            "WorkerId": self.worker_id,
            "GrantTime": self.granted,
            "IntegerValue": self.value,
            "Status": self.status,
        }


@dataclass(slots=True)
class QualificationRequest:
    """One attempt of a worker; `Open` while the test is being written, `Pending` while the requester has to decide."""

    id: str
    number: int
    type_id: str
    worker_id: str
    asked: datetime
    state: Literal["Open", "Pending", "Granted", "Rejected", "Lapsed"]
    deadline: datetime | None = None
    submitted: datetime | None = None
    test: str | None = None
    answer: str | None = None

    def as_answer(self) -> dict[str, Any]:
        answer = {
            "QualificationRequestId": self.id,
            "QualificationTypeId": self.type_id,
            "WorkerId": self.worker_id,
            "Test": self.test,
            "Answer": self.answer,
            "SubmitTime": self.submitted,
        }
        return {name: value for name, value in answer.items() if value is not None}


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
