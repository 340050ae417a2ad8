"""Rectangles: overlap, matching, middles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation.core.geometry import best_matching, iou_matrix, iou_of, mean_box, median_box
from aggregation.core.sums import Mean

corners = st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(0, 50)] * 2).map(
    lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3])
)


@given(st.lists(corners, min_size=1, max_size=5), st.lists(corners, min_size=1, max_size=5))
def test_overlap_is_symmetric_within_bounds_and_the_same_one_by_one(first, second):
    table = iou_matrix(first, second)
    assert table.shape == (len(first), len(second))
    assert np.array_equal(table, iou_matrix(second, first).T)
    assert ((table >= 0) & (table <= 1)).all()
    assert table.tolist() == [[iou_of(a, b) for b in second] for a in first]


def test_two_squares_that_share_a_third():
    assert iou_of((0, 0, 2, 1), (1, 0, 3, 1)) == pytest.approx(1 / 3)


def test_boxes_without_area_or_only_touching_do_not_overlap():
    assert iou_of((1, 1, 1, 1), (1, 1, 1, 1)) == 0
    assert iou_of((0, 0, 1, 1), (1, 0, 2, 1)) == 0


def test_matching_takes_the_largest_sum_and_not_the_largest_pair():
    assert best_matching([[0.9, 0.8], [0.8, 0.0]]) == [(0, 1), (1, 0)]


def test_pairs_that_score_nothing_stay_apart():
    assert best_matching([[0.0, 0.4], [0.0, 0.0]]) == [(0, 1)]
    assert best_matching([]) == []


@given(st.lists(corners, min_size=1, max_size=7))
def test_the_middle_lies_between_the_least_and_the_largest(boxes):
    for middle in (median_box(boxes), mean_box(boxes)):
        for value, column in zip(middle, zip(*boxes, strict=True), strict=True):
            assert min(column) <= value <= max(column)


@given(st.permutations([0.1, 0.2, 0.3, 1e-7, 0.7]))
def test_a_running_mean_does_not_depend_on_the_order(values):
    running = Mean()
    for value in values:
        running.add(value)
    assert running.value == pytest.approx(0.26000002)
    assert running.total == 1300000100000
