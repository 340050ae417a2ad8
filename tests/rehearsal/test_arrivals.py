"""When people come: hours, days, prices and competition."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from crowd.rehearsal.arrivals import Coming, Rhythm, after, competing, elapsed, take_by_price

MONDAY_NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_day_has_its_peak_in_the_afternoon_and_its_low_in_the_night():
    usual = Rhythm()
    assert usual.pace(15) == pytest.approx(1.6)
    assert usual.pace(27) == pytest.approx(0.4)
    assert usual.pace(9) == pytest.approx(1.0)


@pytest.mark.parametrize("weekend", [1.0, 0.5, 1.8])
def test_a_week_has_mean_one_whatever_its_weekend_is_like(weekend):
    week = elapsed(Rhythm(weekend=weekend), opens=0, horizon=168)
    assert week.passed[-1] == pytest.approx(168, rel=1e-9)
    assert Rhythm(weekend=weekend).pace(121) == pytest.approx(weekend * Rhythm(weekend=weekend).pace(1))


def test_noise_of_hours_is_the_seeds_own_and_no_hour_is_cut():
    noisy = Rhythm(hourly_noise=0.25)
    one, again, other = (elapsed(noisy, opens=9, horizon=48, seed=seed) for seed in (1, 1, 2))
    assert (one.passed == again.passed).all()
    assert not np.allclose(one.passed[1:], other.passed[1:])
    quarters = np.diff(one.passed).reshape(48, 4) / np.diff(elapsed(Rhythm(), opens=9, horizon=48).passed).reshape(
        48, 4
    )
    assert np.allclose(quarters, quarters[:, :1])


def test_the_take_is_one_at_the_reference_price_and_follows_the_published_curve():
    assert take_by_price(0.03, reference_usd=0.03) == 1
    assert take_by_price(0.04, reference_usd=0.01) == pytest.approx(0.000963 / 0.000789, rel=2e-3)
    assert take_by_price(0.10, reference_usd=0.01) == pytest.approx(0.001436 / 0.000789, rel=2e-3)


def test_nine_pools_leave_each_a_third_of_its_takers():
    assert competing(9) == pytest.approx(1 / 3)
    assert competing(0) == competing(1) == 1


def test_who_is_owed_one_wait_comes_sooner_in_the_afternoon_than_at_night():
    def waits(start):
        return (after(start, owed=1, an_hour=1, rhythm=Rhythm()) - start).total_seconds() / 3600

    assert waits(MONDAY_NINE + timedelta(hours=5)) < 0.8
    assert waits(MONDAY_NINE + timedelta(hours=17)) > 2


def test_waits_after_each_other_take_as_long_as_the_table_says():
    owed = [0.3, 40.0, 7.5, 120.0, 0.01]
    now = MONDAY_NINE
    for part in owed:
        now = after(now, owed=part, an_hour=2, rhythm=Rhythm())
    table = elapsed(Rhythm(), opens=9, horizon=120)
    expected = float(table.reached(np.array(sum(owed) / 2)))
    assert (now - MONDAY_NINE).total_seconds() / 3600 == pytest.approx(expected, abs=0.01)


def test_how_a_crowd_comes_is_read_from_a_json_column():
    read = Coming.from_json({"eligible": 500, "photos": {"take": 0.3}, "rhythm": {"peak_hour": 18}})
    assert (read.eligible, read.photos.take, read.photos.a_day, read.rhythm.peak_hour) == (500, 0.3, 2.0, 18)
    assert Coming.from_json({}) == Coming()
    with pytest.raises(ValueError, match="no part 'mood'"):
        Coming.from_json({"mood": 1})
