"""Rectangles as corners (x1, y1, x2, y2) in pixels, origin top left."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from aggregation.core.arrays import Floats

Corners = tuple[float, float, float, float]

TOLERANCE = 1e-9  # shares and IoUs that are equal on paper must be equal here: 3 of 5 is 0.6


def iou_matrix(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the intersection over union of every pair of boxes.

    Shapes (n, 4) and (m, 4) give (n, m), float64 in [0, 1]. Corners must be ordered (x1 <= x2, y1 <= y2).
    A pair whose union has no area scores 0.
    """
    a = np.asarray(first, dtype=np.float64).reshape(-1, 1, 4)
    b = np.asarray(second, dtype=np.float64).reshape(1, -1, 4)
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    inside = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union = _areas(a) + _areas(b) - inside
    return np.asarray(np.divide(inside, union, out=np.zeros_like(inside), where=union > 0))


def _areas(boxes: Floats) -> Floats:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def iou_of(a: Corners, b: Corners) -> float:
    """Return the IoU of two boxes: the same number as `iou_matrix`, without the cost of arrays for a single pair."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside
    return inside / union if union > 0 else 0.0


def best_matching(scores: ArrayLike) -> list[tuple[int, int]]:
    """Return the one-to-one pairs with the largest sum of scores, leaving out pairs that score nothing.

    `scores` has shape (n, m) and no negative entry. Method: `scipy.optimize.linear_sum_assignment`.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.size == 0:
        return []
    rows, columns = linear_sum_assignment(table, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if table[i, j] > 0]


def median(values: Sequence[float]) -> float:
    """Return the median; the mean of the middle two when the count is even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mean(values: Sequence[float]) -> float:
    """Return the mean, added one by one in sorted order so that the order of the values cannot show in the last bit.

    Kept between the least and the largest value: rounding may otherwise step outside by one bit.
    """
    ordered = sorted(values)
    total = 0.0
    for value in ordered:  # not `sum`, which compensates from Python 3.12 on and would change the last bit
        total += value
    return min(max(total / len(ordered), ordered[0]), ordered[-1])


def median_box(boxes: Sequence[Corners]) -> Corners:
    """Return the median of each corner coordinate."""
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return median(x1), median(y1), median(x2), median(y2)


def mean_box(boxes: Sequence[Corners]) -> Corners:
    """Return the mean of each corner coordinate."""
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return mean(x1), mean(y1), mean(x2), mean(y2)
