"""Judging work: approval, rejection, second thoughts, and what happens when nobody judges."""

from datetime import UTC, timedelta

import pytest

from tests.emulators.mturk.turk import MORNING, Turk


def test_what_a_worker_handed_in_is_read_back(turk: Turk) -> None:
    hit = turk.hit()
    wanda = turk.worker("AWANDA")
    taken = turk.accept(hit, wanda)["assignment_id"]
    turk.later(minutes=2)
    turk.door("POST", f"assignments/{taken}/submit", answers={"winnow_submission": "u-1", "note": "a < b & c"})
    work = turk.assignment(taken)
    assert (work["WorkerId"], work["HITId"], work["AssignmentStatus"]) == ("AWANDA", hit["HITId"], "Submitted")
    assert work["SubmitTime"] - work["AcceptTime"] == timedelta(minutes=2)
    assert work["Deadline"] - work["AcceptTime"] == timedelta(minutes=30)
    assert "<FreeText>a &lt; b &amp; c</FreeText>" in work["Answer"]
    assert work["AutoApprovalTime"].astimezone(UTC) == MORNING + timedelta(days=30, minutes=2)
    whole = turk.client.get_assignment(AssignmentId=taken)
    assert whole["HIT"]["HITId"] == hit["HITId"]


def test_work_in_progress_is_not_shown(turk: Turk) -> None:
    hit = turk.hit()
    taken = turk.accept(hit)["assignment_id"]
    assert turk.client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"] == []
    assert turk.error("get_assignment", AssignmentId=taken) == "InvalidAssignmentState"
    assert turk.error("approve_assignment", AssignmentId=taken) == "InvalidAssignmentState"


def test_approval_and_rejection_leave_their_time_and_feedback(turk: Turk) -> None:
    hit = turk.hit()
    good, bad = turk.submit(hit), turk.submit(hit)
    turk.approve(good, RequesterFeedback="Thank you")
    turk.reject(bad)
    assert turk.assignment(good)["ApprovalTime"].astimezone(UTC) == MORNING
    assert turk.assignment(good)["RequesterFeedback"] == "Thank you"
    assert turk.assignment(bad)["RejectionTime"].astimezone(UTC) == MORNING
    assert turk.assignment(bad)["RequesterFeedback"] == "The hand is cut off"
    statuses = ["Rejected"]
    found = turk.client.list_assignments_for_hit(HITId=hit["HITId"], AssignmentStatuses=statuses)["Assignments"]
    assert [work["AssignmentId"] for work in found] == [bad]


def test_a_rejection_needs_a_reason(turk: Turk) -> None:
    work = turk.submit(turk.hit())
    assert turk.error("reject_assignment", AssignmentId=work, RequesterFeedback=" ") == "InvalidParameterValue"
    assert turk.assignment(work)["AssignmentStatus"] == "Submitted"


def test_work_is_judged_once(turk: Turk) -> None:
    hit = turk.hit()
    good, bad = turk.submit(hit), turk.submit(hit)
    turk.approve(good)
    turk.reject(bad)
    assert turk.error("approve_assignment", AssignmentId=good) == "InvalidAssignmentState"
    assert turk.error("reject_assignment", AssignmentId=good, RequesterFeedback="no") == "InvalidAssignmentState"
    assert turk.error("reject_assignment", AssignmentId=bad, RequesterFeedback="no") == "InvalidAssignmentState"
    assert turk.error("approve_assignment", AssignmentId=bad) == "InvalidAssignmentState"


def test_the_message_of_a_second_approval_says_what_clients_look_for(turk: Turk) -> None:
    work = turk.submit(turk.hit())
    turk.approve(work)
    with pytest.raises(turk.client.exceptions.RequestError, match="can be called with a status of: Submitted"):
        turk.approve(work)


def test_a_rejection_can_be_taken_back_for_thirty_days_from_submission(turk: Turk) -> None:
    hit = turk.hit(LifetimeInSeconds=86_400)
    early, late = turk.submit(hit), turk.submit(hit)
    turk.reject(early)
    turk.reject(late)
    turk.later(days=29)
    turk.approve(early, OverrideRejection=True)
    assert turk.assignment(early)["AssignmentStatus"] == "Approved"
    turk.later(days=2)
    assert turk.error("approve_assignment", AssignmentId=late, OverrideRejection=True) == "InvalidAssignmentState"


def test_the_rejections_of_a_deleted_hit_stand(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    work = turk.submit(hit)
    turk.reject(work)
    turk.client.delete_hit(HITId=hit["HITId"])
    assert turk.error("approve_assignment", AssignmentId=work, OverrideRejection=True) == "InvalidHITState"


def test_taking_back_a_rejection_fails_without_funds(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1, Reward="500")
    work = turk.submit(hit)
    turk.reject(work)
    turk.hit(MaxAssignments=1, Reward="800")
    assert turk.error("approve_assignment", AssignmentId=work, OverrideRejection=True) == "InsufficientFunds"
    assert turk.assignment(work)["AssignmentStatus"] == "Rejected"


def test_override_approves_what_was_never_rejected_too(turk: Turk) -> None:
    work = turk.submit(turk.hit())
    turk.approve(work, OverrideRejection=True)
    assert turk.assignment(work)["AssignmentStatus"] == "Approved"


def test_what_nobody_judges_is_approved_at_its_time(turk: Turk) -> None:
    hit = turk.hit(AutoApprovalDelayInSeconds=3_600)
    work, rejected = turk.submit(hit), turk.submit(hit)
    turk.reject(rejected)
    turk.later(seconds=3_599)
    assert turk.assignment(work)["AssignmentStatus"] == "Submitted"
    turk.later(days=3)
    approved = turk.assignment(work)
    assert approved["ApprovalTime"].astimezone(UTC) == MORNING + timedelta(hours=1)
    assert turk.assignment(rejected)["AssignmentStatus"] == "Rejected"


def test_a_delay_of_zero_approves_at_once(turk: Turk) -> None:
    work = turk.submit(turk.hit(AutoApprovalDelayInSeconds=0))
    assert turk.assignment(work)["AssignmentStatus"] == "Approved"


def test_a_worker_takes_a_hit_once(turk: Turk) -> None:
    hit, wanda = turk.hit(), turk.worker("AWANDA")
    turk.submit(hit, wanda)
    assert turk.refused("POST", "workers/AWANDA/accept", hit_id=hit["HITId"]) == (409, "AssignmentAlreadyExists")


def test_who_returned_a_hit_may_take_it_again(turk: Turk) -> None:
    hit, wanda = turk.hit(MaxAssignments=1), turk.worker("AWANDA")
    taken = turk.accept(hit, wanda)["assignment_id"]
    turk.door("POST", f"assignments/{taken}/return")
    assert turk.refused("POST", f"assignments/{taken}/submit", answers={"a": "b"}) == (409, "InvalidAssignmentState")
    turk.submit(hit, wanda)
    assert turk.status(hit) == "Reviewable"


def test_files_are_no_answers_any_more(turk: Turk) -> None:
    work = turk.submit(turk.hit())
    assert turk.error("get_file_upload_url", AssignmentId=work, QuestionIdentifier="photo") == "InvalidParameterValue"


def test_unknown_assignments_are_named(turk: Turk) -> None:
    assert turk.error("get_assignment", AssignmentId="3NOTHING") == "AssignmentDoesNotExist"
    assert turk.error("approve_assignment", AssignmentId="3NOTHING") == "AssignmentDoesNotExist"
    assert turk.error("list_assignments_for_hit", HITId="3NOTHING") == "HITDoesNotExist"
