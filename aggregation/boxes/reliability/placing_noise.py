"""How each worker draws edges: what was measured of them, and what it says in the light of priors.

Edges are x1, y1, x2, y2, counted outwards: a positive residual is a box drawn too large. Lengths are in units of
the box: `UNIT ** (1 - power) * side ** power` pixels, with the side along the edge's own axis (width for x1, x2).
A power of 1 is noise that grows with the box, 0 noise of so many pixels whatever the box.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from aggregation.core.arrays import Floats

EDGES = 4
UNIT = 100.0  # pixels
PRIOR_BOXES = 5.0  # pseudo-boxes that draw a worker's spread to the crowd's
PRIOR_WORKERS = 10.0  # pseudo-workers who lean by LEANING of their spread
LEANING, LEAST_LEANING = 0.1, 0.02  # variance of leans between workers, in units of the squared spread
PRIOR_KNOWN = 20.0  # pseudo-boxes that draw the lean of the whole crowd to zero
START_SPREAD = 0.07  # before anything was measured
LEAST_SPREAD, MOST_SPREAD = 0.005, 0.5
LEAST_WEIGHT = 1e-9
LEAN_ROUNDS = 6
DEGREES = 4.0  # of freedom of Student's t: a stray edge, or a worker unlike all others, counts little
CAREFUL = 0.1  # quantile of the workers' spreads: who draws as well as the one who drew the truth

SUMS_OF_WORKERS = ("boxes", "squares", "leans", "weights")
SUMS_OF_CROWD = ("known_leans", "known_weights")
FORM = ("power", "skew")


@dataclass(frozen=True)
class WorkerNoise:
    """Sums over measured boxes of W workers, which add up over pools, and the form of the whole crowd's noise."""

    workers: tuple[str, ...]  # (W,) sorted
    boxes: Floats  # (W,) boxes measured, each by the probability that the object exists
    squares: Floats  # (W, 4) sum of squared residuals
    leans: Floats  # (W, 4) sum of weighed residuals
    weights: Floats  # (W, 4) sum of their weights
    known_leans: Floats  # (4,) the same sums of the whole crowd against known boxes
    known_weights: Floats  # (4,)
    power: Floats  # (4,) how noise grows with the side of the box
    skew: Floats  # (4,) logarithm of how much wider the outward side of the noise is, and the inward side narrower

    @classmethod
    def of(cls, workers: tuple[str, ...]) -> "WorkerNoise":
        """Return the noise of workers of whom nothing was measured."""
        squares, leans, weights = (np.zeros((len(workers), EDGES)) for _ in range(3))
        known_leans, known_weights, skew = (np.zeros(EDGES) for _ in range(3))
        boxes, power = np.zeros(len(workers)), np.ones(EDGES)
        return cls(workers, boxes, squares, leans, weights, known_leans, known_weights, power, skew)

    @cached_property
    def spread(self) -> Floats:
        """Return the typical residual of each worker and edge, drawn to the crowd's; shape (W, 4)."""
        total = self.boxes.sum()
        pool = self.squares.sum(axis=0) / total if total > 0 else np.full(EDGES, START_SPREAD**2)
        squares = (self.squares + PRIOR_BOXES * pool) / (self.boxes[:, None] + PRIOR_BOXES)
        return np.asarray(np.clip(np.sqrt(squares), LEAST_SPREAD, MOST_SPREAD))

    @cached_property
    def careful(self) -> Floats:
        """Return the spread of a careful worker: the lowest decile of those who drew some boxes; shape (4,)."""
        some = self.spread[self.boxes >= PRIOR_BOXES]
        return np.asarray(np.quantile(some, CAREFUL, axis=0)) if len(some) else np.full(EDGES, START_SPREAD)

    @cached_property
    def lean(self) -> Floats:
        """Return how much too large each worker draws, drawn to the crowd's; shape (W, 4).

        Answers alone cannot tell a lean that the whole crowd shares. A lean is taken to be some share of the
        worker's spread, so the precise lean least and are what the others are measured by, unless known boxes
        show that all lean. How large that share is, is learnt from the workers (method of moments).
        """
        raw = np.divide(self.leans, self.weights, out=np.zeros_like(self.leans), where=self.weights > 0)
        centre, leaning = self._centre(raw)
        return np.asarray((raw - centre) * self.weights / (self.weights + 1.0 / leaning) + self.shared)

    def _centre(self, raw: Floats) -> tuple[Floats, float]:
        """Return the lean that counts as none (4,), and the variance of leans in units of the squared spread.

        The mean weighed by precision, by Student's t: one who draws very precisely but unlike all others does not
        become the measure. Iterated from the weighed median.
        """
        doubt, precision = 1.0 / np.maximum(self.weights, LEAST_WEIGHT), self.spread**-2.0
        trust = self.weights / (self.weights + 1.0 / LEANING)
        centre, leaning = _median(raw, trust), LEANING
        for _ in range(LEAN_ROUNDS):
            squares = (raw - centre) ** 2 * precision
            robust = (DEGREES + 1) / (DEGREES + squares / (leaning + doubt))
            centre = _mean(raw, robust * precision / (leaning + doubt))
            apart = ((robust * (raw - centre) ** 2 * precision - doubt) * trust).sum()
            pseudo = PRIOR_WORKERS * EDGES
            leaning = max(float((apart + pseudo * LEANING) / (trust.sum() + pseudo)), LEAST_LEANING)
        return centre, leaning

    @cached_property
    def shared(self) -> Floats:
        """Return how much too large the whole crowd draws, as far as known boxes show; shape (4,)."""
        return np.asarray(self.known_leans / (self.known_weights + PRIOR_KNOWN))

    def plus(self, other: "WorkerNoise") -> "WorkerNoise":
        """Return the sums of both, of the same workers, in the form of this one."""
        added = {name: getattr(self, name) + getattr(other, name) for name in (*SUMS_OF_WORKERS, *SUMS_OF_CROWD)}
        return replace(self, **added)

    def aligned(self, workers: tuple[str, ...]) -> "WorkerNoise":
        """Return the same sums for these workers and all that were there before, sorted."""
        names = tuple(sorted({*self.workers, *workers}))
        if names == self.workers:
            return self
        row = {name: number for number, name in enumerate(names)}
        at = [row[name] for name in self.workers]
        grown = {name: np.zeros((len(names), *getattr(self, name).shape[1:])) for name in SUMS_OF_WORKERS}
        for name, values in grown.items():
            values[at] = getattr(self, name)
        return replace(self, workers=names, **grown)

    def to_json(self) -> dict[str, Any]:
        """Return `{"workers": {name: {...}}, "crowd": {...}}`, numbers unrounded."""
        columns = [getattr(self, name).tolist() for name in SUMS_OF_WORKERS]
        rows = (dict(zip(SUMS_OF_WORKERS, row, strict=True)) for row in zip(*columns, strict=True))
        return {
            "workers": dict(zip(self.workers, rows, strict=True)),
            "crowd": {name: getattr(self, name).tolist() for name in (*SUMS_OF_CROWD, *FORM)},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "WorkerNoise":
        """Read what `to_json` wrote; a missing key is a KeyError."""
        names = tuple(sorted(document["workers"]))
        fresh, rows = cls.of(names), [document["workers"][name] for name in names]
        for name in SUMS_OF_WORKERS:
            getattr(fresh, name)[...] = np.array([row[name] for row in rows], float).reshape(getattr(fresh, name).shape)
        for name in (*SUMS_OF_CROWD, *FORM):
            getattr(fresh, name)[...] = document["crowd"][name]
        return fresh


def _median(values: Floats, weights: Floats) -> Floats:
    """Return the weighed median over workers of each edge, 0 where there is none; (W, 4) gives (4,)."""
    if len(values) == 0:
        return np.zeros(EDGES)
    order = np.argsort(values, axis=0, kind="stable")
    below = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    middle = (below >= below[-1] / 2).argmax(axis=0)
    return np.asarray(np.take_along_axis(values, order, axis=0)[middle, np.arange(EDGES)])


def _mean(values: Floats, weights: Floats) -> Floats:
    """Return the weighed mean over workers of each edge, 0 where nothing weighs; (W, 4) gives (4,)."""
    total = weights.sum(axis=0)
    return np.asarray(np.divide((values * weights).sum(axis=0), total, out=np.zeros(EDGES), where=total > 0))
