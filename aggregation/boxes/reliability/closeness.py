"""How close the boxes of each group lie, for the six questions and the output."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from aggregation.boxes.reliability.linkage import iou
from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.boxes.settings import BoxSettings


@dataclass(frozen=True, slots=True)
class Closeness:
    """Of every group, as lists: smallest pair, what the IoU rule looks at, boxes, and whether labels differ."""

    lowest: list[float | None]
    asked: list[float | None]
    sizes: list[int]
    mixed: list[bool]


def closeness_of(table: Table, settings: BoxSettings) -> Closeness:
    """Return the closeness of all groups; nothing for a single box."""
    drawn = table.drawn
    lowest, total, pairs = np.full(len(drawn), np.inf), np.zeros(len(drawn)), np.zeros(len(drawn))
    for a, b in combinations(range(drawn.shape[1]), 2):
        both = drawn[:, a] & drawn[:, b]
        overlap = np.where(both, iou(table.corners[:, a], table.corners[:, b]), np.inf)
        lowest = np.minimum(lowest, overlap)
        total += np.where(both, overlap, 0.0)
        pairs += both
    asked = lowest if settings.iou_rule == "every_pair" else total / np.maximum(pairs, 1)
    top = np.where(drawn, table.label, NOBODY).max(axis=1, initial=NOBODY)
    several = (pairs > 0).tolist()
    return Closeness(
        lowest=[value if some else None for value, some in zip(lowest.tolist(), several, strict=True)],
        asked=[value if some else None for value, some in zip(asked.tolist(), several, strict=True)],
        sizes=drawn.sum(axis=1).tolist(),
        mixed=(drawn & (table.label != top[:, None])).any(axis=1).tolist(),
    )
