"""How probably a result is right."""

import pytest

from aggregation import BoxSettings, aggregate_boxes
from aggregation.boxes.confidence import box_confidence, box_confidence_75, image_confidence, label_confidence
from tests.aggregation.drawing import A, B, crowd, moved, seen


def test_three_who_agree_and_nobody_who_missed_it():
    assert box_confidence(3, 0) == pytest.approx(0.995)
    assert box_confidence(1, 0) == pytest.approx(0.9569, abs=1e-4)
    assert box_confidence(2, 1) == pytest.approx(0.9089, abs=1e-4)
    assert box_confidence(1, 6) == 0.01


def test_closer_boxes_are_placed_better():
    assert box_confidence_75(3, 0, 0.9) == pytest.approx(0.9569, abs=1e-3)
    assert box_confidence_75(3, 0, 0.6) < box_confidence_75(3, 0, 0.8)
    assert box_confidence_75(1, 0, None) == box_confidence_75(1, 0, 0.6)


def test_a_label_is_doubted_by_rivals_and_by_labels_nobody_named():
    assert label_confidence({"x": 1}, "x", 2) == pytest.approx(0.9)
    assert label_confidence({"x": 2, "y": 1}, "x", 2) == pytest.approx(0.9)
    assert label_confidence({"x": 1, "y": 1}, "x", 2) == pytest.approx(0.5)
    assert label_confidence({"x": 1}, "x", 9) == pytest.approx(0.9)


def test_an_image_is_right_when_all_boxes_are_and_nothing_was_wrongly_removed():
    assert image_confidence([], []) == 0.98
    assert image_confidence([0.9, 0.8], []) == pytest.approx(0.72)
    assert image_confidence([0.9], [(1, 2)]) == pytest.approx(0.9 * (1 - 0.1978), abs=1e-3)


def test_a_removed_box_makes_the_whole_image_less_certain():
    clear = aggregate_boxes(seen(*crowd(4, A)))
    doubted = aggregate_boxes(seen(*crowd(3, A), [A, B]))
    assert doubted.confidence < clear.confidence
    assert doubted.boxes[0].confidence == clear.boxes[0].confidence


def test_an_image_that_stays_out_is_not_right():
    assert aggregate_boxes(seen([A], [moved(A, 40)], [A])).confidence == 0


def test_numbers_are_rounded_on_output_only():
    result = aggregate_boxes(seen([A], [moved(A, 1 / 3)], [moved(A, 1 / 3)]), BoxSettings(combine="mean"))
    assert result.boxes[0].x != 100.222
    assert result.to_json()["boxes"][0]["x"] == 100.222
    assert result.to_json()["boxes"][0]["confidence"] == round(result.boxes[0].confidence, 4)
