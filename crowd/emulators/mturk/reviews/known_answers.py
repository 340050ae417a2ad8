"""ScoreMyKnownAnswers/2011-09-01: an assignment is scored against known answers as soon as it is handed in."""

from datetime import datetime, timedelta

from crowd.emulators.mturk.answers import read_answers
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.reviews.judging import Approve, Bench, Reject
from crowd.emulators.mturk.reviews.policies import KNOWN_ANSWERS, Policy, read_policy
from crowd.emulators.mturk.reviews.reports import ExtendWish, Pen

MOST_BY_DEFAULT = 5


def review_known_answers(
    market: Market, hit: Hit, assignment: Assignment, now: datetime, *, approve: Approve, reject: Reject
) -> ExtendWish | None:
    """Score, judge as the policy says and return the wish for another worker, if there is one."""
    if not hit.assignment_policy:
        return None
    policy = read_policy(hit.assignment_policy, KNOWN_ANSWERS)
    pen = Pen(market, hit.assignment_report, now)
    score = assignment.known_answer_score = _score(policy, assignment, pen)
    bench = Bench(pen, approve, reject)
    least, below = (
        policy.number("ApproveIfKnownAnswerScoreIsAtLeast"),
        policy.number("RejectIfKnownAnswerScoreIsLessThan"),
    )
    if least is not None and score >= least:
        bench.approves(assignment, policy.text("ApproveReason"))
    if below is not None and score < below:
        bench.rejects(assignment, policy.text("RejectReason"))
    return _wish(policy, hit, score, pen)


def _score(policy: Policy, assignment: Assignment, pen: Pen) -> int:
    """Return the percentage of known answers that match; an empty set never matches."""
    given = read_answers(assignment.answer)
    right = 0
    for question, wanted in policy.answer_key.items():
        matches = bool(wanted) and given.get(question, frozenset()) == wanted
        right += matches
        pen.result(assignment.id, "Assignment", "KnownAnswerCorrect", int(matches), question)
    score = 100 * right // len(policy.answer_key)
    pen.result(assignment.id, "Assignment", "KnownAnswerScore", score)
    asked = len(policy.answer_key)
    pen.action("review", assignment.id, "Assignment", f"Reviewed {asked} known answers; {right}/{asked} correct")
    return score


def _wish(policy: Policy, hit: Hit, score: int, pen: Pen) -> ExtendWish | None:
    below = policy.number("ExtendIfKnownAnswerScoreIsLessThan")
    most = policy.number("ExtendMaximumAssignments") or MOST_BY_DEFAULT
    if below is None or score >= below:
        return None
    if hit.max_assignments >= most:
        pen.action("extend", hit.id, "HIT", f"Already extended to {hit.max_assignments} assignments")
        return None
    return ExtendWish(pen, hit.id, timedelta(seconds=policy.number("ExtendMinimumTimeInSeconds") or 0))
