"""Final cost: what is spent and what the rest takes, and the closed forms of answers bought and of quality."""

import numpy as np
import pytest

from curation.economics.answers import BOXES, boxes, majority
from curation.economics.final_cost import EVEN, UNEVEN, StageAhead, draw_final_cost, uneven_answers
from tests.bench.time_left import judge_final_cost


def quantiles(stages: list[StageAhead], *, left: int, spent_micro: int) -> list[float]:
    drawn = draw_final_cost(stages=stages, left=left, spent_micro=spent_micro)
    assert drawn is not None
    return [float(one) for one in np.quantile(drawn, [0.05, 0.5, 0.95])]


def test_a_pilot_of_a_hundred_says_what_a_thousand_will_take():
    low, middle, high = quantiles([StageAhead(1e6, 0, 67, 33)], left=1_000, spent_micro=0)
    assert low == pytest.approx(1_349e6, rel=0.015)
    assert middle == pytest.approx(1_498e6, rel=0.01)
    assert high == pytest.approx(1_700e6, rel=0.015)


def test_what_is_spent_is_spent_and_nothing_left_costs_nothing_more():
    assert quantiles([StageAhead(30_000, 0, 67, 33)], left=0, spent_micro=5_000_000) == [5_000_000.0] * 3


def test_what_waits_on_its_way_is_not_bought_again():
    sent = StageAhead(30_000, 0, 1_000, 0, is_certain=True)
    checked = [StageAhead(20_000, waiting, 800, 200) for waiting in (0, 500)]
    bare, with_stock = (quantiles([sent, one], left=400, spent_micro=0)[1] for one in checked)
    assert bare == pytest.approx(400 / 0.8 * 50_000, rel=0.02)
    assert with_stock == pytest.approx(500 * 20_000, rel=0.03)


def test_a_film_that_becomes_many_frames_is_paid_once():
    film = StageAhead(25_000, 0, 10_000, 0, entered=100)
    frame = StageAhead(500, 0, 900, 100)
    middle = quantiles([film, frame], left=9_000, spent_micro=0)[1]
    assert middle == pytest.approx(100 * 25_000 + 10_000 * 500, rel=0.03)


def test_more_that_was_seen_makes_the_interval_narrower():
    few, many = (quantiles([StageAhead(1e6, 0, 67 * n, 33 * n)], left=1_000, spent_micro=0) for n in (1, 50))
    assert many[2] - many[0] < (few[2] - few[0]) / 2


@pytest.mark.parametrize(
    ("mean", "usual", "uneven"),
    [(2.27, 3, 0.1956), (2.997, 3, EVEN), (4.1, 3, 0.3707), (3.0, 3, EVEN), (0.0, 3, UNEVEN)],
)
def test_items_cost_as_unevenly_as_their_answers_beyond_the_usual_number(mean, usual, uneven):
    assert uneven_answers(mean=mean, usual=usual) == pytest.approx(uneven, abs=5e-5)


def test_answers_bought_until_people_agree_are_as_uneven_as_reckoned():
    bought = 2 + np.random.default_rng(5).geometric(0.7, 100_000)  # three, and one more with a chance of 0.3 each time
    assert uneven_answers(mean=bought.mean(), usual=3) == pytest.approx(bought.std() / bought.mean(), rel=0.02)


def test_items_that_all_cost_the_same_leave_no_doubt_but_how_many_they_are():
    even, uneven = (
        quantiles([StageAhead(1e6, 0, 50, 0, is_certain=True, uneven=one)], left=500, spent_micro=0)
        for one in (0.0, 0.2)
    )
    assert even == pytest.approx([500e6] * 3)
    spread = 1.645 * 0.2 * np.hypot(1 / 50**0.5, 1 / 500**0.5) * 500e6
    assert uneven == pytest.approx([500e6 - spread, 500e6, 500e6 + spread], rel=0.01)


def test_a_stage_that_has_let_nothing_through_lets_nobody_say():
    assert draw_final_cost(stages=[StageAhead(1e6, 0, 0, 4)], left=10, spent_micro=0) is None


def test_campaigns_end_within_the_interval_they_were_told():
    figures = judge_final_cost(campaigns=60)
    assert figures["median_error"] <= 0.05
    assert 0.8 <= figures["covered"] <= 0.99
    assert figures["median_width"] <= 0.06


@pytest.mark.parametrize(
    ("right", "overlap", "answers", "correct"),
    [
        (0.70, 3, 2.4200, 0.7840),
        (0.70, 5, 3.8946, 0.8369),
        (0.70, 7, 5.3780, 0.8740),
        (0.80, 3, 2.3200, 0.8960),
        (0.80, 7, 4.9267, 0.9667),
        (0.85, 5, 3.4800, 0.9734),
        (0.90, 3, 2.1800, 0.9720),
        (0.90, 5, 3.3186, 0.9914),
        (0.90, 7, 4.4394, 0.9973),
        (0.95, 3, 2.0950, 0.9928),
        (0.95, 5, 3.1560, 0.9988),
    ],
)
def test_a_curtailed_majority_buys_and_gets_right_what_the_table_says(right, overlap, answers, correct):
    found = majority(right, overlap)
    assert (found.answers, found.right) == (pytest.approx(answers, abs=5e-5), pytest.approx(correct, abs=5e-5))
    assert majority(right, overlap, curtailed=False).answers == overlap


def test_one_answer_is_as_right_as_its_giver_and_two_that_differ_tie():
    assert (majority(0.9, 1).answers, majority(0.9, 1).right) == (1, pytest.approx(0.9))
    assert majority(0.9, 2).undecided == pytest.approx(0.18)
    with pytest.raises(ValueError, match="no majority"):
        majority(0.9, 0)


def test_boxes_of_better_people_take_fewer_answers_and_fewer_reviewers():
    found = [boxes(right) for right in (0.5, 0.8, 0.85, 0.9, 0.95, 0.99)]
    assert [one.answers for one in found] == sorted((one.answers for one in found), reverse=True)
    assert [one.undecided for one in found] == sorted((one.undecided for one in found), reverse=True)
    assert boxes(BOXES[2][0]) == BOXES[2][1]
