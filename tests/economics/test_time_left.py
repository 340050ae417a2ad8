"""Time left: the paces and points that the model promises, hours of the week, crowds that end, and never."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.stats import nbinom

from curation.economics.time_left import (
    Finite,
    Goal,
    Pace,
    Quantiles,
    draw_hours,
    is_never,
    pace_of,
    point_hours,
    worth_with_capacity,
)
from curation.economics.week import Week
from tests.bench.time_left import judge_time_left

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
AT_FIVE = MONDAY + timedelta(hours=17)


def hours_of_a_steady_stream(pace: Pace, left: int, chance: float) -> float:
    """Return when `left` have come with that chance, without noise of hours: a negative binomial count."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        has_come = nbinom.sf(left - 1, pace.shape, pace.rate / (pace.rate + middle))
        low, high = (low, middle) if has_come > chance else (middle, high)
    return high


def test_a_day_that_began_in_the_morning_does_not_promise_the_afternoons_pace_for_the_night():
    week = Week.usual()
    worth = week.between(MONDAY + timedelta(hours=9), AT_FIVE)
    assert worth == pytest.approx(10.423435, abs=1e-6)
    rate = 2_000 / worth
    assert rate == pytest.approx(191.87533, abs=1e-5)
    assert point_hours(left=8_000, rate=rate, week=week, now=AT_FIVE) == pytest.approx(43.859, abs=5e-4)
    naive = 8_000 / (2_000 / 8)
    assert naive == 32


@pytest.mark.parametrize(
    ("pace", "p50", "p90"),
    [
        (Pace(100, 4), 8.013, 9.390),
        (pace_of(results=100, hours=4, worth=4), 8.055, 10.148),
    ],
)
def test_what_is_known_of_a_pace_is_as_wide_as_its_counts_and_the_unevenness_of_hours(pace, p50, p90):
    assert hours_of_a_steady_stream(pace, 200, 0.5) == pytest.approx(p50, abs=5e-4)
    assert hours_of_a_steady_stream(pace, 200, 0.9) == pytest.approx(p90, abs=5e-4)


def test_the_drawn_hours_of_a_steady_stream_are_those_of_the_formula():
    pace = pace_of(results=100, hours=4, worth=4)
    assert pace is not None
    assert (pace.shape, pace.rate) == (100 / 2.5625, 4 / 2.5625)
    drawn = Quantiles.of(draw_hours(goal=Goal(200), pace=pace, week=Week.flat(), now=MONDAY, draws=4_000))
    assert drawn.p50 == pytest.approx(8.055, rel=0.02)
    assert drawn.p90 == pytest.approx(10.148, rel=0.05)


def test_a_crowd_in_which_everybody_gives_one_is_used_up_slowly():
    crowd = Finite.seen(people=8_647, results=2_472, hours=65)
    assert crowd.per_hour == pytest.approx(0.005180055, abs=1e-9)
    assert crowd.after(24) == pytest.approx(1_010.9, abs=0.05)
    assert crowd.hours_to(5_000) == pytest.approx(166.66, abs=5e-3)
    assert crowd.hours_to(8_000) == pytest.approx(500.5, abs=0.05)
    assert crowd.hours_to(8_647) == float("inf")


def test_forward_draws_of_a_finite_crowd_follow_the_same_curve():
    counts = [round(38.03)] * 65
    left = 8_647 - sum(counts)
    worth = worth_with_capacity(counts=counts, worths=[1.0] * 65, capacity=left)
    pace = pace_of(results=sum(counts), hours=65, worth=worth)
    assert pace is not None
    drawn = draw_hours(goal=Goal(5_000 - sum(counts)), pace=pace, week=Week.flat(), now=MONDAY, capacity=left)
    assert Quantiles.of(drawn).p50 + 65 == pytest.approx(166.66, rel=0.06)


def test_people_who_may_not_do_enough_never_finish():
    assert is_never(capacity=8_647 * 1, left=10_000)
    assert not is_never(capacity=8_647 * 2, left=10_000)
    assert not is_never(capacity=None, left=10_000)
    drawn = draw_hours(goal=Goal(120), pace=Pace(50, 1), week=Week.flat(), now=MONDAY, capacity=100)
    assert np.isinf(drawn).all()


def test_a_goal_of_accepted_results_takes_more_to_be_sent():
    chance = np.random.default_rng(1)
    plain, judged = Goal(100).draw(500, chance), Goal(100, accepted=67, rejected=33).draw(500, chance)
    assert set(plain) == {100.0}
    assert np.median(judged) == pytest.approx(100 / 0.667, rel=0.03)
    waiting = Goal(100, accepted=67, rejected=33, in_check=60).draw(500, chance)
    assert np.median(waiting) == pytest.approx((100 - 40) / 0.667, rel=0.06)


def test_a_first_page_that_waits_is_judged_by_what_is_usual():
    pace, flat = Pace(30, 1), Week.flat()
    known = Goal(970, in_check=30, usual=0.9, weight=20)
    told = Quantiles.of(draw_hours(goal=known, pace=pace, week=flat, now=MONDAY))
    certain = Quantiles.of(draw_hours(goal=Goal(970), pace=pace, week=flat, now=MONDAY))
    assert told.p50 == pytest.approx(certain.p50 / 0.9, rel=0.1)
    assert told.p95 < 2 * told.p50


def test_without_a_result_such_pools_say_how_fast_it_may_go_and_without_them_nobody_can():
    assert pace_of(results=0, hours=2, worth=2, usual=50) == Pace(1.0, 1 / 50 + 2)
    assert pace_of(results=0, hours=2, worth=2) is None


def test_hours_of_the_week_are_learned_and_drawn_together_where_they_were_seen_seldom():
    busy_weekend = {hour: (40 if hour >= 120 else 10) for hour in range(168)}
    once, often = (Week.learned({h: n * w for h, n in busy_weekend.items()}, weeks=w) for w in (1, 20))
    truth = 40 / (sum(busy_weekend.values()) / 168)
    assert often.shape[130] == pytest.approx(truth, rel=0.05)
    assert 1 < once.shape[130] < often.shape[130]
    assert once.shape.mean() == pytest.approx(1, abs=1e-9)
    assert once.doubt > often.doubt
    assert list(Week.learned({}, weeks=5).shape) == list(Week.usual().shape)


def test_a_few_days_teach_the_hours_of_a_day_alone():
    nights = {day * 24 + hour: 30 for day in range(3) for hour in range(6)}
    found = Week.learned(nights, weeks=3 / 7)
    assert found.shape[3] == found.shape[6 * 24 + 3] > 1 > found.shape[12]


def test_hours_are_those_of_the_crowd_not_of_the_server():
    moscow = Week.usual(ZoneInfo("Europe/Moscow"))
    assert moscow.place(MONDAY + timedelta(hours=13, minutes=30)) == 16.5
    lengths, worths = moscow.ahead(MONDAY + timedelta(hours=13, minutes=30), 2)
    assert list(lengths) == [0.5, 1, 1]
    assert worths[0] == pytest.approx(0.5 * 1.6)


def test_pools_of_unknown_crowds_end_near_their_middle_and_within_their_interval():
    figures = judge_time_left(pools=60)
    assert figures["median_error"] <= 0.15
    assert 0.78 <= figures["covered"] <= 0.98
    assert figures["median_width"] <= 0.6
    assert figures["median_error"] < figures["naive_median_error"] / 2
