"""Assignments: what workers handed in, and what we say of it. Our own page has their answers.

MTurk does not tell of pages that are in somebody's hands, given back or over in time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it ships no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from crowd.clock import database_now
from crowd.errors import Invalid, StateConflict
from crowd.models import Assignment
from crowd.platforms.base import Pull, RemoteAssignment, RemoteBooks
from crowd.platforms.mturk import hits, people
from crowd.platforms.mturk.amounts import read_amount
from crowd.platforms.mturk.client import Client, Json, entity
from crowd.platforms.mturk.marks import Mark

PAGE_SIZE: Final = 20
"""HITs that one pull looks at; each may need a call of its own."""
LOOK_AT_ALL: Final = timedelta(hours=1)
SUBMISSION: Final = "winnow_submission"
LONGEST_FEEDBACK: Final = 1_024
NO_REASON: Final = "The work does not show what the instructions ask for."
STATES: Final = {
    "Submitted": Assignment.State.SUBMITTED,
    "Approved": Assignment.State.ACCEPTED,
    "Rejected": Assignment.State.REJECTED,
}
QUICK, ALL = "quick", "all"
NEVER_CAME: Final = (
    "Page {page} was given back on MTurk, or its time ran out before it was handed in. Nothing has to be done: its "
    "place goes to somebody else."
)


def pull(client: Client, mark: Mark, watermark: str) -> Pull:
    """Go through the HITs, a page of them at a time, round after round.

    Once an hour all are looked at, else only those whose counts say that something waits to be judged.
    """
    since, kind, token = _round(watermark, database_now())
    request = {"QualificationTypeId": mark.id, "MaxResults": PAGE_SIZE, **({"NextToken": token} if token else {})}
    answer = client.call("list_hits_for_qualification_type", **request)
    found = [
        as_page(told, hit) for hit in answer["HITs"] if kind == ALL or _may_wait(hit) for told in _of_hit(client, hit)
    ]
    more = answer.get("NextToken") if answer["HITs"] else None
    return Pull(found, f"{since} {kind} {more}" if more else since, more=bool(more))


def _round(watermark: str, now: datetime) -> tuple[str, str, str]:
    """Return when all was looked at last, how this round looks, and where it stands."""
    if not watermark:
        return now.isoformat(), ALL, ""
    since, *under_way = watermark.split(" ")
    try:
        is_due = now - datetime.fromisoformat(since) > LOOK_AT_ALL
    except (ValueError, TypeError):
        raise _not_ours(watermark) from None
    if not under_way:
        return (now.isoformat(), ALL, "") if is_due else (since, QUICK, "")
    if len(under_way) != 2 or under_way[0] not in {QUICK, ALL}:
        raise _not_ours(watermark)
    return since, under_way[0], under_way[1]


def _not_ours(watermark: str) -> Invalid:
    return Invalid({"watermark": f"{watermark!r} was not given out here"})


def _may_wait(hit: Json) -> bool:
    counted = ("NumberOfAssignmentsAvailable", "NumberOfAssignmentsPending", "NumberOfAssignmentsCompleted")
    return bool(hit["MaxAssignments"] > sum(hit[name] for name in counted))


def _of_hit(client: Client, hit: Json) -> Iterator[Json]:
    return client.each("list_assignments_for_hit", "Assignments", HITId=hit["HITId"])


def as_page(told: Json, hit: Json) -> RemoteAssignment:
    judged = told.get("ApprovalTime") or told.get("RejectionTime")
    return RemoteAssignment(
        ext_id=told["AssignmentId"],
        worker_ext_id=told["WorkerId"],
        state=STATES[told["AssignmentStatus"]],
        price_micro=read_amount(hit["Reward"]),
        submitted_at=_utc(told["SubmitTime"]),
        answers={},
        issued_at=_utc(told["AcceptTime"]),
        judged_at=_utc(judged) if judged else None,
        reason=told.get("RequesterFeedback", ""),
        submission=submission_in(told.get("Answer", "")),
    )


def _utc(local: datetime) -> datetime:
    return local.astimezone(UTC)


def submission_in(answer: str) -> str:
    """Return what our page gave the worker to hand in with the work; empty when it is not there or not readable."""
    try:
        root: Element = fromstring(answer)
    except (ParseError, DefusedXmlException, ValueError):
        return ""
    for one in root.iterfind("{*}Answer"):
        if (one.findtext("{*}QuestionIdentifier") or "").strip() == SUBMISSION:
            return (one.findtext("{*}FreeText") or "").strip()
    return ""


def approve(client: Client, ext_id: str, comment: str) -> None:
    """Approve a page, also one that was rejected within thirty days; one that is approved stays so."""
    words = {"RequesterFeedback": comment[:LONGEST_FEEDBACK]} if comment else {}
    try:
        client.call("approve_assignment", AssignmentId=entity(ext_id, "assignment"), OverrideRejection=False, **words)
    except StateConflict:
        state = _state(client, ext_id)
        if state == "Rejected":
            client.call("approve_assignment", AssignmentId=ext_id, OverrideRejection=True, **words)
        elif state != "Approved":
            raise


def reject(client: Client, ext_id: str, reason: str) -> None:
    words = (reason.strip() or NO_REASON)[:LONGEST_FEEDBACK]
    try:
        client.call("reject_assignment", AssignmentId=entity(ext_id, "assignment"), RequesterFeedback=words)
    except StateConflict:
        if _state(client, ext_id) != "Rejected":
            raise


def _state(client: Client, ext_id: str) -> Any:
    """Return the state of what was handed in. MTurk refuses to tell of anything else."""
    try:
        return client.call("get_assignment", AssignmentId=ext_id)["Assignment"]["AssignmentStatus"]
    except StateConflict:
        raise StateConflict(NEVER_CAME.format(page=ext_id)) from None


def books(client: Client, mark: Mark) -> RemoteBooks:
    """Count what MTurk has of a batch. Tasks are ours alone: it knows only places."""
    states: dict[str, str] = {}
    counts: dict[str, int] = {}
    bonuses: dict[str, int] = {}
    spent = 0
    for hit in hits.of(client, mark):
        for page in (as_page(told, hit) for told in _of_hit(client, hit)):
            states[page.ext_id] = page.state
            counts[page.state] = counts.get(page.state, 0) + 1
            spent += page.price_micro if page.state == Assignment.State.ACCEPTED else 0
        bonuses |= people.bonuses_of(client, HITId=hit["HITId"])
    return RemoteBooks(counts, 0, spent, states, bonuses)
