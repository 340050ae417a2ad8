"""Which predicted boxes are right: hits, false alarms and misses of an image. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box in any unit that both sides share; `confidence` of what is true is 1."""

    label: str
    x: float
    y: float
    w: float
    h: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found of what is there, and what was said that is not. One image adds one; many are summed."""

    hits: int = 0
    alarms: int = 0
    misses: int = 0
    images: int = 0
    right_images: int = 0

    def __add__(self, other: "Hits") -> "Hits":
        return Hits(
            self.hits + other.hits,
            self.alarms + other.alarms,
            self.misses + other.misses,
            self.images + other.images,
            self.right_images + other.right_images,
        )

    @property
    def is_right(self) -> bool:
        return self.alarms == 0 and self.misses == 0


def counted(metric: str, found: Hits) -> tuple[float, float]:
    """Return how much is right, of how much: `precision`, `recall`, `f1` or `accuracy` (whole images)."""
    if metric == "precision":
        return found.hits, found.hits + found.alarms
    if metric == "recall":
        return found.hits, found.hits + found.misses
    if metric == "f1":
        return found.hits, found.hits + (found.alarms + found.misses) / 2
    return found.right_images, found.images


def matched_boxes(truth: Sequence[LabelledBox], said: Iterable[LabelledBox], *, iou: float, confidence: float) -> Hits:
    """Match boxes of one image, the surest first, each with the free true box of its label that it covers best."""
    free = list(truth)
    alarms = 0
    for box in sorted((one for one in said if one.confidence >= confidence), key=lambda one: -one.confidence):
        best = max((one for one in free if one.label == box.label), key=lambda one: overlap(one, box), default=None)
        if best is None or overlap(best, box) < iou:
            alarms += 1
        else:
            free.remove(best)
    right = alarms == 0 and not free
    return Hits(len(truth) - len(free), alarms, len(free), 1, int(right))


def matched_label(truth: str, said: str) -> Hits:
    """Compare the class of one image; '' = none, or said too unsurely to count."""
    right = truth == said
    hit = int(right and bool(truth))
    return Hits(hit, int(bool(said)) - hit, int(bool(truth)) - hit, 1, int(right))


def overlap(one: LabelledBox, other: LabelledBox) -> float:
    """Return the intersection over the union."""
    wide = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    high = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    return both / (one.w * one.h + other.w * other.h - both)
