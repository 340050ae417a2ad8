"""Scenario tests: intervals as published, and verdicts that say how many images more would decide."""

import pytest

from curation.datasets.scenarios import judged, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (45, 50, 0.7864, 0.9565),
        (90, 100, 0.8256, 0.9448),
        (180, 200, 0.8506, 0.9343),
        (360, 400, 0.8667, 0.9257),
        (900, 1000, 0.8798, 0.9171),
        (0, 10, 0, 0.2775),
        (10, 10, 0.7225, 1),
        (0, 0, 0, 1),
    ],
)
def test_interval_of_a_share(right, n, low, high):
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("right", "n", "threshold", "verdict", "more"),
    [
        (90, 100, 0.85, "undecided", 96),
        (90, 100, 0.80, "pass", None),
        (45, 50, 0.85, "undecided", 146),
        (80, 100, 0.85, "undecided", 96),
        (70, 100, 0.85, "fail", None),
        (85, 100, 0.85, "undecided", None),
        (0, 0, 0.85, "undecided", None),
    ],
)
def test_verdict_and_how_many_more_would_decide(right, n, threshold, verdict, more):
    found = judged(right, n, threshold=threshold)
    assert (found.verdict, found.more) == (verdict, more)
