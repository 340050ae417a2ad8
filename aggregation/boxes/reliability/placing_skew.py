"""How lopsided a crowd's noise is: people leave a margin more often than they cut into the object."""

from collections.abc import Sequence

import numpy as np

from aggregation.boxes.reliability.placing_edges import Block
from aggregation.boxes.reliability.placing_noise import DEGREES, EDGES, WorkerNoise
from aggregation.core.arrays import Floats, Mask

SAMPLE = 1024  # groups looked at: evenly over the pool
NODES = 12  # places tried for each edge
STEP, LARGEST = 0.1, 0.4
PRIOR = 100.0  # information that draws the skew to none: a standard deviation of .1
INFORMATION_OF_A_BOX = 0.1  # about the skew, behind an earlier state


def fit_skew(parts: Sequence[Block], noise: WorkerNoise, before: WorkerNoise) -> Floats:
    """Return the skew of each edge, (4,), that makes the answers most likely whatever the true places are.

    The likelihood of the boxes of a group is summed over all places of the edge (a grid between the outermost boxes
    drawn and a spread beyond), at three values of the skew; the vertex of the parabola through them, with a
    Gaussian prior about `before.skew`, is returned, at most 1.5 steps away.
    """
    steps = np.array([-STEP, 0.0, STEP])
    low, middle, high = _log_likelihood(parts, noise, noise.skew + steps[:, None])
    known = PRIOR + INFORMATION_OF_A_BOX * before.boxes.sum()
    slope = (high - low) / (2 * STEP) - known * (noise.skew - before.skew)
    bend = np.maximum((2 * middle - high - low) / STEP**2, 0.0) + known
    return np.asarray(np.clip(noise.skew + np.clip(slope / bend, -1.5 * STEP, 1.5 * STEP), -LARGEST, LARGEST))


def _log_likelihood(parts: Sequence[Block], noise: WorkerNoise, skews: Floats) -> Floats:
    """Return the log-likelihood of a sample of groups, less what no skew changes, for skews (S, 4); (S, 4)."""
    stride = -(-sum(len(part.rows) for part in parts) // SAMPLE)
    total, seen = np.zeros(skews.shape), 0
    for part in parts:
        chosen = np.arange(-seen % stride, len(part.rows), stride)
        seen += len(part.rows)
        upright = (part.edges / part.unit(noise) - part.of_worker(noise.lean))[:, :, chosen]
        spread = part.of_worker(noise.spread)[:, :, chosen]
        for edge in range(EDGES):
            total[:, edge] += _of_groups(upright[edge].T, spread[edge].T, part.drawn[:, chosen].T, skews[:, edge])
    return total


def _of_groups(edges: Floats, spread: Floats, drawn: Mask, skews: Floats) -> Floats:
    """Return the log-likelihood of the boxes (g, A) of groups at each skew (S,), summed over the places of the edge."""
    widest = np.where(drawn, spread, 0.0).max(axis=1)
    low = np.where(drawn, edges, np.inf).min(axis=1) - widest
    high = np.where(drawn, edges, -np.inf).max(axis=1) + widest
    places = low[:, None] + (high - low)[:, None] * (np.arange(NODES) + 0.5) / NODES
    residual = edges[:, :, None] - places[:, None]
    square = (residual / spread[:, :, None]) ** 2 * (drawn[:, :, None] / DEGREES)
    outward, wider = residual > 0, np.exp(2 * skews)
    totals = np.zeros(len(skews))
    for number, factor in enumerate(wider.tolist()):
        unlikely = (1.0 + square * np.where(outward, 1.0 / factor, factor)).prod(axis=1)
        best = unlikely.min(axis=1)
        inside = ((unlikely / best[:, None]) ** (-(DEGREES + 1) / 2)).mean(axis=1)
        totals[number] = (np.log(inside * (high - low)) - (DEGREES + 1) / 2 * np.log(best)).sum()
    return np.asarray(totals - drawn.sum() * np.log(np.cosh(skews)))
