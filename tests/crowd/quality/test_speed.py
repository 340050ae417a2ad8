"""Too fast: a robust cut on log time, and only three such pages of ten count."""

import numpy as np
import pytest
from scipy.stats import binom

from crowd.quality.speed import robust_cut, speed_cut, too_fast

VECTOR = [6, 7, 8, 8, 9, 9, 10, 11, 12, 1.5]


def test_the_cut_of_ten_times():
    assert np.exp(np.median(np.log(VECTOR))) == pytest.approx(8.4853, abs=5e-5)
    assert robust_cut(VECTOR) == pytest.approx(4.3812, abs=5e-5)


def test_the_cut_does_not_depend_on_order_or_on_how_fast_the_fast_are():
    assert robust_cut(sorted(VECTOR)) == robust_cut(VECTOR)
    assert robust_cut([*VECTOR[:-1], 0]) == robust_cut(VECTOR)


def test_the_cut_scales_with_the_work():
    assert robust_cut([10 * t for t in VECTOR]) == pytest.approx(10 * robust_cut(VECTOR))


def crowd(honest: int, clickers: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.lognormal(np.log(9), 0.5, honest), rng.lognormal(np.log(1.5), 0.3, clickers)


def test_clickers_fall_under_the_cut_and_honest_people_do_not():
    honest, clickers = crowd(90_000, 10_000)
    cut = robust_cut([*honest, *clickers])
    assert cut == pytest.approx(2.006, abs=0.03), "2.006 s is the cut of the mixture itself"
    assert np.mean(honest < cut) == pytest.approx(0.0013, abs=0.0005)
    assert np.mean(clickers < cut) == pytest.approx(0.83, abs=0.02)


def test_three_of_ten_spare_the_honest_and_catch_the_clicker():
    assert binom.sf(2, 10, 0.001) == pytest.approx(1e-7, abs=3e-8)
    assert binom.sf(2, 10, 0.83) == pytest.approx(0.99997, abs=1e-5)


def test_a_small_pool_keeps_its_fixed_seconds():
    assert speed_cut(VECTOR * 4, fixed=1.0) == 1.0
    assert speed_cut(VECTOR * 5, fixed=1.0) == pytest.approx(4.3812, abs=5e-5)


def test_equal_times_say_nothing_about_spread():
    """With more than half the times equal every faster answer would be under the cut."""
    assert robust_cut([5.0] * 51 + [4.9] * 49) is None
    assert speed_cut([5.0] * 100, fixed=1.5) == 1.5


def test_a_time_of_nothing_is_a_rounding_and_no_error():
    with np.errstate(all="raise"):
        assert robust_cut([0, 5, 6, 7, 8]) == pytest.approx(robust_cut([0.001, 5, 6, 7, 8]))


@pytest.mark.parametrize("times", [[], [5, -1], [5, float("inf")], [5, float("nan")]])
def test_times_that_cannot_be_are_refused(times):
    with pytest.raises(ValueError, match="seconds of 0 or more"):
        robust_cut(times)


def test_three_fast_pages_of_the_last_ten_are_too_many():
    verdict = too_fast([9.0] * 5 + [1.0, 9.0] * 4, cut=1.9812)
    assert verdict.applies
    assert verdict.sentence == "4 of the last 10 pages were faster than 1.98 s a task"


def test_two_fast_pages_are_not():
    verdict = too_fast([1.0, 1.0, 9.0], cut=1.98)
    assert not verdict.applies
    assert verdict.sentence == "2 of the last 3 pages were faster than 1.98 s a task"


def test_what_was_fast_long_ago_is_forgiven():
    assert not too_fast([1.0] * 8 + [9.0] * 8, cut=1.98).applies
    assert too_fast([1.0] * 8 + [9.0] * 7, cut=1.98).applies


def test_a_page_at_the_cut_is_not_faster_than_it():
    assert not too_fast([2.0] * 10, cut=2.0).applies
    assert too_fast([9.0] * 9 + [1.0], cut=2.0).sentence == "1 of the last 10 pages was faster than 2 s a task"
