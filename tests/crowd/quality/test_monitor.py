"""The watch over the main work: it catches clickers, finds who turns bad, and seldom errs."""

from itertools import product

import pytest

from crowd.quality.monitor import USUAL_WATCH, monitor, standing, suspended_within
from crowd.quality.sequential import SequentialTest, prospects

LENIENT = SequentialTest(clicker=0.5, good=0.9, clickers_admitted=0.01, good_refused=0.01)


@pytest.mark.parametrize(
    ("test", "percents"),
    [(LENIENT, {0.95: 0.35, 0.90: 4.3, 0.85: 18.9, 0.80: 47}), (USUAL_WATCH, {0.95: 0.01, 0.90: 0.36, 0.85: 4.0})],
    ids=["1 %", "0.1 %"],
)
def test_who_is_wrongly_out_within_a_hundred_control_tasks(test, percents):
    for right, expected in percents.items():
        digit = 1 if expected == 47 else 0.1 if expected >= 1 else 0.01
        assert 100 * suspended_within(100, right, test) == pytest.approx(expected, abs=digit / 2 + 1e-3)


def test_a_worker_under_the_wanted_skill_is_out_in_a_fifth_of_the_cases():
    assert 100 * suspended_within(100, 0.80) == pytest.approx(19.7, abs=0.05)


@pytest.mark.parametrize(
    ("test", "controls", "answers"),
    [(LENIENT, 10.1, (505, 202, 101, 50)), (USUAL_WATCH, 14.8, (741, 296, 148, 74))],
)
def test_how_long_a_clicker_lasts(test, controls, answers):
    lasts = prospects(test, 0.5).questions
    assert lasts == pytest.approx(controls, abs=0.05)
    assert [lasts / share for share in (0.02, 0.05, 0.1, 0.2)] == pytest.approx(answers, abs=0.6)


@pytest.mark.parametrize("right", [0.3, 0.85])
def test_the_chance_to_be_suspended_is_the_sum_over_all_courses(right):
    test = SequentialTest(clicker=0.4, good=0.8, clickers_admitted=0.2, good_refused=0.1)
    suspended = sum(
        right ** sum(answers) * (1 - right) ** (10 - sum(answers))
        for answers in product((True, False), repeat=10)
        if standing(answers, test).suspended
    )
    assert suspended_within(10, right, test) == pytest.approx(suspended)


def test_proof_of_skill_resets_the_sum_so_that_a_worker_who_turns_bad_is_found():
    proven = [True] * 8
    assert standing(proven).evidence == 0
    assert standing(proven * 100 + [False] * 4).suspended is False
    assert standing(proven * 100 + [False] * 5).suspended is True


def test_without_a_reset_old_merit_would_cover_new_sloth():
    assert not standing([True] * 7 + [False] * 6).suspended
    assert standing([True] * 8 + [False] * 6).suspended, "the eighth right answer used the merit up"


def test_who_is_suspended_stays_suspended():
    assert standing([False] * 5 + [True] * 100).suspended


def test_a_newcomer_stands_at_nothing():
    assert standing([]).evidence == 0
    assert monitor([]).applies is False


def test_the_sentence_says_what_counted():
    verdict = monitor([True] * 8 + [False] * 2 + [True] + [False] * 4)
    assert verdict.applies
    assert verdict.sentence == "5 of the last 6 control tasks wrong: evidence -7.46, suspended at -6.90"
    assert monitor([False]).sentence == "1 of the last 1 control task wrong: evidence -1.61, suspended at -6.90"
