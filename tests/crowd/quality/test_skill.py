"""Skill: a posterior, its lower bound for gates, its decay, and the whole number that platforms take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from crowd.quality.skill import USUAL_PRIOR, Prior, decayed, estimate, platform_value, pool_prior


@pytest.mark.parametrize(
    ("ok", "n", "mean", "lower"),
    [
        (4, 5, 0.8000, 0.6146),
        (9, 10, 0.8500, 0.7042),
        (10, 10, 0.9000, 0.7736),
        (18, 20, 0.8667, 0.7539),
        (45, 50, 0.8833, 0.8091),
        (90, 100, 0.8909, 0.8385),
        (5, 10, 0.6500, 0.4700),
        (0, 5, 0.5333, 0.3250),
    ],
)
def test_the_mean_and_the_lower_bound_of_a_skill(ok, n, mean, lower):
    found = estimate(ok, n)
    assert (found.mean, found.lower) == pytest.approx((mean, lower), abs=5.1e-5)


@given(st.floats(0, 500), st.floats(0, 500))
def test_the_lower_bound_is_the_five_percent_point_of_the_posterior(ok: float, wrong: float):
    found = estimate(ok, ok + wrong)
    assert found.lower == pytest.approx(beta.ppf(0.05, 8 + ok, 2 + (ok + wrong) - ok), rel=1e-6)
    assert 0 < found.lower < found.mean < 1


def test_a_newcomer_is_believed_to_be_right_in_eight_of_ten():
    assert estimate(0, 0).mean == 0.8


def test_a_pool_has_a_prior_of_its_own_once_two_hundred_workers_are_known():
    assert pool_prior(0.6, workers=199) == USUAL_PRIOR
    found = pool_prior(0.6, workers=200)
    assert (found.right, found.wrong) == pytest.approx((6, 4))


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_a_pool_of_the_perfect_does_not_make_a_newcomer_certain(mean):
    found = estimate(0, 0, pool_prior(mean, workers=200))
    assert 0 < found.lower < found.mean < 1


def test_half_of_what_was_shown_is_forgotten_after_sixty_nine_days():
    assert decayed(100, 0) == 100
    assert decayed(100, 1) == pytest.approx(99)
    assert decayed(100, 69) == pytest.approx(50, abs=0.05)
    assert decayed(decayed(80, 3), 4) == pytest.approx(decayed(80, 7))


def test_a_clock_that_went_back_makes_nobody_better():
    assert decayed(100, -5) == 100


def test_old_skill_falls_back_to_the_belief_in_a_newcomer():
    assert estimate(decayed(90, 2000), decayed(100, 2000)).mean == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize(("ok", "n"), [(-1, 5), (6, 5), (0, -1), (float("nan"), 5)])
def test_counts_that_cannot_be_are_refused(ok, n):
    with pytest.raises(ValueError, match="cannot be"):
        estimate(ok, n, Prior())


@pytest.mark.parametrize("hundredths", range(101))
def test_a_platform_gets_every_whole_percent_as_it_is(hundredths):
    assert platform_value(hundredths / 100) == hundredths


@pytest.mark.parametrize(("share", "value"), [(0.7042, 70), (0.699, 69), (0.9999, 99), (0.0099, 0)])
def test_a_platform_gets_a_skill_rounded_down(share, value):
    assert platform_value(share) == value


@pytest.mark.parametrize("share", [-0.01, 1.01, 70, float("nan")])
def test_a_skill_is_sent_as_a_share_or_not_at_all(share):
    with pytest.raises(ValueError, match="is no share between 0 and 1"):
        platform_value(share)
