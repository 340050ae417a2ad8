"""Sequential tests: a decision with as few questions as it needs."""

from collections.abc import Iterable
from itertools import product

import pytest

from crowd.quality.sequential import (
    Decision,
    SequentialTest,
    prospects,
)

STRICT = SequentialTest(clicker=0.5, good=0.9, clickers_admitted=0.01, good_refused=0.01)
WATCHFUL = SequentialTest(clicker=0.5, good=0.9, clickers_admitted=0.01, good_refused=0.001)
SHORT = SequentialTest(clicker=0.5, good=0.85, clickers_admitted=0.05, good_refused=0.05, longest=20)
FIVE_OPTIONS = SequentialTest(clicker=0.2, good=0.8, clickers_admitted=0.05, good_refused=0.05)


def decide(test: SequentialTest, answers: Iterable[bool]) -> Decision:
    """Decide at the first answer (True = right) that suffices; what comes after it plays no part."""
    right = wrong = 0
    for ok in answers:
        right, wrong = right + ok, wrong + (not ok)
        decision = test.decision(right, wrong)
        if decision is not Decision.ASK_ON:
            return decision
    return Decision.ASK_ON


@pytest.mark.parametrize(
    ("test", "right", "wrong", "admit", "refuse"),
    [
        (SHORT, 0.53063, -1.20397, 2.94444, -2.94444),
        (FIVE_OPTIONS, 1.38629, -1.38629, 2.94444, -2.94444),
        (STRICT, 0.58779, -1.60944, 4.59512, -4.59512),
        (WATCHFUL, 0.58779, -1.60944, 4.60417, -6.89770),
    ],
)
def test_what_an_answer_weighs_and_where_the_test_ends(test, right, wrong, admit, refuse):
    found = (test.per_right, test.per_wrong, test.admit_at, test.refuse_at)
    assert found == pytest.approx((right, wrong, admit, refuse), abs=5.1e-6)


@pytest.mark.parametrize(
    ("test", "clicker", "good"),
    [(SHORT, 8.88, 10.38), (FIVE_OPTIONS, 4.84, 4.84), (STRICT, 10.09, 12.96), (WATCHFUL, 14.82, 13.10)],
)
def test_how_many_questions_a_sequential_test_asks(test, clicker, good):
    assert prospects(test, test.clicker).questions == pytest.approx(clicker, abs=0.01)
    assert prospects(test, test.good).questions == pytest.approx(good, abs=0.01)


def test_a_test_of_limited_length_errs_a_little_more():
    assert prospects(SHORT, 0.5).refused == pytest.approx(0.933, abs=0.0005)
    assert prospects(SHORT, 0.85).admitted == pytest.approx(0.962, abs=0.0005)


@pytest.mark.parametrize("test", [FIVE_OPTIONS, STRICT, WATCHFUL])
def test_an_unlimited_test_keeps_its_promises(test):
    assert prospects(test, test.clicker).admitted <= test.clickers_admitted
    assert prospects(test, test.good).refused <= test.good_refused


@pytest.mark.parametrize("right", [0.0, 0.4, 0.85, 1.0])
def test_prospects_are_the_sum_over_all_courses(right):
    test = SequentialTest(clicker=0.5, good=0.85, clickers_admitted=0.2, good_refused=0.1, longest=9)
    questions = admitted = 0.0
    for answers in product((True, False), repeat=9):
        chance = right ** sum(answers) * (1 - right) ** (9 - sum(answers))
        asked = next(n for n in range(1, 10) if decide(test, answers[:n]) is not Decision.ASK_ON)
        questions += chance * asked
        admitted += chance * (decide(test, answers) is Decision.ADMIT)
    found = prospects(test, right)
    assert (found.questions, found.admitted, found.refused) == pytest.approx((questions, admitted, 1 - admitted))


def test_three_wrong_in_a_row_refuse_and_eight_right_admit():
    assert STRICT.evidence(0, 3) == pytest.approx(-4.82831, abs=5e-6)
    assert STRICT.evidence(8, 0) == pytest.approx(4.70229, abs=5.1e-6)
    assert decide(STRICT, [False] * 2) is Decision.ASK_ON
    assert decide(STRICT, [False] * 3) is Decision.REFUSE
    assert decide(STRICT, [True] * 7) is Decision.ASK_ON
    assert decide(STRICT, [True] * 8) is Decision.ADMIT


def test_the_watchful_test_refuses_at_five_wrong_in_a_row_and_not_at_four():
    assert WATCHFUL.evidence(0, 5) == pytest.approx(-8.04719, abs=5e-6)
    assert WATCHFUL.evidence(0, 4) == pytest.approx(-6.43775, abs=5e-6)
    assert decide(WATCHFUL, [False] * 4) is Decision.ASK_ON
    assert decide(WATCHFUL, [False] * 5) is Decision.REFUSE


def test_a_decision_stands_whatever_is_answered_after_it():
    assert decide(STRICT, [False] * 3 + [True] * 50) is Decision.REFUSE
    assert decide(STRICT, [True] * 8 + [False] * 50) is Decision.ADMIT


def test_at_the_maximum_length_the_sign_decides():
    test = SequentialTest(clicker=0.25, good=0.75, clickers_admitted=0.01, good_refused=0.01, longest=4)
    assert decide(test, [True, False, True, True]) is Decision.ADMIT
    assert test.evidence(2, 2) == 0
    assert decide(test, [True, False, True, False]) is Decision.REFUSE, "no evidence either way admits nobody"


@pytest.mark.parametrize(
    ("clicker", "good", "alpha", "beta"),
    [
        (0.5, 0.5, 0.01, 0.01),
        (0.9, 0.5, 0.01, 0.01),
        (0, 0.5, 0.01, 0.01),
        (0.5, 1, 0.01, 0.01),
        (0.5, 0.9, 0, 0.01),
        (0.5, 0.9, 0.01, 0.5),
    ],
)
def test_a_test_that_cannot_tell_is_refused(clicker, good, alpha, beta):
    with pytest.raises(ValueError, match=r"cannot be told apart|are not allowed"):
        SequentialTest(clicker, good, alpha, beta)
