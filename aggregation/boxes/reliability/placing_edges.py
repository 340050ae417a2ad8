"""Groups of boxes as edges counted outwards, and the most likely place of each edge.

The groups stand in the last axis of every array: what holds for an edge or a group then spreads over the rest fast.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aggregation.boxes.reliability.placing_noise import DEGREES, EDGES, UNIT, WorkerNoise
from aggregation.boxes.reliability.table import Table, over_slots
from aggregation.core.arrays import Floats, Indices, Mask

BLOCK = 1024  # groups worked on at once: their arrays stay in the cache
OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])
LEAST_SIDE = 1.0  # pixels


@dataclass(frozen=True, slots=True)
class Block:
    """Some groups; lengths in pixels, edges counted outwards."""

    rows: Indices  # (g,) of the table
    edges: Floats  # (4, A, g) 0 where nothing was drawn
    drawn: Mask  # (A, g)
    worker: Indices  # (A, g) row of the noise, 0 where nothing was drawn
    side: Floats  # (4, g) length of the median box along the axis of each edge
    start: Floats  # (4, g) the median
    known: Floats  # (4, g) NaN where the truth is not given

    def unit(self, noise: WorkerNoise) -> Floats:
        """Return the pixels of one unit of noise, (4, 1, g)."""
        return np.asarray(UNIT * (self.side / UNIT) ** noise.power[:, None])[:, None]

    def of_worker(self, values: Floats) -> Floats:
        """Spread what holds for a worker's edges over the boxes: (W, 4) gives (4, A, g)."""
        return np.stack([column[self.worker] for column in values.T])

    def hull(self) -> tuple[Floats, Floats]:
        """Return the innermost and the outermost edge drawn, twice (4, g)."""
        innermost = np.where(self.drawn, self.edges, np.inf).min(axis=1)
        return innermost, np.where(self.drawn, self.edges, -np.inf).max(axis=1)


def blocks(table: Table, noise: WorkerNoise, rows: Indices) -> Iterator[Block]:
    """Cut these groups of the table into blocks; `noise` names all workers of the table."""
    row = {name: number for number, name in enumerate(noise.workers)}
    at = np.array([row[name] for name in table.workers], np.intp)
    for begin in range(0, len(rows), BLOCK):
        part = rows[begin : begin + BLOCK]
        drawn = np.ascontiguousarray((table.label[part] >= 0).T)
        corners = np.ascontiguousarray(table.corners[part].T)
        medians = _medians(corners, drawn)
        sides = np.maximum(medians[2:] - medians[:2], LEAST_SIDE)
        yield Block(
            rows=part,
            edges=corners * OUTWARDS[:, None, None],
            drawn=drawn,
            worker=at[np.where(drawn, table.worker[table.image[part]].T, 0)],
            side=np.concatenate([sides, sides]),
            start=medians * OUTWARDS[:, None],
            known=table.truth[part].T * OUTWARDS[:, None],
        )


def _medians(corners: Floats, drawn: Mask) -> Floats:
    """Return the median of each coordinate over the drawn boxes, 0 where there is none; (4, A, g) gives (4, g)."""
    ordered = np.sort(np.where(drawn, corners, np.inf), axis=1)
    count = drawn.sum(axis=0)
    groups = np.arange(corners.shape[2])
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, corners.shape[1] - 1)
    middle = (ordered[:, low, groups] + ordered[:, high, groups]) / 2
    return np.where(count > 0, middle, 0.0)


def settle(block: Block, noise: WorkerNoise, place: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return the most likely place of each edge (4, g) and each box's precision there (4, A, g), per square pixel.

    Iterated re-weighting from `place`, under Student-t noise about the worker's own lean whose outward side is wider
    than the inward one by `skew`.
    """
    unit = block.unit(noise)
    upright = block.edges - block.of_worker(noise.lean) * unit
    outward, inward = sides(noise, DEGREES * (block.of_worker(noise.spread) * unit) ** 2)
    for _ in range(steps):
        residual = upright - place[:, None]
        precision = (DEGREES + 1) / (np.where(residual > 0, outward, inward) + residual * residual)
        precision *= block.drawn
        total = over_slots(precision)
        place = over_slots(precision * upright) / np.where(total > 0, total, 1.0)
    return place, precision


def sides(noise: WorkerNoise, variance: Floats) -> tuple[Floats, Floats]:
    """Return the variance of the outward and of the inward side of the noise; (4, A, g) twice."""
    wider = np.exp(2 * noise.skew)[:, None, None]
    return variance * wider, variance / wider


__all__ = ["EDGES", "OUTWARDS", "Block", "blocks", "settle", "sides"]
