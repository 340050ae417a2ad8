"""Average linkage of many images at once: the rule of `groups.group_boxes`, all images of one size in lockstep."""

from dataclasses import dataclass

import numpy as np

from aggregation.core.arrays import Floats, Indices, Mask
from aggregation.core.geometry import TOLERANCE


@dataclass(frozen=True, slots=True)
class Pile:
    """n images with m boxes each."""

    corners: Floats  # (n, m, 4)
    owner: Indices  # (n, m)
    label: Indices  # (n, m)

    def overlaps(self) -> Floats:
        """Return the IoU of every two boxes of an image, shape (n, m, m)."""
        return iou(self.corners[:, :, None], self.corners[:, None])


def iou(a: Floats, b: Floats) -> Floats:
    """Return the IoU of boxes in the last axis of two arrays that broadcast; 0 where the union has no area."""
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    inside = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union = _area(a) + _area(b) - inside
    return np.asarray(np.divide(inside, union, out=np.zeros_like(inside), where=union > 0))


def _area(boxes: Floats) -> Floats:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def link(pile: Pile, overlaps: Floats, least: float, bonus: float) -> Indices:
    """Return for each box the first box of its cluster, shape (n, m).

    Merges, image by image, the two clusters without a common owner that have the largest mean of IoU + bonus for
    equal labels, as long as their mean IoU is at least `least`; ties go to the smallest indices.
    """
    first, clear = _clear(pile, overlaps, least - TOLERANCE)
    open_rows = np.flatnonzero(~clear)
    first[open_rows] = np.arange(pile.owner.shape[1])
    rest = Pile(pile.corners[open_rows], pile.owner[open_rows], pile.label[open_rows])
    state = _Clusters.of(rest, overlaps[open_rows], bonus)
    while len(open_rows):
        a, b, found = state.best(least - TOLERANCE)
        if not found.all():
            state, open_rows, a, b = state.only(found), open_rows[found], a[found], b[found]
        state.merge(a, b)
        own = first[open_rows]
        first[open_rows] = np.where(own == b[:, None], a[:, None], own)
    return first


def _clear(pile: Pile, overlaps: Floats, least: float) -> tuple[Indices, Mask]:
    """Return the first box near each box, (n, m), and the images where that is all there is to decide, (n,).

    There every box is near all boxes of its group, all of different owners, and touches no other box.
    """
    size = pile.owner.shape[1]
    near = (overlaps >= least) | np.eye(size, dtype=bool)
    first = near.argmax(axis=2)
    together = first[:, :, None] == first[:, None]
    alike = (pile.owner[:, :, None] == pile.owner[:, None]) & ~np.eye(size, dtype=bool)
    doubtful = (near != together) | ((overlaps > 0) & ~together) | (alike & together)
    return first, ~doubtful.any(axis=(1, 2))


@dataclass(slots=True)
class _Clusters:
    """Sums over the pairs of boxes of every two clusters; a cluster goes by its first box."""

    plain: Floats  # (n, m, m) sum of IoU
    scored: Floats  # (n, m, m) sum of IoU + bonus over pairs that overlap
    apart: Mask  # (n, m, m) no common owner, both alive, row before column
    boxes: Floats  # (n, m)

    @classmethod
    def of(cls, pile: Pile, overlaps: Floats, bonus: float) -> "_Clusters":
        size = pile.owner.shape[1]
        apart = pile.owner[:, :, None] != pile.owner[:, None]
        plain = np.where(apart, overlaps, 0.0)
        equal = pile.label[:, :, None] == pile.label[:, None]
        scored = np.where(plain > 0, plain + np.where(equal, bonus, 0.0), 0.0)
        return cls(plain, scored, apart, np.ones((len(apart), size)))

    def only(self, rows: Mask) -> "_Clusters":
        return _Clusters(self.plain[rows], self.scored[rows], self.apart[rows], self.boxes[rows])

    def best(self, least: float) -> tuple[Indices, Indices, Mask]:
        """Return the best pair of every image and whether it has one."""
        count, size = self.boxes.shape
        pairs = self.boxes[:, :, None] * self.boxes[:, None]
        upper = np.triu(np.ones((size, size), bool), 1)
        may = self.apart & upper & (self.plain > 0) & (self.plain / pairs >= least)
        score = np.where(may, self.scored / pairs, -1.0).reshape(count, -1)
        top = score.max(axis=1)
        place = (score >= top[:, None] - TOLERANCE).argmax(axis=1)
        return place // size, place % size, np.asarray(top >= 0)

    def merge(self, a: Indices, b: Indices) -> None:
        """Put cluster b of every image into its cluster a."""
        rows = np.arange(len(a))
        for sums in (self.plain, self.scored):
            together = sums[rows, a] + sums[rows, b]
            sums[rows, a], sums[rows, :, a] = together, together
        free = self.apart[rows, a] & self.apart[rows, b]
        self.apart[rows, a], self.apart[rows, :, a] = free, free
        self.apart[rows, b], self.apart[rows, :, b] = False, False
        self.boxes[rows, a] += self.boxes[rows, b]
