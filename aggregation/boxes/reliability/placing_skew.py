"""How lopsided a crowd's noise is: people leave a margin more often than they cut into the object."""

from collections.abc import Sequence

import numpy as np

from aggregation.boxes.reliability.placing_edges import DEGREES, Block
from aggregation.boxes.reliability.placing_noise import EDGES, WorkerNoise
from aggregation.boxes.reliability.table import Floats, Mask

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
    tried = [noise.skew + STEP * step for step in (-1, 0, 1)]
    low, middle, high = (_log_likelihood(parts, noise, skew) for skew in tried)
    known = PRIOR + INFORMATION_OF_A_BOX * before.boxes.sum()
    slope = (high - low) / (2 * STEP) - known * (noise.skew - before.skew)
    bend = np.maximum((2 * middle - high - low) / STEP**2, 0.0) + known
    return np.asarray(np.clip(noise.skew + np.clip(slope / bend, -1.5 * STEP, 1.5 * STEP), -LARGEST, LARGEST))


def _log_likelihood(parts: Sequence[Block], noise: WorkerNoise, skew: Floats) -> Floats:
    """Return the sum over a sample of groups of the log-likelihood of their boxes, less what no skew changes; (4,)."""
    stride = -(-sum(len(part.rows) for part in parts) // SAMPLE)
    total, seen = np.zeros(EDGES), 0
    for part in parts:
        chosen = np.arange(-seen % stride, len(part.rows), stride)
        seen += len(part.rows)
        unit = part.unit(noise)[chosen]
        upright = part.edges[chosen] / unit - noise.lean[part.worker[chosen]]
        spread = noise.spread[part.worker[chosen]]
        for edge in range(EDGES):
            logs = _log_of_groups(upright[..., edge], spread[..., edge], part.drawn[chosen], skew[edge])
            total[edge] += logs.sum()
    return total


def _log_of_groups(edges: Floats, spread: Floats, drawn: Mask, skew: float) -> Floats:
    """Return the log-likelihood of each group's boxes, (g, A) gives (g,), summed over the places of the edge."""
    widest = np.where(drawn, spread, 0.0).max(axis=1)
    low = np.where(drawn, edges, np.inf).min(axis=1) - widest
    high = np.where(drawn, edges, -np.inf).max(axis=1) + widest
    places = low[:, None] + (high - low)[:, None] * (np.arange(NODES) + 0.5) / NODES
    residual = edges[:, :, None] - places[:, None]
    scaled = residual / (spread[:, :, None] * np.where(residual > 0, np.exp(skew), np.exp(-skew)))
    logs = -(DEGREES + 1) / 2 * np.log1p(scaled * scaled / DEGREES) * drawn[:, :, None]
    summed = logs.sum(axis=1)
    best = summed.max(axis=1)
    inside = np.log(np.exp(summed - best[:, None]).mean(axis=1) * (high - low))
    return np.asarray(best + inside - drawn.sum(axis=1) * np.log(np.cosh(skew)))
