"""Which parts of two pictures show one frame: the whole of both, or what is left of either without flat borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .hashes import Box, Turns, nearest_turn
from .pixels import inverse, turned
from .preview import Preview

Part = tuple[Turns, Box]
"""The hashes of a part of a preview, the upright one first, and the part."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of the new picture, the part of the earlier one whose hash is near, and the turn from that to this."""

    distance: int
    turn: str
    new: Box
    earlier: Box


def whole(preview: Preview) -> Box:
    return Box(0, 0, preview.width, preview.height)


def frames_of(new: Preview, earlier: Preview, new_parts: Sequence[Part], earlier_parts: Sequence[Part]) -> list[Frame]:
    """Return all pairs of parts, the nearest first.

    Where both are shown whole, flat borders of both are left out: they would make what differs look small.
    """
    found = []
    for turns, box in new_parts:
        for own_turns, own_box in earlier_parts:
            distance, turn = nearest_turn([turns], [own_turns[0]])
            both_whole = (box, own_box) == (whole(new), whole(earlier))
            boxes = _content(new, earlier, turn) if both_whole else (box, own_box)
            found.append(Frame(distance, turn, *boxes))
    return sorted(found, key=lambda one: one.distance)


def _content(new: Preview, earlier: Preview, turn: str) -> tuple[Box, Box]:
    """Return the smallest part that holds what either has inside its borders, as each of the two shows it."""
    if new.small_trim is None or earlier.small_trim is None:
        return whole(new), whole(earlier)
    other = _carried(earlier.trim, earlier, turn, new)
    own = Box(
        min(new.trim.left, other.left),
        min(new.trim.top, other.top),
        max(new.trim.right, other.right),
        max(new.trim.bottom, other.bottom),
    )
    return own, _carried(own, new, inverse(turn), earlier)


def _carried(box: Box, source: Preview, turn: str, target: Preview) -> Box:
    """Return the box where the turned picture shows it, in the other's pixels."""
    inside = np.zeros(source.grey.shape, np.uint8)
    inside[box.top : box.bottom, box.left : box.right] = 1
    shown = turned(inside, turn)
    rows, columns = np.nonzero(shown)
    down, across = target.height / shown.shape[0], target.width / shown.shape[1]
    return Box(
        left=round(int(columns.min()) * across),
        top=round(int(rows.min()) * down),
        right=round((int(columns.max()) + 1) * across),
        bottom=round((int(rows.max()) + 1) * down),
    )
