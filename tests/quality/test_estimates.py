"""Shares, weighted rates, calibration, discoveries: against published and hand-made figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.services.quality_facts.estimates import (
    Prediction,
    calibration,
    chance_of_so_many,
    discoveries,
    jeffreys,
    needed_for,
    weighted,
)


def test_jeffreys_interval_of_published_examples():
    found = jeffreys(10, 20)
    assert (found.low, found.high) == pytest.approx((0.2933, 0.7067), abs=2e-4)
    none = jeffreys(0, 20)
    assert (none.low, none.high) == pytest.approx((0.0, 0.1165), abs=2e-4)


def test_no_hit_begins_at_nothing_and_no_miss_ends_at_all():
    assert jeffreys(0, 50).low == 0
    assert jeffreys(50, 50).high == 1
    assert jeffreys(0, 0).share is None
    assert (jeffreys(0, 0).low, jeffreys(0, 0).high) == (0, 1)


def test_more_hits_than_tries_is_no_share():
    with pytest.raises(ValueError, match="3 of 2 is no share"):
        jeffreys(3, 2)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_share_lies_within_its_interval(hits, misses):
    found = jeffreys(hits, hits + misses)
    assert 0 <= found.low <= (found.share if found.share is not None else 0.5) <= found.high <= 1


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
def test_the_interval_covers_the_true_rate_about_as_often_as_it_says(rate):
    rng = np.random.default_rng(5)
    counts = rng.binomial(120, rate, size=600)
    covered = np.mean([jeffreys(int(k), 120).low <= rate <= jeffreys(int(k), 120).high for k in counts])
    assert covered >= 0.92


def test_the_delivered_rate_covers_the_truth_when_only_a_sample_of_the_passed_is_judged():
    rng = np.random.default_rng(6)
    truth, covered = 0.9 * 0.04 + 0.1 * 0.3, 0
    for _ in range(400):
        sample, doubtful = jeffreys(int(rng.binomial(150, 0.04)), 150), jeffreys(int(rng.binomial(80, 0.3)), 80)
        found = weighted([(0.9, sample), (0.1, doubtful)])
        covered += found.low <= truth <= found.high
    assert covered / 400 >= 0.92


def test_what_was_seen_by_a_person_counts_as_free_of_errors():
    half = weighted([(0.5, jeffreys(10, 100))])
    assert half.share == pytest.approx(0.05)
    assert half.high == pytest.approx(jeffreys(10, 100).high / 2)


def test_a_rate_needs_a_figure_for_every_part_that_weighs():
    assert weighted([(0.9, jeffreys(0, 0)), (0.1, jeffreys(1, 2))]) is None
    assert weighted([(0.0, jeffreys(0, 0)), (1.0, jeffreys(1, 2))]).share == 0.5


def test_more_is_to_be_judged_for_a_narrower_interval():
    assert needed_for(0.02, jeffreys(5, 100)) > needed_for(0.05, jeffreys(5, 100))
    assert needed_for(0.5, jeffreys(5, 100)) == 0


def predicted(chance: float, right: int, wrong: int, weight: float = 1.0) -> list[Prediction]:
    return [Prediction(chance, n < right, weight) for n in range(right + wrong)]


def test_predictions_that_come_true_as_often_as_they_say_are_calibrated():
    found = calibration([*predicted(0.75, 75, 25), *predicted(0.25, 25, 75)])
    assert found.ece == pytest.approx(0)
    assert found.brier == pytest.approx(0.1875)
    assert found.constant == pytest.approx(0.25)
    assert [one.right.n for one in found.bins] == [100, 100]


def test_boasting_predictions_show_their_distance():
    found = calibration(predicted(1.0, 8, 2))
    assert found.ece == pytest.approx(0.2)
    assert calibration([]) is None


def test_an_image_of_a_small_sample_weighs_what_it_stands_for():
    found = calibration([*predicted(0.95, 9, 1, weight=50.0), *predicted(0.45, 0, 10)])
    assert found.ece == pytest.approx((500 * 0.05 + 10 * 0.45) / 510)
    assert found.n == 20


def test_discoveries_of_the_published_example():
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p_values += [0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert sum(discoveries(p_values, 0.05)) == 4
    assert discoveries([], 0.05) == []


def test_chance_of_so_many_is_the_upper_tail():
    assert chance_of_so_many(0, 10, 0.3) == 1
    assert chance_of_so_many(10, 10, 0.5) == pytest.approx(1 / 1024)
