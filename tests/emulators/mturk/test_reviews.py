"""Review policies: known answers and agreement, what they find and what they do."""

from typing import Any

import pytest

from tests.emulators.mturk.turk import Turk


def policy(name: str, **parameters: Any) -> dict[str, Any]:
    key = parameters.pop("AnswerKey", None)
    listed = [{"Key": word, "Values": [str(value)]} for word, value in parameters.items()]
    if key:
        entries = [{"Key": question, "Values": values} for question, values in key.items()]
        listed.append({"Key": "AnswerKey", "MapEntries": entries})
    return {"PolicyName": name, "Parameters": listed}


def known(**parameters: Any) -> dict[str, Any]:
    parameters.setdefault("AnswerKey", {"q1": ["fist"], "q2": ["left", "right"]})
    return policy("ScoreMyKnownAnswers/2011-09-01", **parameters)


def plurality(**parameters: Any) -> dict[str, Any]:
    wanted = {"QuestionIds": "A,B,C,D", "QuestionAgreementThreshold": 50, "DisregardAssignmentIfRejected": "T"}
    return policy("SimplePlurality/2011-09-01", **(wanted | parameters))


def reports(turk: Turk, hit: dict[str, Any], **request: Any) -> dict[str, Any]:
    return turk.client.list_review_policy_results_for_hit(HITId=hit["HITId"], MaxResults=100, **request)


def found(report: dict[str, Any]) -> dict[tuple[str, str, str], str]:
    """Return results as (subject, question, key) → value; a later one replaces an earlier."""
    return {
        (line["SubjectId"], line.get("QuestionId", ""), line["Key"]): line["Value"] for line in report["ReviewResults"]
    }


def actions(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(line["ActionName"], line["TargetId"], line["Status"]) for line in report["ReviewActions"]]


def test_known_answers_approve_the_good_and_reject_the_bad_as_soon_as_they_are_in(turk: Turk) -> None:
    hit = turk.hit(
        AssignmentReviewPolicy=known(
            ApproveIfKnownAnswerScoreIsAtLeast=100, RejectIfKnownAnswerScoreIsLessThan=50, RejectReason="Look closer"
        )
    )
    good = turk.submit(hit, q1=" fist ", q2=["right", "left"])
    bad = turk.submit(hit, q1="Fist", q2="left")
    between = turk.submit(hit, q1="fist", q2="left")
    states = [turk.assignment(work)["AssignmentStatus"] for work in (good, bad, between)]
    assert states == ["Approved", "Rejected", "Submitted"]
    assert turk.assignment(bad)["RequesterFeedback"] == "Look closer"
    report = reports(turk, hit)["AssignmentReviewReport"]
    assert found(report)[good, "", "KnownAnswerScore"] == "100"
    assert found(report)[between, "", "KnownAnswerScore"] == "50"
    assert found(report)[between, "q2", "KnownAnswerCorrect"] == "0"
    assert ("reject", bad, "Succeeded") in actions(report)


def test_a_bad_score_asks_for_one_more_worker_up_to_the_limit(turk: Turk) -> None:
    hit = turk.hit(
        MaxAssignments=1,
        LifetimeInSeconds=60,
        AssignmentReviewPolicy=known(
            ExtendIfKnownAnswerScoreIsLessThan=80, ExtendMaximumAssignments=2, ExtendMinimumTimeInSeconds=600
        ),
    )
    turk.submit(hit, q1="palm")
    again = turk.client.get_hit(HITId=hit["HITId"])["HIT"]
    assert (again["MaxAssignments"], again["HITStatus"]) == (2, "Assignable")
    assert (again["Expiration"] - again["CreationTime"]).total_seconds() == 600
    turk.submit(hit, q1="palm")
    assert turk.status(hit) == "Reviewable"
    last = reports(turk, hit)["AssignmentReviewReport"]["ReviewActions"][-1]
    assert (last["ActionName"], last["Status"]) == ("extend", "Succeeded")
    assert "Already" in last["Result"]


def test_the_service_s_own_example_of_agreement(turk: Turk) -> None:
    hit = turk.hit(
        HITReviewPolicy=plurality(ApproveIfWorkerAgreementScoreIsAtLeast=100, RejectIfWorkerAgreementScoreIsLessThan=50)
    )
    first = turk.submit(hit, A="coat", B="blue", C="large", D="Furry")
    second = turk.submit(hit, A="sweater", B="blue", C="large", D="fur")
    third = turk.submit(hit, A="coat", B="green", C="large", D="furr")
    report = reports(turk, hit)["HITReviewReport"]
    results, me = found(report), hit["HITId"]
    assert results[me, "", "HitAgreementScore"] == "75"
    assert results[me, "A", "AgreedAnswer"] == "coat"
    assert results[me, "A", "AnswerAgreementScore"] == "66"
    assert results[me, "D", "AgreedAnswerFound"] == "false"
    scores = [results[work, "", "WorkerAgreementScore"] for work in (first, second, third)]
    assert scores == ["100", "66", "66"]
    assert [turk.assignment(work)["AssignmentStatus"] for work in (first, second)] == ["Approved", "Submitted"]


def test_a_tie_agrees_on_nothing_and_judges_nobody(turk: Turk) -> None:
    judging = {"ApproveIfWorkerAgreementScoreIsAtLeast": 0, "RejectIfWorkerAgreementScoreIsLessThan": 100}
    hit = turk.hit(
        MaxAssignments=2, HITReviewPolicy=plurality(QuestionIds="A", QuestionAgreementThreshold=0, **judging)
    )
    works = [turk.submit(hit, A="fist"), turk.submit(hit, A="palm")]
    report = reports(turk, hit)["HITReviewReport"]
    assert found(report)[hit["HITId"], "A", "AgreedAnswerFound"] == "false"
    assert report["ReviewActions"] == []
    assert {turk.assignment(work)["AssignmentStatus"] for work in works} == {"Submitted"}


def test_an_answer_too_long_to_compare_is_left_out(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=2, HITReviewPolicy=plurality(QuestionIds="A"))
    for _ in range(2):
        turk.submit(hit, A="x" * 257)
    assert found(reports(turk, hit)["HITReviewReport"])[hit["HITId"], "", "HitAgreementScore"] == "0"


def test_a_hit_that_ends_without_work_is_not_extended_for_ever(turk: Turk) -> None:
    extend = {"ExtendMaximumAssignments": 9, "ExtendMinimumTimeInSeconds": 3_600}
    wish = plurality(QuestionIds="A", ExtendIfHITAgreementScoreIsLessThan=100, **extend)
    hit = turk.hit(MaxAssignments=1, LifetimeInSeconds=60, HITReviewPolicy=wish)
    turk.later(days=1)
    assert turk.status(hit) == "Reviewable"


def test_a_hit_without_agreement_is_extended_until_its_limit(turk: Turk) -> None:
    extend = {"ExtendMaximumAssignments": 3, "ExtendMinimumTimeInSeconds": 60}
    hit = turk.hit(
        MaxAssignments=2,
        HITReviewPolicy=plurality(QuestionIds="A", ExtendIfHITAgreementScoreIsLessThan=100, **extend),
    )
    turk.submit(hit, A="fist")
    turk.submit(hit, A="palm")
    assert turk.status(hit) == "Assignable"
    turk.submit(hit, A="palm")
    assert turk.status(hit) == "Reviewable"
    report = reports(turk, hit, PolicyLevels=["HIT"])
    assert "AssignmentReviewReport" not in report
    assert found(report["HITReviewReport"])[hit["HITId"], "", "HitAgreementScore"] == "100"


def test_an_extension_over_the_border_of_nine_fails_and_is_written_down(turk: Turk) -> None:
    extend = {"ExtendMaximumAssignments": 20, "ExtendMinimumTimeInSeconds": 60}
    hit = turk.hit(
        MaxAssignments=9,
        HITReviewPolicy=plurality(QuestionIds="A", ExtendIfHITAgreementScoreIsLessThan=100, **extend),
    )
    for number in range(9):
        turk.submit(hit, A=f"answer {number}")
    [failed] = reports(turk, hit)["HITReviewReport"]["ReviewActions"]
    assert (failed["Status"], failed["ErrorCode"]) == (
        "Failed",
        "AWS.MechanicalTurk.InvalidMaximumAssignmentsIncrease",
    )
    assert turk.status(hit) == "Reviewable"


def test_both_levels_work_together_and_do_not_judge_twice(turk: Turk) -> None:
    hit = turk.hit(
        MaxAssignments=3,
        AssignmentReviewPolicy=known(
            AnswerKey={"gold": ["yes"]}, ApproveIfKnownAnswerScoreIsAtLeast=100, RejectIfKnownAnswerScoreIsLessThan=100
        ),
        HITReviewPolicy=plurality(QuestionIds="A", ApproveIfWorkerAgreementScoreIsAtLeast=100),
    )
    good = turk.submit(hit, gold="yes", A="fist")
    turk.submit(hit, gold="yes", A="fist")
    bad = turk.submit(hit, gold="no", A="palm")
    report = reports(turk, hit)["HITReviewReport"]
    assert (("approve", good, "Succeeded")) in actions(report)
    assert all(target != bad for _, target, _ in actions(report))
    assert turk.books()["reward_usd"] == "0.20"


def test_a_rejected_assignment_that_counts_cannot_be_approved_by_agreement(turk: Turk) -> None:
    hit = turk.hit(
        MaxAssignments=2,
        AssignmentReviewPolicy=known(AnswerKey={"gold": ["yes"]}, RejectIfKnownAnswerScoreIsLessThan=100),
        HITReviewPolicy=plurality(
            QuestionIds="A", DisregardAssignmentIfRejected="F", ApproveIfWorkerAgreementScoreIsAtLeast=100
        ),
    )
    turk.submit(hit, gold="yes", A="fist")
    bad = turk.submit(hit, gold="no", A="fist")
    assert ("approve", bad, "Failed") in actions(reports(turk, hit)["HITReviewReport"])


def test_results_and_actions_can_be_left_out_and_come_in_pages(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1, AssignmentReviewPolicy=known(ApproveIfKnownAnswerScoreIsAtLeast=0))
    turk.submit(hit, q1="fist")
    assert reports(turk, hit, RetrieveActions=False)["AssignmentReviewReport"]["ReviewActions"] == []
    assert reports(turk, hit, RetrieveResults=False)["AssignmentReviewReport"]["ReviewResults"] == []
    request, seen = {"HITId": hit["HITId"], "MaxResults": 2}, 0
    while True:
        page = turk.client.list_review_policy_results_for_hit(**request)
        report = page["AssignmentReviewReport"]
        seen += len(report["ReviewResults"]) + len(report["ReviewActions"])
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert seen == 5
    assert page["AssignmentReviewPolicy"]["PolicyName"] == "ScoreMyKnownAnswers/2011-09-01"


@pytest.mark.parametrize(
    "wrong",
    [
        {"AssignmentReviewPolicy": known(ApproveIfKnownAnswerScoreIsAtLeast=102)},
        {"AssignmentReviewPolicy": known(Approve=1)},
        {"AssignmentReviewPolicy": {"PolicyName": "ScoreMyKnownAnswers/2011-09-01"}},
        {"AssignmentReviewPolicy": plurality()},
        {"HITReviewPolicy": known()},
        {"HITReviewPolicy": policy("SimplePlurality/2011-09-01", QuestionIds="A")},
        {"HITReviewPolicy": plurality(ExtendIfHITAgreementScoreIsLessThan=50)},
        {"HITReviewPolicy": plurality(ExtendMinimumTimeInSeconds=59)},
    ],
)
def test_a_policy_that_cannot_be_applied_is_refused_with_the_hit(turk: Turk, wrong: dict[str, Any]) -> None:
    with pytest.raises(turk.client.exceptions.RequestError, match=r"[Pp]olic"):
        turk.hit(**wrong)
