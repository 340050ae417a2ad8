"""What kind of object a group may be: how large, and how it lies to the other groups of its image.

Both are known before anybody's skill is. Small objects are overlooked by everybody, and so are objects inside the
box of another (somebody behind somebody); a group that overlaps another only in part is most often a second
opinion on the same object.
"""

from dataclasses import dataclass

import numpy as np

from aggregation.boxes.reliability.table import Table, pairs_within
from aggregation.boxes.reliability.tabulate import medians
from aggregation.core.arrays import Floats, Indices

SIZES, LIES = 3, 3  # terciles of the square root of the area; free, overlapping, inside
CELLS = SIZES * LIES
APART, INSIDE = 0.05, 0.7  # share of the group's box inside another group's box


@dataclass(frozen=True, slots=True)
class Cells:
    """The cell of every group, (G,), and the sizes in pixels that part small, middle and large."""

    cell: Indices
    edges: tuple[float, ...]


def cells_of(table: Table, edges: tuple[float, ...] | None = None) -> Cells:
    """Return the cells of all groups; without `edges` they are the terciles of what most annotators drew."""
    typical = np.where(table.known[:, None] & ~np.isnan(table.truth), table.truth, medians(table.corners, table.drawn))
    side = np.sqrt(np.maximum(_areas(typical), 0.0))
    if edges is None:
        edges = _terciles(side[2 * table.drawn.sum(axis=1) > (table.by >= 0).sum(axis=1)])
    size = np.searchsorted(np.array(edges), side, side="right") if edges else np.zeros(len(side), np.intp)
    share = _share_inside_another(table, typical)
    lies = (share > APART).astype(np.intp) + (share > INSIDE)
    return Cells(np.asarray(size * LIES + lies, np.intp), edges)


def _terciles(sides: Floats) -> tuple[float, ...]:
    if len(sides) == 0:
        return ()
    ordered = np.sort(sides)
    return tuple(float(ordered[len(ordered) * part // SIZES]) for part in range(1, SIZES))


def _areas(boxes: Floats) -> Floats:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _share_inside_another(table: Table, boxes: Floats) -> Floats:
    """Return the largest share of each group's box that lies in another group's box of the image, (G,)."""
    most = np.zeros(len(boxes))
    near, mine, same = pairs_within(table, np.arange(len(boxes)))
    near, mine = near[~same], mine[~same]
    width = np.minimum(boxes[mine, 2], boxes[near, 2]) - np.maximum(boxes[mine, 0], boxes[near, 0])
    height = np.minimum(boxes[mine, 3], boxes[near, 3]) - np.maximum(boxes[mine, 1], boxes[near, 1])
    inside = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    np.maximum.at(most, mine, inside / np.maximum(_areas(boxes), 1e-9)[mine])
    return most
