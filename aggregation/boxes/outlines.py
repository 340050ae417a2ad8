"""Outlines of agreed boxes: of several people's drawings the one that agrees most with the others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Box, BoxAnswer, Consensus, ConsensusBox, ImageAnswers, Outline, TraceStep
from aggregation.core.arrays import Floats
from aggregation.core.geometry import TOLERANCE, Corners, iou_of, mean

GRID = 128  # rows and columns that two outlines are compared on


def outline_iou(first: Outline, second: Outline) -> float:
    """Return the intersection over union of two outlines, counted on a grid over both of them (about 1 % off)."""
    corners = np.array([*first, *second], dtype=np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    a, b = _inside(first, low, high), _inside(second, low, high)
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 0.0


def _inside(outline: Outline, low: Floats, high: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which middles of the grid's cells lie inside, by the even-odd rule."""
    steps = (np.arange(GRID) + 0.5) / GRID
    x, y = (low[axis] + steps * (high[axis] - low[axis]) for axis in (0, 1))
    found = np.zeros((GRID, GRID), dtype=np.bool_)
    for (x1, y1), (x2, y2) in zip(outline, (*outline[1:], outline[0]), strict=True):
        if y1 == y2:
            continue
        rows = (y1 > y) != (y2 > y)
        crossing = x1 + (y[rows] - y1) * (x2 - x1) / (y2 - y1)
        found[rows] ^= x[None, :] < crossing[:, None]
    return found


def bounds(outline: Outline) -> Corners:
    """Return the corners of the smallest box around an outline."""
    xs, ys = zip(*outline, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def with_outlines(agreed: Consensus, image: ImageAnswers, settings: BoxSettings) -> Consensus:
    """Give each agreed box the outline that agrees most with the others of those who support it.

    The box becomes the one around that outline. An object whose outlines are further apart than the IoU asked for is
    not agreed: the image is dropped, and one more answer or a reviewer is asked for, as of boxes too far apart.
    """
    said = {answer.annotator: answer for answer in image.annotations}
    if not any(box.outline for answer in image.annotations for box in answer.boxes):
        return agreed
    boxes, steps, lowest = [], list[TraceStep](), 1.0
    for number, box in enumerate(agreed.boxes, start=1):
        drawn = [(name, found) for name in box.support if (found := _nearest(said[name], box)) is not None]
        if not drawn:
            boxes.append(box)
            continue
        (name, chosen), alike = _middle(drawn)
        lowest = min(lowest, alike)
        x1, y1, x2, y2 = bounds(chosen)
        boxes.append(replace(box, x=x1, y=y1, w=x2 - x1, h=y2 - y1, outline=chosen))
        steps.append(_told(number, name, len(drawn), alike, ok=alike >= settings.iou - TOLERANCE))
    if all(step.ok for step in steps):
        return replace(agreed, boxes=tuple(boxes), trace=(*agreed.trace, *steps), lowest_iou=_least(agreed, lowest))
    return _apart(agreed, image, steps, lowest, settings)


def _nearest(answer: BoxAnswer, box: ConsensusBox) -> Outline | None:
    """Return the outline of this person that lies most on the box; one with its label counts twice."""
    drawn = [(iou_of(_corners(one), box.corners) * (1 + (one.label == box.label)), one) for one in answer.boxes]
    best = max((one for one in drawn if one[1].outline), key=lambda one: one[0], default=None)
    return best[1].outline if best and best[0] > 0 else None


def _corners(box: Box) -> Corners:
    return box.x, box.y, box.x + box.w, box.y + box.h


def _middle(drawn: Sequence[tuple[str, Outline]]) -> tuple[tuple[str, Outline], float]:
    """Return the drawing with the largest mean IoU with the others, and that mean; alone it is right by itself."""
    if len(drawn) == 1:
        return drawn[0], 1.0
    outlines = [outline for _, outline in drawn]
    table = {(i, j): outline_iou(outlines[i], outlines[j]) for i in range(len(drawn)) for j in range(i)}
    means = [mean([table[max(i, j), min(i, j)] for j in range(len(drawn)) if j != i]) for i in range(len(drawn))]
    best = max(range(len(drawn)), key=lambda i: (means[i], -i))
    return drawn[best], means[best]


def _told(number: int, name: str, people: int, alike: float, *, ok: bool) -> TraceStep:
    if people == 1:
        words = f"Outline {number}: {name} alone drew it."
    else:
        words = f"Outline {number}: of {people} the one by {name} agrees most with the others, mean IoU {alike:.2f}."
    return TraceStep("outline", ok, words, {"annotator": name, "mean_iou": alike})


def _least(agreed: Consensus, lowest: float) -> float | None:
    return None if agreed.lowest_iou is None else min(agreed.lowest_iou, lowest)


def _apart(
    agreed: Consensus, image: ImageAnswers, steps: Sequence[TraceStep], lowest: float, settings: BoxSettings
) -> Consensus:
    last = TraceStep("drop.iou", ok=False, text=f"Outlines are further apart than IoU {settings.iou:g}: left out.")
    return replace(
        agreed,
        status="drop",
        boxes=(),
        used=(),
        dropped=tuple(answer.annotator for answer in image.annotations),
        trace=(*agreed.trace, *steps, last),
        next="buy" if len(image.annotations) < settings.max_answers else "review",
        confidence=0.0,
        expected_loss=None,
        lowest_iou=lowest,
        flags=(),
    )
