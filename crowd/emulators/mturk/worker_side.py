"""What workers do: look, accept, return, hand in, ask for qualifications."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from crowd.emulators.mturk import life
from crowd.emulators.mturk.answer_key import grade
from crowd.emulators.mturk.answers import RESERVED, Fields, read_answers, write_answers
from crowd.emulators.mturk.errors import invalid, refuse, wrong_state
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.nouns.qualifications import QualificationRequest, QualificationType
from crowd.emulators.mturk.nouns.workers import Worker
from crowd.emulators.mturk.operations.qualifications import grant
from crowd.emulators.mturk.requirements import may
from crowd.emulators.mturk.reviews.known_answers import review_known_answers

_WORKER_ID: Final = re.compile("A[A-Z0-9]{1,63}")
_COUNTRY: Final = re.compile("[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is told of a new worker; the rest is as with most."""

    id: str = ""
    country: str = "US"
    subdivision: str | None = None
    approved: int = 1000
    rejected: int = 20
    adult: bool = True
    master: bool = False

    def __post_init__(self) -> None:
        if self.id and not _WORKER_ID.fullmatch(self.id):
            raise ValueError(f"The worker's id is {self.id!r}; expected an A and up to 63 capitals and digits.")
        if not _COUNTRY.fullmatch(self.country):
            raise ValueError(f"The worker's country is {self.country!r}; expected two capitals, as in US.")
        if self.approved < 0 or self.rejected < 0:
            raise ValueError("The worker's approved and rejected cannot be below 0.")


def join(market: Market, profile: Profile) -> Worker:
    """Add a worker; one who is there already keeps what happened and takes the new profile."""
    worker_id = profile.id or market.ids.worker()
    known = market.workers.get(worker_id)
    worker = Worker(
        id=worker_id,
        number=known.number if known else market.number(),
        country=profile.country,
        subdivision=profile.subdivision,
        approved=profile.approved,
        rejected=profile.rejected,
        adult=profile.adult,
        master=profile.master,
        messages=known.messages if known else [],
    )
    market.workers[worker_id] = worker
    return worker


def offered(market: Market, worker: Worker) -> Iterator[Hit]:
    """Yield the HITs that a worker finds in the list, in the order of their creation."""
    if worker.id in market.blocks:
        return
    for hit in sorted(market.open_hits.values(), key=attrgetter("number")):
        if not _worked_on(hit, worker) and may(market, worker, hit, "Discover"):
            yield hit


def acceptable(market: Market, worker: Worker) -> Iterator[Hit]:
    return (hit for hit in offered(market, worker) if may(market, worker, hit, "Accept"))


def preview(market: Market, worker: Worker, hit: Hit) -> Hit:
    """Return a HIT that a worker may look at."""
    if not may(market, worker, hit, "Preview"):
        raise refuse(
            "DoesNotMeetRequirements", f"Worker {worker.id} does not meet what guards the preview of HIT {hit.id}."
        )
    return hit


def accept(market: Market, worker: Worker, hit: Hit, now: datetime) -> Assignment:
    """Take a place of a HIT until the HIT's duration has passed."""
    _check_accept(market, worker, hit)
    assignment = Assignment(
        id=market.ids.entity(),
        number=market.number(),
        hit_id=hit.id,
        worker_id=worker.id,
        accepted=now,
        deadline=now + hit.type.duration,
    )
    market.assignments[assignment.id] = assignment
    hit.assignments.append(assignment)
    market.schedule(assignment.deadline, "deadline", assignment.id)
    market.tell("AssignmentAccepted", hit, now, assignment.id)
    life.refresh(market, hit, now)
    return assignment


def give_back(market: Market, assignment: Assignment, now: datetime) -> None:
    _require_accepted(assignment)
    life.give_back(market, assignment, now)


def hand_in(market: Market, assignment: Assignment, answers: Fields, now: datetime) -> None:
    """Submit: fix the price, score against known answers, approve by itself at once or later."""
    _require_accepted(assignment)
    if not set(answers) - RESERVED:
        raise invalid("The form must have at least one field beside assignmentId.")
    hit = market.hit(assignment.hit_id)
    assignment.reward, assignment.fee = hit.type.reward, hit.type.fee(hit.max_assignments)
    assignment.held = assignment.reward + assignment.fee
    hit.held -= assignment.held
    assignment.state, assignment.submitted = "Submitted", now
    assignment.answer = write_answers(answers, hit.question.fields if hit.question.kind == "QuestionForm" else ())
    assignment.auto_approval = now + hit.type.auto_approval
    market.tell("AssignmentSubmitted", hit, now, assignment.id)
    _reviewed(market, hit, assignment, now)
    life.refresh(market, hit, now)


def ask_for_qualification(market: Market, worker: Worker, type_id: str, now: datetime) -> QualificationRequest:
    """Ask for a qualification: granted at once, opened for its test, or left to the requester."""
    found = market.qualification_type(type_id)
    _check_ask(market, worker, found, now)
    asked = QualificationRequest(
        id=market.ids.entity(),
        number=market.number(),
        type_id=found.id,
        worker_id=worker.id,
        asked=now,
        state="Pending",
    )
    market.qualification_requests[asked.id] = asked
    if found.test is not None and found.test_duration is not None:
        asked.state, asked.test, asked.deadline = "Open", found.test, now + found.test_duration
    elif found.auto_granted:
        asked.state, asked.submitted = "Granted", now
        grant(market, found.id, worker.id, found.auto_granted_value or 0, now)
    else:
        asked.submitted = now
    return asked


def hand_in_test(market: Market, asked: QualificationRequest, answers: Fields, now: datetime) -> QualificationRequest:
    """Take the answers of a test: an AnswerKey grades them at once, without one the requester decides."""
    found = market.qualification_type(asked.type_id)
    if asked.state != "Open":
        raise wrong_state("QualificationRequest", asked.state, "Open")
    if asked.deadline and now > asked.deadline:
        asked.state = "Lapsed"
        raise refuse("InvalidQualificationRequestState", "The time for this test is over.")
    asked.answer, asked.submitted, asked.state = write_answers(answers, found.test_fields), now, "Pending"
    if found.answer_key:
        asked.state = "Granted"
        grant(market, found.id, asked.worker_id, grade(found.answer_key, read_answers(asked.answer)), now)
    return asked


def asked_as_json(asked: QualificationRequest) -> dict[str, Any]:
    return {
        "qualification_request_id": asked.id,
        "state": asked.state,
        "deadline": asked.deadline.isoformat() if asked.deadline else None,
    }


def _worked_on(hit: Hit, worker: Worker) -> bool:
    return any(found.worker_id == worker.id and found.takes_a_place for found in hit.assignments)


def _check_accept(market: Market, worker: Worker, hit: Hit) -> None:
    if worker.id in market.blocks:
        raise refuse("PermissionDeniedException", f"Worker {worker.id} is blocked by this requester.")
    if _worked_on(hit, worker):
        raise refuse("AssignmentAlreadyExists", f"Worker {worker.id} has accepted HIT {hit.id} before.")
    if hit.status != "Assignable":
        raise wrong_state("HIT", hit.status, "Assignable")
    if not all(may(market, worker, hit, action) for action in ("Discover", "Preview", "Accept")):
        raise refuse("DoesNotMeetRequirements", f"Worker {worker.id} does not meet the requirements of HIT {hit.id}.")


def _require_accepted(assignment: Assignment) -> None:
    if assignment.state != "Accepted":
        raise wrong_state("Assignment", assignment.state, "Accepted")


def _reviewed(market: Market, hit: Hit, assignment: Assignment, now: datetime) -> None:
    wish = review_known_answers(market, hit, assignment, now, approve=life.approve, reject=life.reject)
    if assignment.state == "Submitted" and not hit.type.auto_approval:
        life.approve(market, assignment, now)
    elif assignment.state == "Submitted" and assignment.auto_approval:
        market.schedule(assignment.auto_approval, "approve", assignment.id)
    if wish:
        wish.carry_out(lambda: life.extend(market, hit, 1, now, at_least_until=now + wish.least_time))


def _check_ask(market: Market, worker: Worker, found: QualificationType, now: datetime) -> None:
    if not found.requestable or found.status != "Active":
        raise wrong_state("QualificationType", found.status if found.requestable else "not requestable", "Active")
    before = [
        asked
        for asked in market.qualification_requests.values()
        if asked.type_id == found.id and asked.worker_id == worker.id
    ]
    if not before:
        return
    if any(asked.state == "Pending" for asked in before):
        raise refuse("QualificationRequestAlreadyExists", "The requester has not decided on the last request yet.")
    if found.retry_delay is None:
        raise refuse("QualificationTypeDoesNotAllowRetake", f"QualificationType {found.id} can be requested only once.")
    if now < before[-1].asked + found.retry_delay:
        raise refuse(
            "QualificationTypeRetryDelayNotElapsed", f"Ask again after {before[-1].asked + found.retry_delay}."
        )
