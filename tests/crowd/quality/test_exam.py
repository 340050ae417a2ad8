"""What a gate lets through: the tables of the exam editor, against whole enumerations."""

from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.quality.exam import (
    Gate,
    at_least,
    clickers_after,
    exam_sentence,
    more_than,
    pass_probability,
    random_clicker,
    smallest_exam,
)
from crowd.quality.skill import platform_value
from crowd.quality.wording import percent

SEVEN_OF_TEN, FIFTEEN_OF_NINETEEN = at_least(70, 10), Gate(15, 19)
MORE_THAN_85_OF_30 = more_than(85, 30)


@pytest.mark.parametrize(
    ("gate", "right", "percents", "digits"),
    [
        (SEVEN_OF_TEN, 1 / 2, 17.19, 2),
        (SEVEN_OF_TEN, 1 / 3, 1.966, 3),
        (SEVEN_OF_TEN, 1 / 4, 0.351, 3),
        (SEVEN_OF_TEN, 1 / 5, 0.0864, 4),
        (SEVEN_OF_TEN, 0.70, 64.96, 2),
        (SEVEN_OF_TEN, 0.80, 87.91, 2),
        (SEVEN_OF_TEN, 0.85, 95.00, 2),
        (SEVEN_OF_TEN, 0.90, 98.72, 2),
        (SEVEN_OF_TEN, 0.95, 99.9, 1),
        (MORE_THAN_85_OF_30, 1 / 2, 0.003, 3),
        (MORE_THAN_85_OF_30, 1 / 3, 0.0, 3),
        (MORE_THAN_85_OF_30, 0.70, 3.0, 1),
        (MORE_THAN_85_OF_30, 0.80, 25.5, 1),
        (MORE_THAN_85_OF_30, 0.85, 52.45, 2),
        (MORE_THAN_85_OF_30, 0.90, 82.45, 2),
        (MORE_THAN_85_OF_30, 0.95, 98.4, 1),
        (FIFTEEN_OF_NINETEEN, 1 / 2, 0.961, 3),
        (FIFTEEN_OF_NINETEEN, 1 / 5, 0.0, 3),
        (FIFTEEN_OF_NINETEEN, 0.90, 96.48, 2),
    ],
)
def test_what_a_gate_lets_through(gate, right, percents, digits):
    assert 100 * pass_probability(gate, right) == pytest.approx(percents, abs=1.01 * 10**-digits)


@given(st.integers(1, 12), st.integers(0, 12), st.floats(0, 1))
def test_passing_is_the_sum_over_all_courses_of_the_exam(questions: int, needed: int, right: float):
    needed = min(needed, questions)
    courses = sum(comb(questions, k) * right**k * (1 - right) ** (questions - k) for k in range(needed, questions + 1))
    assert pass_probability(Gate(needed, questions), right) == pytest.approx(courses, abs=1e-12)


@pytest.mark.parametrize(("options", "percents"), [(2, 43.2), (3, 5.8), (5, 0.26)])
def test_three_attempts_let_more_clickers_through(options, percents):
    assert 100 * pass_probability(SEVEN_OF_TEN, 1 / options, attempts=3) == pytest.approx(percents, abs=0.05)


def test_training_and_exam_together_let_three_in_a_hundred_clickers_through():
    assert 100 * pass_probability(SEVEN_OF_TEN, 0.5) ** 2 == pytest.approx(2.95, abs=0.01)


@pytest.mark.parametrize(
    ("share", "options", "percents"),
    [
        (0.30, 2, 7.20),
        (0.30, 3, 0.88),
        (0.30, 5, 0.04),
        (0.10, 2, 1.97),
        (0.10, 3, 0.23),
        (0.10, 5, 0.01),
        (0.50, 2, 15.3),
        (0.50, 3, 2.0),
        (0.50, 5, 0.09),
    ],
)
def test_how_many_clickers_stand_behind_the_gate(share, options, percents):
    found = 100 * clickers_after(SEVEN_OF_TEN, share_before=share, options=options)
    assert found == pytest.approx(percents, abs=0.05 if percents in {15.3, 2.0} else 0.005)


def test_nobody_behind_the_gate_is_no_clicker():
    assert clickers_after(SEVEN_OF_TEN, share_before=0.0, options=2) == 0
    assert clickers_after(SEVEN_OF_TEN, share_before=1.0, options=2) == 1


@pytest.mark.parametrize(
    ("options", "good", "needed", "questions"),
    [
        (2, 0.85, 20, 27),
        (3, 0.85, 9, 13),
        (4, 0.85, 6, 9),
        (5, 0.85, 6, 9),
        (2, 0.90, 15, 19),
        (3, 0.90, 8, 11),
        (4, 0.90, 6, 8),
        (5, 0.90, 5, 7),
    ],
)
def test_the_smallest_exam_that_stops_clickers_and_admits_good_workers(options, good, needed, questions):
    assert smallest_exam(options=options, good=good) == Gate(needed, questions)


def test_no_shorter_exam_would_have_done():
    found = smallest_exam(options=3, good=0.85)
    for questions, needed in product(range(1, found.questions), range(14)):
        if needed <= questions:
            gate = Gate(needed, questions)
            assert pass_probability(gate, 1 / 3) > 0.01 or pass_probability(gate, 0.85) < 0.95


def test_an_exam_that_cannot_be_made_is_said_so():
    with pytest.raises(ValueError, match=r"^No exam of up to 200 questions lets 95\.0 % of 51 % workers through"):
        smallest_exam(options=2, good=0.51)


@pytest.mark.parametrize("percentage", range(101))
@pytest.mark.parametrize("questions", [1, 3, 7, 10, 30])
def test_a_gate_admits_by_the_whole_number_that_platforms_store(percentage, questions):
    """Skills are whole percents rounded down: 6 of 7 is 85 and not more than 85."""
    stored = [platform_value(ok / questions) for ok in range(questions + 1)]
    assert at_least(percentage, questions).needed == sum(value < percentage for value in stored)
    if percentage < 100:
        assert more_than(percentage, questions).needed == sum(value <= percentage for value in stored)


def test_seventy_passes_and_sixty_nine_does_not():
    assert SEVEN_OF_TEN.needed == 7
    assert at_least(69, 100).needed == 69
    assert MORE_THAN_85_OF_30.needed == 26
    assert more_than(85, 20).needed == 18
    assert at_least(85, 20).needed == 17


def test_a_gate_that_nobody_can_pass_is_refused():
    with pytest.raises(ValueError, match=r"^A gate of 11 right answers in 10 questions is none\.$"):
        more_than(100, 10)
    with pytest.raises(ValueError, match="0 questions"):
        Gate(0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: pass_probability(SEVEN_OF_TEN, 1.01),
        lambda: pass_probability(SEVEN_OF_TEN, float("nan")),
        lambda: pass_probability(SEVEN_OF_TEN, 0.5, attempts=0),
        lambda: clickers_after(SEVEN_OF_TEN, share_before=-0.1, options=2),
        lambda: random_clicker(1),
    ],
)
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"is no|are none|lies between|needs at least"):
        wrong()


def test_the_sentence_of_the_editor():
    assert exam_sentence(SEVEN_OF_TEN, options=2) == "a random clicker passes in 17.2 %, a 90 % worker in 98.7 %"
    assert exam_sentence(SEVEN_OF_TEN, options=5, good=0.85, attempts=3) == (
        "a random clicker passes in 0.26 %, an 85 % worker in over 99.9 %, each with 3 attempts"
    )
    assert exam_sentence(Gate(0, 1), options=2) == "a random clicker passes in 100 %, a 90 % worker in 100 %"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1e-9, "under 0.001 %"),
        (0.00003, "0.003 %"),
        (0.000864, "0.086 %"),
        (0.00351, "0.35 %"),
        (0.01966, "2.0 %"),
        (0.5, "50.0 %"),
        (0.99897, "99.9 %"),
        (0.99997, "over 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_never_reads_more_certain_than_it_is(share, text):
    assert percent(share) == text
