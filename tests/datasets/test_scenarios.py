"""Scenario tests: intervals as published, and verdicts that say how many images more would decide."""

import pytest

from curation.datasets.matching import LabelledBox, counted, matched_boxes, matched_label
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


def box(label: str, x: float, confidence: float = 1.0) -> LabelledBox:
    return LabelledBox(label, x, 0, 10, 10, confidence)


def test_a_true_box_is_found_once_by_the_surest_and_what_is_unsure_was_not_said():
    said = [box("cat", 1, 0.7), box("cat", 0, 0.9), box("dog", 40, 0.95), box("cat", 60, 0.2)]
    found = matched_boxes([box("cat", 0), box("cat", 60)], said, iou=0.5, confidence=0.5)
    assert (found.hits, found.alarms, found.misses, found.right_images) == (1, 2, 1, 0)
    assert [counted(metric, found) for metric in ("precision", "recall", "f1", "accuracy")] == [
        (1, 3),
        (1, 2),
        (1, 2.5),
        (0, 1),
    ]


def test_an_empty_image_is_right_when_nothing_is_said():
    assert matched_boxes([], [box("cat", 0, 0.3)], iou=0.5, confidence=0.5).right_images == 1
    assert matched_label("", "").right_images == 1
    wrong = matched_label("cat", "dog")
    assert (wrong.hits, wrong.alarms, wrong.misses) == (0, 1, 1)
