"""How each worker draws edges: what was measured of them, and what it says in the light of priors.

Edges are x1, y1, x2, y2, counted outwards and in units of the box's width (x1, x2) or height (y1, y2): a positive
residual is a box drawn too large.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aggregation.boxes.reliability.table import Floats

EDGES = 4
PRIOR_BOXES = 10.0  # pseudo-boxes that draw a worker's spread to the crowd's and the lean to zero
PRIOR_KNOWN = 20.0  # pseudo-boxes that draw the lean of the whole crowd to zero
START_SPREAD = 0.07  # before anything was measured
LEAST_SPREAD, MOST_SPREAD = 0.01, 0.5


@dataclass(frozen=True)
class WorkerNoise:
    """Sums over measured boxes of W workers: they add up over pools, and everything else follows from them."""

    workers: tuple[str, ...]  # (W,) sorted
    boxes: Floats  # (W,) boxes measured, each by the probability that the object exists
    squares: Floats  # (W, 4) sum of squared residuals
    leans: Floats  # (W, 4) sum of weighed residuals
    weights: Floats  # (W, 4) sum of their weights
    known_leans: Floats  # (4,) the same sums of the whole crowd against known boxes
    known_weights: Floats  # (4,)

    @classmethod
    def of(cls, workers: tuple[str, ...]) -> "WorkerNoise":
        """Return the noise of workers of whom nothing was measured."""
        zeros = np.zeros((len(workers), EDGES))
        return cls(workers, np.zeros(len(workers)), zeros, zeros, zeros, np.zeros(EDGES), np.zeros(EDGES))

    @cached_property
    def spread(self) -> Floats:
        """Return the typical residual of each worker and edge, drawn to the crowd's; shape (W, 4)."""
        total = self.boxes.sum()
        pool = self.squares.sum(axis=0) / total if total > 0 else np.full(EDGES, START_SPREAD**2)
        squares = (self.squares + PRIOR_BOXES * pool) / (self.boxes[:, None] + PRIOR_BOXES)
        return np.asarray(np.clip(np.sqrt(squares), LEAST_SPREAD, MOST_SPREAD))

    @cached_property
    def lean(self) -> Floats:
        """Return how much too large each worker draws, drawn to zero; shape (W, 4).

        Answers alone cannot tell a lean that the whole crowd shares. Precise workers are taken to lean least: the
        mean of all leans, weighed by precision, is zero, unless known boxes show another.
        """
        own = self.leans / (self.weights + PRIOR_BOXES)
        precision = self.spread**-2.0 * (self.boxes / (self.boxes + PRIOR_BOXES))[:, None]
        total = precision.sum(axis=0)
        centre = np.divide((precision * own).sum(axis=0), total, out=np.zeros(EDGES), where=total > 0)
        return np.asarray(own - centre + self.shared)

    @cached_property
    def shared(self) -> Floats:
        """Return how much too large the whole crowd draws, as far as known boxes show; shape (4,)."""
        return np.asarray(self.known_leans / (self.known_weights + PRIOR_KNOWN))

    def aligned(self, workers: tuple[str, ...]) -> "WorkerNoise":
        """Return the same sums for these workers and all that were there before, sorted."""
        names = tuple(sorted({*self.workers, *workers}))
        if names == self.workers:
            return self
        at = np.searchsorted(names, self.workers) if self.workers else np.zeros(0, np.intp)
        fresh = WorkerNoise.of(names)
        boxes, sums = fresh.boxes, (np.zeros((len(names), EDGES)) for _ in range(3))
        squares, leans, weights = sums
        boxes[at], squares[at], leans[at], weights[at] = self.boxes, self.squares, self.leans, self.weights
        return WorkerNoise(names, boxes, squares, leans, weights, self.known_leans, self.known_weights)

    def to_json(self) -> dict[str, Any]:
        """Return `{"workers": {name: {...}}, "known": {...}}`, numbers unrounded."""
        return {
            "workers": {
                name: {
                    "boxes": float(self.boxes[row]),
                    "squares": self.squares[row].tolist(),
                    "leans": self.leans[row].tolist(),
                    "weights": self.weights[row].tolist(),
                }
                for row, name in enumerate(self.workers)
            },
            "known": {"leans": self.known_leans.tolist(), "weights": self.known_weights.tolist()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "WorkerNoise":
        """Read what `to_json` wrote; a missing key is a KeyError."""
        names = tuple(sorted(document["workers"]))
        rows = [document["workers"][name] for name in names]
        squares, leans, weights = (
            np.array([row[key] for row in rows], float).reshape(-1, EDGES) for key in ("squares", "leans", "weights")
        )
        known = (np.array(document["known"][key], float) for key in ("leans", "weights"))
        return cls(names, np.array([row["boxes"] for row in rows], float), squares, leans, weights, *known)
