"""Reading and judging what workers handed in."""

from datetime import datetime, timedelta
from typing import Final

from crowd.emulators.mturk import life
from crowd.emulators.mturk.errors import invalid, refuse, wrong_state
from crowd.emulators.mturk.limits import check_limits
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.nouns.assignments import Assignment

OVERRIDE: Final = timedelta(days=30)


def get_assignment(market: Market, request: Request, now: datetime) -> Answer:
    del now
    assignment = _handed_in(market, request, "Reviewable,Approved,Rejected")
    return {"Assignment": assignment.as_answer(), "HIT": market.hit(assignment.hit_id).as_answer()}


def list_assignments_for_hit(market: Market, request: Request, now: datetime) -> Answer:
    del now
    hit = market.hit(request["HITId"])
    states = sorted(set(request.get("AssignmentStatuses", ("Submitted", "Approved", "Rejected"))))
    found = (assignment for assignment in hit.assignments if assignment.state in states)
    return market.listed(found, request, f"ListAssignmentsForHIT:{hit.id}:{','.join(states)}", "Assignments")


def approve_assignment(market: Market, request: Request, now: datetime) -> Answer:
    """Approve what was handed in; with OverrideRejection also what was rejected, for thirty days."""
    check_limits(request)
    assignment = _handed_in(market, request, "null")
    override = request.get("OverrideRejection", False)
    if assignment.state == "Rejected" and override:
        _check_override(market, assignment, now)
    elif assignment.state != "Submitted":
        raise wrong_state("Assignment", assignment.state, "Submitted, Rejected" if override else "Submitted")
    life.approve(market, assignment, now, request.get("RequesterFeedback"))
    return {}


def reject_assignment(market: Market, request: Request, now: datetime) -> Answer:
    check_limits(request)
    feedback = request["RequesterFeedback"]
    if not feedback.strip():
        raise invalid("RequesterFeedback is empty: tell the worker why the work is rejected.")
    assignment = _handed_in(market, request, "null")
    if assignment.state != "Submitted":
        raise wrong_state("Assignment", assignment.state, "Submitted")
    life.reject(market, assignment, now, feedback)
    return {}


def get_file_upload_url(market: Market, request: Request, now: datetime) -> Answer:
    """Refuse: FileUploadAnswer ended in December 2017, so that no answer holds a file."""
    del now
    assignment = _handed_in(market, request, "Reviewable,Approved,Rejected")
    question = request["QuestionIdentifier"]
    raise invalid(f"Question {question!r} of assignment {assignment.id} is not answered by a FileUploadAnswer.")


def _handed_in(market: Market, request: Request, allowed: str) -> Assignment:
    assignment = market.assignment(request["AssignmentId"])
    if not assignment.handed_in:
        raise wrong_state("Assignment", assignment.state, allowed)
    return assignment


def _check_override(market: Market, assignment: Assignment, now: datetime) -> None:
    if market.hit(assignment.hit_id).disposed:
        raise refuse("InvalidHITState", f"HIT {assignment.hit_id} was deleted; its rejections stand.")
    if assignment.submitted is None or now - assignment.submitted > OVERRIDE:
        raise refuse(
            "InvalidAssignmentState",
            f"Assignment {assignment.id} was submitted more than {OVERRIDE.days} days ago; its rejection stands.",
        )
