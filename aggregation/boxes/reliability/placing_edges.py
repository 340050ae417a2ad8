"""Groups of boxes as edges counted outwards, and the most likely place of each edge."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aggregation.boxes.reliability.placing_noise import DEGREES, EDGES, UNIT, WorkerNoise
from aggregation.boxes.reliability.table import Floats, Indices, Mask, Table, over_slots

BLOCK = 2048  # groups worked on at once: their arrays stay in the cache
OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])
LEAST_SIDE = 1.0  # pixels


@dataclass(frozen=True, slots=True)
class Block:
    """Some groups; lengths in pixels, edges counted outwards."""

    rows: Indices  # (g,) of the table
    edges: Floats  # (g, A, 4) 0 where nothing was drawn
    drawn: Mask  # (g, A)
    worker: Indices  # (g, A) row of the noise, 0 where nothing was drawn
    side: Floats  # (g, 4) length of the median box along the axis of each edge
    start: Floats  # (g, 4) the median
    known: Floats  # (g, 4) NaN where the truth is not given

    def unit(self, noise: WorkerNoise) -> Floats:
        """Return the pixels of one unit of noise, (g, 1, 4)."""
        return np.asarray(UNIT * (self.side / UNIT) ** noise.power)[:, None]

    def hull(self) -> tuple[Floats, Floats]:
        """Return the innermost and the outermost edge drawn, twice (g, 4)."""
        drawn = self.drawn[..., None]
        innermost = np.where(drawn, self.edges, np.inf).min(axis=1)
        return innermost, np.where(drawn, self.edges, -np.inf).max(axis=1)


def blocks(table: Table, noise: WorkerNoise, rows: Indices) -> Iterator[Block]:
    """Cut these groups of the table into blocks; `noise` names all workers of the table."""
    row = {name: number for number, name in enumerate(noise.workers)}
    at = np.array([row[name] for name in table.workers], np.intp)
    for begin in range(0, len(rows), BLOCK):
        part = rows[begin : begin + BLOCK]
        drawn = table.label[part] >= 0
        corners = table.corners[part]
        medians = _medians(corners, drawn)
        yield Block(
            rows=part,
            edges=corners * OUTWARDS,
            drawn=drawn,
            worker=at[np.where(drawn, table.worker[table.image[part]], 0)],
            side=np.maximum(np.tile(medians[:, 2:] - medians[:, :2], 2), LEAST_SIDE),
            start=medians * OUTWARDS,
            known=table.truth[part] * OUTWARDS,
        )


def _medians(corners: Floats, drawn: Mask) -> Floats:
    """Return the median of each coordinate over the drawn boxes, 0 where there is none; (g, A, 4) gives (g, 4)."""
    ordered = np.sort(np.where(drawn[..., None], corners, np.inf), axis=1)
    count = drawn.sum(axis=1)
    rows = np.arange(len(corners))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, corners.shape[1] - 1)
    middle = (ordered[rows, low] + ordered[rows, high]) / 2
    return np.where(count[:, None] > 0, middle, 0.0)


def settle(block: Block, noise: WorkerNoise, place: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return the most likely place of each edge (g, 4) and each box's precision there (g, A, 4), per square pixel.

    Iterated re-weighting from `place`, under Student-t noise about the worker's own lean whose outward side is wider
    than the inward one by `skew`.
    """
    unit = block.unit(noise)
    upright = block.edges - noise.lean[block.worker] * unit
    outward, inward = sides(noise, (noise.spread[block.worker] * unit) ** 2)
    for _ in range(steps):
        residual = upright - place[:, None]
        precision = (DEGREES + 1) / (DEGREES * np.where(residual > 0, outward, inward) + residual * residual)
        precision *= block.drawn[..., None]
        total = over_slots(precision)
        place = over_slots(precision * upright) / np.where(total > 0, total, 1.0)
    return place, precision


def sides(noise: WorkerNoise, variance: Floats) -> tuple[Floats, Floats]:
    """Return the variance of the outward and of the inward side of the noise."""
    wider = np.exp(2 * noise.skew)
    return variance * wider, variance / wider


__all__ = ["EDGES", "OUTWARDS", "Block", "blocks", "settle", "sides"]
