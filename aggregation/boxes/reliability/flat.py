"""All answers to many images as flat arrays, flipped, clipped, sorted, with what may not count marked.

The same rules as `sheet.prepare` and `cleaning.clean`, for many images at once: boxes stand in the same order, so an
index within an image means the same box here and there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np

from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Box, BoxAnswer, ImageAnswers
from aggregation.core.arrays import Floats, Indices, Mask

_NUMBERS = tuple(attrgetter(name) for name in "xywh")
_LABEL, _ANNOTATOR, _FLAGS, _BOXES = map(attrgetter, ("label", "annotator", "flags", "boxes"))


@dataclass(frozen=True, slots=True)
class Flat:
    """N images, M answers sorted by image and annotator, B boxes sorted by answer and place."""

    images: tuple[str, ...]  # (N,)
    labels: tuple[str, ...]  # sorted
    frame: Floats  # (N, 2) inf where not given
    answers: tuple[BoxAnswer, ...]  # (M,)
    of: Indices  # (M,) the answer's image
    aside: Mask  # (M,) contradictory or void: no vote
    owner: Indices  # (B,) the box's answer
    corners: Floats  # (B, 4)
    label: Indices  # (B,)
    solid: Mask  # (B,) no dot, and of an answer that may count
    dot: Mask  # (B,)
    flipped: Mask  # (B,)
    clipped: Mask  # (B,)

    def answer_offsets(self) -> Indices:
        """Return where each image's answers begin, and the end, shape (N + 1,)."""
        return np.searchsorted(self.of, np.arange(len(self.images) + 1))


def flatten(images: Sequence[ImageAnswers], settings: BoxSettings) -> Flat:
    """Return the answers to the images as arrays, in the order of the images."""
    by_image = [sorted(image.annotations, key=_ANNOTATOR) for image in images]
    answers = tuple(chain.from_iterable(by_image))
    of = np.repeat(np.arange(len(images)), [len(own) for own in by_image])
    frame = np.array([(image.width or np.inf, image.height or np.inf) for image in images], float).reshape(-1, 2)
    by_answer = list(map(_BOXES, answers))
    boxes = list(chain.from_iterable(by_answer))
    owner = np.repeat(np.arange(len(answers)), list(map(len, by_answer)))
    labels, label = _named(boxes)
    drawn, flipped = _flip(np.stack([np.fromiter(map(number, boxes), float, len(boxes)) for number in _NUMBERS], 1))
    around = frame[of[owner]]
    corners = np.clip(drawn, np.tile(np.where(np.isfinite(around), 0.0, -np.inf), 2), np.tile(around, 2))
    order = _order(owner, corners, label)
    dot = _dots(corners, around, settings)
    aside = _aside(answers, owner, dot, settings)
    return Flat(
        images=tuple(image.image for image in images),
        labels=labels,
        frame=frame,
        answers=answers,
        of=of,
        aside=aside,
        owner=owner,
        corners=corners[order],
        label=label[order],
        solid=(~dot & ~aside[owner])[order],
        dot=dot[order],
        flipped=flipped[order],
        clipped=(corners != drawn).any(axis=1)[order],
    )


def _order(owner: Indices, corners: Floats, label: Indices) -> Indices:
    """Return the order of the boxes by answer, corners and label; most people draw from left to right as it is."""
    order = np.arange(len(owner))
    turned = (owner[1:] == owner[:-1]) & (corners[1:, 0] <= corners[:-1, 0])
    mixed = np.flatnonzero(np.isin(owner, owner[1:][turned]))
    order[mixed] = mixed[np.lexsort((label[mixed], *corners[mixed].T[::-1], owner[mixed]))]
    return order


def _named(boxes: Sequence[Box]) -> tuple[tuple[str, ...], Indices]:
    said = list(map(_LABEL, boxes))
    labels = tuple(sorted(set(said)))
    index = {name: number for number, name in enumerate(labels)}
    return labels, np.fromiter(map(index.__getitem__, said), np.intp, len(said))


def _flip(numbers: Floats) -> tuple[Floats, Mask]:
    start, end = numbers[:, :2], numbers[:, :2] + numbers[:, 2:]
    corners = np.concatenate([np.minimum(start, end), np.maximum(start, end)], axis=1)
    return corners, np.asarray((numbers[:, 2:] < 0).any(axis=1))


def _dots(corners: Floats, frame: Floats, settings: BoxSettings) -> Mask:
    share = settings.dot_share * frame.min(axis=1)
    sized = np.isfinite(frame).all(axis=1)
    least = np.where(sized, np.maximum(settings.dot_px, share), settings.dot_px)
    return np.asarray((corners[:, 2:] - corners[:, :2]).min(axis=1) < least)


def _aside(answers: Sequence[BoxAnswer], owner: Indices, dot: Mask, settings: BoxSettings) -> Mask:
    """Tell which answers say "nothing there" and draw boxes, or have nothing but dots."""
    count = np.bincount(owner, minlength=len(answers))
    void = (count > 0) & (np.bincount(owner[~dot], minlength=len(answers)) == 0)
    empty = set(settings.empty_flags)
    says_empty = np.fromiter((bool(flags) and not empty.isdisjoint(flags) for flags in map(_FLAGS, answers)), bool)
    return np.asarray(void | (says_empty & (count > 0)))
