"""The answers of many images as one stack of arrays, and which of them everybody agrees on beyond doubt.

An image is sure only where the general way has no choice: everybody drew equally many boxes, each object lies clear of
the others, no two boxes of an object are further apart than the grouping allows, and nobody slipped. B images, n
answers each, m boxes an answer; coordinates in pixels as x1, y1, x2, y2, the images in the last axis.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter

import numpy as np

from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import BoxAnswer, ImageAnswers
from aggregation.core.arrays import Floats, Indices, Mask
from aggregation.core.geometry import TOLERANCE

ROUNDING = 0.002  # pixels: further apart, rounding on output cannot change the order of two boxes
_LABEL = attrgetter("label")
_NUMBERS = tuple(attrgetter(name) for name in "xywh")


@dataclass(frozen=True, slots=True)
class Stack:
    """Answers of images of one shape, sorted by annotator, flipped and clipped."""

    corners: Floats  # (4, n, m, B)
    label: Indices  # (n, m, B) index into names
    names: tuple[str, ...]
    least_side: Floats  # (B,) a box with a shorter side is a dot
    changed: Mask  # (B,) some box was flipped or clipped


def stack(
    images: Sequence[ImageAnswers], answers: Sequence[Sequence[BoxAnswer]], boxes: int, settings: BoxSettings
) -> Stack:
    """Return the answers, sorted by annotator, to images that all have the same number of answers and boxes."""
    shape = (len(images), len(answers[0]), boxes)
    flat = [box for own in answers for answer in own for box in answer.boxes]
    x, y, w, h = (_upright(map(number, flat), shape) for number in _NUMBERS)
    said = list(map(_LABEL, flat))
    index = {name: float(place) for place, name in enumerate(sorted(set(said)))}
    frame = np.array([(image.width or np.inf, image.height or np.inf) for image in images]).T
    drawn = np.stack([np.minimum(x, x + w), np.minimum(y, y + h), np.maximum(x, x + w), np.maximum(y, y + h)])
    low = np.where(np.isfinite(frame), 0.0, -np.inf)
    corners = np.clip(drawn, np.tile(low, (2, 1))[:, None, None], np.tile(frame, (2, 1))[:, None, None])
    return Stack(
        corners=corners,
        label=_upright(map(index.__getitem__, said), shape).astype(np.intp),
        names=tuple(index),
        least_side=_least_side(frame, settings),
        changed=np.asarray((w < 0).any((0, 1)) | (h < 0).any((0, 1)) | (corners != drawn).any((0, 1, 2))),
    )


def _upright(values: Iterable[float], shape: tuple[int, int, int]) -> Floats:
    flat = np.fromiter(values, np.float64, count=int(np.prod(shape)))
    return np.ascontiguousarray(flat.reshape(shape).transpose(1, 2, 0))


def _least_side(frame: Floats, settings: BoxSettings) -> Floats:
    shorter = np.where(np.isfinite(frame), frame, 0.0).min(0)  # none, where a side is not given
    return np.asarray(np.maximum(settings.dot_px, settings.dot_share * shorter))


@dataclass(frozen=True, slots=True)
class Measured:
    """One group per object, in reading order, with one box of every answer."""

    sure: Mask  # (B,) the general way comes to the same
    corners: Floats  # (4, m, B) by the `combine` setting
    label: Indices  # (m, B) of the first answer
    lowest: Floats  # (B,) smallest IoU of two boxes of a group
    worst: Floats  # (B,) what the IoU rule looks at
    mean: Floats  # (m, B) mean IoU of the pairs of a group


def measure(answers: Stack, settings: BoxSettings) -> Measured:
    """Group the boxes by the first answer's and measure how close they lie."""
    home, matched = _homes(answers.corners)
    corners = np.take_along_axis(answers.corners, home[None], axis=2)
    label = np.take_along_axis(answers.label, home, axis=1)
    first, second = (list(side) for side in zip(*combinations(range(corners.shape[1]), 2), strict=True))
    pairs = np.sort(_iou(corners[:, first], corners[:, second]), axis=0)
    mean = _mean(pairs)
    lowest = pairs[0].min(0)
    worst = lowest if settings.iou_rule == "every_pair" else mean.min(0)
    middle = _combined(corners, settings)
    order = np.argsort(middle[0], axis=0)
    middle = np.take_along_axis(middle, order[None], axis=1)
    sure = (
        matched
        & (lowest >= settings.match_iou)
        & (worst >= settings.iou - TOLERANCE)
        & (label == label[:1]).all((0, 1))
        & ~_dots(answers)
        & _clear(corners, settings)
        & (np.diff(middle[0], axis=0) > ROUNDING).all(0)
    )
    return Measured(
        sure=np.asarray(sure),
        corners=middle,
        label=np.take_along_axis(label[0], order, axis=0),
        lowest=lowest,
        worst=worst,
        mean=np.take_along_axis(mean, order, axis=0),
    )


def _homes(corners: Floats) -> tuple[Indices, Mask]:
    """Return for each answer which of its boxes lies nearest to each box of the first, and whether all found their own.

    Shapes (n, m, B) and (B,).
    """
    _, people, boxes, images = corners.shape
    if boxes == 1:
        return np.zeros((people, 1, images), np.intp), np.ones(images, bool)
    scores = _iou(corners[:, :1, :, None], corners[:, :, None])
    home = np.asarray(scores.argmax(axis=2))
    everyone = np.arange(boxes)[:, None]
    return home, np.asarray((np.sort(home, axis=1) == everyone).all((0, 1)))


def _iou(a: Floats, b: Floats) -> Floats:
    """Return the IoU of boxes whose corners stand in the first axis; the arrays broadcast."""
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    inside = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union = _area(a) + _area(b) - inside
    return np.asarray(np.divide(inside, union, out=np.zeros_like(inside), where=union > 0))


def _area(boxes: Floats) -> Floats:
    return np.asarray((boxes[2] - boxes[0]) * (boxes[3] - boxes[1]))


def _mean(ordered: Floats) -> Floats:
    """Return the mean over the first axis as `geometry.mean` does: sorted, added one by one, kept in the range."""
    total = np.zeros(ordered.shape[1:])
    for values in ordered:
        total += values
    return np.asarray(np.minimum(np.maximum(total / len(ordered), ordered[0]), ordered[-1]))


def _combined(corners: Floats, settings: BoxSettings) -> Floats:
    ordered = np.sort(corners, axis=1)
    if settings.combine != "median":
        return _mean(ordered.swapaxes(0, 1))
    middle, odd = divmod(ordered.shape[1], 2)
    return np.asarray(ordered[:, middle] if odd else (ordered[:, middle - 1] + ordered[:, middle]) / 2)


def _dots(answers: Stack) -> Mask:
    x1, y1, x2, y2 = answers.corners
    return np.asarray((np.minimum(x2 - x1, y2 - y1) < answers.least_side).any((0, 1)))


def _clear(corners: Floats, settings: BoxSettings) -> Mask:
    """Tell where the groups' hulls lie apart and each group is tight enough for nobody's box to leave it.

    A median of some boxes of a group lies between what all of them share and their hull.
    """
    low, high = corners.min(1), corners.max(1)
    hull, shared = np.concatenate([low[:2], high[2:]]), np.concatenate([high[:2], low[2:]])
    boxes = hull.shape[1]
    if boxes == 1:
        return np.ones(hull.shape[2], bool)
    tight = (_area(shared) >= settings.match_iou * _area(hull)).all(0)
    first, second = (list(side) for side in zip(*combinations(range(boxes), 2), strict=True))
    return np.asarray(tight & (_iou(hull[:, first], hull[:, second]) == 0).all(0))
