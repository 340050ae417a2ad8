"""What the first hours of a pool say about its crowd."""

from dataclasses import replace

import numpy as np
import pytest

from crowd.rehearsal.arrivals import FILMS, PHOTOS, Rhythm, Sessions
from crowd.rehearsal.calibration import Calibrated, FirstHours, calibrated, expected, take_for
from crowd.rehearsal.collection import Terms, collect
from crowd.rehearsal.population import Population

TRUE = replace(PHOTOS, take=0.25)
NOISY = Rhythm(hourly_noise=0.25)


def seen(seed: int, hours: int, *, rhythm: Rhythm = NOISY) -> Calibrated:
    """Calibrate on the first hours of a pool whose take nobody knows."""
    pool = collect(Population(), Terms(10**6, cap=20, horizon=float(hours)), seed=seed, sessions=TRUE, rhythm=rhythm)
    counts = tuple(int(n) for n in np.pad(pool.by_hour, (0, hours))[:hours])
    first = FirstHours(counts, opened=9.0, cap=20)
    return calibrated([first], eligible=8_647, sigma=1.4, sessions=PHOTOS, rhythm=Rhythm())


def test_the_expected_curve_is_what_simulations_have_on_average():
    sessions = Sessions(take=0.3, tasks=2.0)
    for hours in (6, 24, 72):
        passed = collect(Population(), Terms(10**6, cap=5, horizon=hours), seed=1, sessions=sessions, rhythm=Rhythm(0))
        shares = expected(np.array([hours * sessions.an_hour]), sigma=1.4, cap=5, tasks=2.0)
        assert passed.sent == pytest.approx(float(shares[0]) * 8_647, rel=0.04)


def test_expected_work_ends_at_the_cap_and_has_no_end_without_one():
    shares = expected(np.array([0.0, 1e-3, 1e9]), sigma=1.4, cap=3, tasks=1.4)
    assert shares[0] == 0
    assert shares[1] == pytest.approx(1.4e-3, rel=0.03)
    assert shares[2] == pytest.approx(3, rel=5e-3)  # the curve ends at a hundred caps of the average person
    assert expected(np.array([2.0]), sigma=1.4, cap=0, tasks=4.0)[0] == 8


def test_the_takes_of_both_published_timelines_come_out():
    films = take_for(sent=2_472, hours=65, eligible=8_647, sigma=1.4, cap=1, sessions=FILMS)
    assert films == pytest.approx(0.197, abs=0.005)
    takes = [
        take_for(sent=8_005, hours=24, eligible=8_647, sigma=1.4, cap=cap, sessions=Sessions(tasks=tasks))
        for cap, tasks in ((3, 1.4), (5, 2.0), (20, 4.0))
    ]
    assert takes == pytest.approx([0.62, 0.34, 0.12], rel=0.03)


def test_the_interval_after_two_hours_holds_the_true_take_nine_times_in_ten():
    found = [seen(seed, 2) for seed in range(40)]
    held = sum(one.low <= TRUE.take <= one.high for one in found)
    assert held >= 32  # 36 expected; fewer than 32 would happen once in 40 runs of other seeds
    assert float(np.median([one.take for one in found])) == pytest.approx(TRUE.take, rel=0.15)


@pytest.mark.parametrize("opened", [0.0, 9.0, 58.0, 156.0])
def test_a_slow_pool_beside_another_is_told_a_larger_take_at_every_hour_of_the_week(opened: float):
    alone, beside = (
        calibrated(
            [FirstHours((1,) * 10, opened, pools=pools)], eligible=8_647, sigma=1.4, sessions=PHOTOS, rhythm=Rhythm()
        )
        for pools in (1, 2)
    )
    assert beside.take == pytest.approx(2**0.5 * alone.take, rel=0.05)


def test_a_day_says_more_than_two_hours_and_only_a_day_shows_the_swing():
    short, day = seen(5, 2), seen(5, 24)
    assert day.high - day.low < short.high - short.low
    assert short.amplitude is None
    assert day.amplitude == pytest.approx(0.6, abs=0.25)


def test_a_pool_that_is_flat_over_a_day_says_so():
    flat = seen(6, 36, rhythm=Rhythm(amplitude=0.1))
    assert flat.amplitude == pytest.approx(0.1, abs=0.2)


def test_two_pools_say_more_than_one():
    first = FirstHours((60, 66), opened=9.0, cap=20, pools=2)
    one, two = (
        calibrated(pools, eligible=8_647, sigma=1.4, sessions=PHOTOS, rhythm=Rhythm())
        for pools in ([first], [first, first])
    )
    assert two.high / two.low < one.high / one.low
    assert (one.counted, two.counted) == (126, 252)


def test_nobody_in_two_hours_is_a_low_take_with_a_wide_interval():
    found = calibrated([FirstHours((0, 0), opened=9.0)], eligible=8_647, sigma=1.4, sessions=PHOTOS, rhythm=Rhythm())
    assert found.high < PHOTOS.take / 10


def test_a_pool_without_a_full_hour_is_refused():
    with pytest.raises(ValueError, match="no full hour"):
        calibrated([FirstHours((), opened=9.0)], eligible=100, sigma=1.4, sessions=PHOTOS, rhythm=Rhythm())
