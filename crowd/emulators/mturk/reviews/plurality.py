"""SimplePlurality/2011-09-01: when a HIT becomes reviewable, its workers' answers are compared with each other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from crowd.emulators.mturk.answers import read_answers
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.reviews.judging import Approve, Bench, Reject
from crowd.emulators.mturk.reviews.policies import PLURALITY, Policy, read_policy
from crowd.emulators.mturk.reviews.reports import ExtendWish, Pen

LONGEST: Final = 256
Values = frozenset[str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The answer of most workers to a question, and how many percent of them gave it."""

    answer: Values
    score: Fraction


def review_agreement(market: Market, hit: Hit, now: datetime, *, approve: Approve, reject: Reject) -> ExtendWish | None:
    """Compare, judge as the policy says and return the wish for another worker, if there is one."""
    policy = read_policy(hit.hit_policy or {}, PLURALITY)
    pen = Pen(market, hit.hit_report, now)
    answers = {found.id: read_answers(found.answer) for found in hit.handed_in() if _counts(policy, found)}
    if not answers:
        return None
    questions = [word.strip() for value in policy.words["QuestionIds"] for word in value.split(",") if word.strip()]
    threshold = policy.number("QuestionAgreementThreshold") or 0
    agreed = _agreements(questions, answers, threshold)
    _write_questions(pen, hit, questions, agreed)
    _judge_workers(policy, hit, answers, agreed, Bench(pen, approve, reject))
    score = 100 * len(agreed) // len(questions) if questions else 0
    pen.result(hit.id, "HIT", "HitAgreementScore", score)
    return _wish(policy, hit, score, pen)


def _counts(policy: Policy, assignment: Assignment) -> bool:
    if assignment.state == "Rejected" and policy.truth("DisregardAssignmentIfRejected"):
        return False
    below, score = policy.number("DisregardAssignmentIfKnownAnswerScoreIsLessThan"), assignment.known_answer_score
    return below is None or score is None or score >= below


def _agreements(
    questions: Sequence[str], answers: Mapping[str, Mapping[str, Values]], threshold: int
) -> dict[str, Agreement]:
    """Return the questions on which more than the threshold's percentage of workers agree."""
    found = {}
    for question in questions:
        given = Counter(mine[question] for mine in answers.values() if _comparable(mine.get(question)))
        if not given:
            continue
        answer, votes = given.most_common(1)[0]
        score = Fraction(100 * votes, len(answers))
        if score > threshold and list(given.values()).count(votes) == 1:
            found[question] = Agreement(answer, score)
    return found


def _comparable(values: Values | None) -> bool:
    return bool(values) and all(len(value) <= LONGEST for value in values or ())


def _write_questions(pen: Pen, hit: Hit, questions: Sequence[str], agreed: Mapping[str, Agreement]) -> None:
    for question in questions:
        pen.result(hit.id, "HIT", "AgreedAnswerFound", str(question in agreed).lower(), question)
        if question in agreed:
            pen.result(hit.id, "HIT", "AgreedAnswer", "|".join(sorted(agreed[question].answer)), question)
            pen.result(hit.id, "HIT", "AnswerAgreementScore", int(agreed[question].score), question)


def _judge_workers(
    policy: Policy,
    hit: Hit,
    answers: Mapping[str, Mapping[str, Values]],
    agreed: Mapping[str, Agreement],
    bench: Bench,
) -> None:
    """Score each worker on the questions that have an agreed answer; without one there is nothing to judge by."""
    least = policy.number("ApproveIfWorkerAgreementScoreIsAtLeast")
    below = policy.number("RejectIfWorkerAgreementScoreIsLessThan")
    for assignment in [found for found in hit.handed_in() if agreed and found.id in answers]:
        right = sum(answers[assignment.id].get(question) == found.answer for question, found in agreed.items())
        score = 100 * right // len(agreed)
        bench.pen.result(assignment.id, "Assignment", "WorkerAgreementScore", score)
        if least is not None and score >= least:
            bench.approves(assignment)
        if below is not None and score < below:
            bench.rejects(assignment, policy.text("RejectReason"))


def _wish(policy: Policy, hit: Hit, score: int, pen: Pen) -> ExtendWish | None:
    below = policy.number("ExtendIfHITAgreementScoreIsLessThan")
    if below is None or score >= below:
        return None
    if hit.max_assignments >= (policy.number("ExtendMaximumAssignments") or 0):
        pen.action("extend", hit.id, "HIT", f"Already extended to {hit.max_assignments} assignments")
        return None
    return ExtendWish(pen, hit.id, timedelta(seconds=policy.number("ExtendMinimumTimeInSeconds") or 0))
