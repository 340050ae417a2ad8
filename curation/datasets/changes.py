"""What became of the boxes of one picture between two versions. Pure: boxes are shares of the picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FrozenBox = Mapping[str, Any]
SAME = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Match:
    """A box before, the box it became, and how much of both they share; None = it was not there, or is gone."""

    before: int | None
    after: int | None
    iou: float
    relabelled: bool = False

    @property
    def moved(self) -> bool:
        return self.before is not None and self.after is not None and self.iou < SAME


def overlap(one: FrozenBox, other: FrozenBox) -> float:
    """Return intersection over union."""
    width = min(one["x"] + one["w"], other["x"] + other["w"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["h"], other["y"] + other["h"]) - max(one["y"], other["y"])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return float(shared / (one["w"] * one["h"] + other["w"] * other["h"] - shared))


def matches(before: Sequence[FrozenBox], after: Sequence[FrozenBox]) -> list[Match]:
    """Pair the boxes that share most, one to one, boxes of one class first where they share as much."""
    if len(before) == len(after) == 1:
        pairs = [(overlap(before[0], after[0]), 0, 0)]
    else:
        pairs = [(overlap(one, other), i, j) for i, one in enumerate(before) for j, other in enumerate(after)]
        pairs.sort(key=lambda pair: (-pair[0], before[pair[1]]["label"] != after[pair[2]]["label"], pair[1], pair[2]))
    gone, new, found = set(range(len(before))), set(range(len(after))), []
    for iou, i, j in pairs:
        if iou > 0 and i in gone and j in new:
            gone.remove(i)
            new.remove(j)
            found.append(Match(i, j, iou, before[i]["label"] != after[j]["label"]))
    found.sort(key=lambda match: match.before or 0)
    return [*found, *(Match(i, None, 0.0) for i in sorted(gone)), *(Match(None, j, 0.0) for j in sorted(new))]


def image_iou(found: Sequence[Match]) -> float:
    """Return the mean over all boxes of both sides; one without a partner counts 0, no boxes at all count 1."""
    return sum(match.iou for match in found) / len(found) if found else 1.0
