"""Where the edges of an object are, given how its annotators draw."""

from dataclasses import dataclass

import numpy as np

from aggregation.boxes.reliability.placing_edges import EDGES, OUTWARDS, Block, blocks, settle
from aggregation.boxes.reliability.placing_fit import fit_noise
from aggregation.boxes.reliability.placing_noise import WorkerNoise
from aggregation.boxes.reliability.table import Floats, Table, over_slots

STEPS = 6
CHANCES = ((-2.0, -2.5), (-4.5, -2.5))  # level and slope over the logarithm of the doubt, at IoU .5 and .75


@dataclass(frozen=True, slots=True)
class Placed:
    """G boxes, how sure their place is, and how much each annotator's box counted."""

    corners: Floats  # (G, 4) x1 y1 x2 y2 in pixels
    p50: Floats  # (G,) probability that IoU with the object is at least .5, given that it exists
    p75: Floats  # (G,) the same at .75
    weights: Floats  # (G, A) share of each slot, summing to 1 over the slots that drew the box


def place(table: Table, noise: WorkerNoise) -> Placed:
    """Return the box of every group; each depends on its own answers and on `noise` alone.

    A group without any drawn box (a known object that all missed) is placed at NaN with probabilities 0.
    """
    aligned = noise.aligned(table.workers)
    count, width = table.label.shape
    corners, weights = np.full((count, EDGES), np.nan), np.zeros((count, width))
    p50, p75 = np.zeros(count), np.zeros(count)
    for block in blocks(table, aligned, np.flatnonzero(table.drawn.any(axis=1))):
        settled, precision = settle(block, aligned, block.start, STEPS)
        corners[block.rows] = np.clip(settled, *block.hull()) * OUTWARDS
        total = over_slots(precision)
        weights[block.rows] = precision.sum(axis=2) / total.sum(axis=1)[:, None]
        p50[block.rows], p75[block.rows] = _chances(block, total)
    return Placed(corners, p50, p75, weights)


def _chances(block: Block, precision: Floats) -> tuple[Floats, Floats]:
    """Return the probabilities of IoU >= .5 and >= .75 from the precision of the four edges, (g, 4)."""
    doubt = np.log(over_slots((1.0 / (np.sqrt(precision) * block.side))[..., None])[:, 0])
    p50, p75 = (1.0 / (1.0 + np.exp(-(level + slope * doubt))) for level, slope in CHANCES)
    return p50, p75


__all__ = ["Placed", "WorkerNoise", "fit_noise", "place"]
