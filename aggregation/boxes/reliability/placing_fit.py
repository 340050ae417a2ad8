"""Learn from the answers themselves how each worker draws edges, and of what form the crowd's noise is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from aggregation.boxes.reliability.placing_edges import Block, blocks, settle, sides
from aggregation.boxes.reliability.placing_noise import DEGREES, UNIT, WorkerNoise
from aggregation.boxes.reliability.placing_skew import fit_skew
from aggregation.boxes.reliability.table import Floats, Table, over_slots

ROUNDS = 8
SKEW_ROUNDS = (2, 5)
LEAST_EXISTS = 0.1  # groups less likely than this tell nothing of edges
TINY = 1e-9
PRIOR_POWER = 20.0  # pseudo-boxes, of sides that differ by a factor of e, whose noise grows with the box
SIDES_VARY = 0.25  # variance of the logarithm of sides behind an earlier state
LEAST_POWER, MOST_POWER = 0.0, 1.5
INFORMATION = 2 * DEGREES / (DEGREES + 3)  # of one residual about the logarithm of the spread


@dataclass(frozen=True, slots=True)
class _Residuals:
    """One block's boxes measured against the rest of their groups; lengths in units."""

    counted: Floats  # (g, A, 4) the probability that the object exists, 0 where there is nothing to measure against
    residual: Floats  # (g, A, 4) outwards, the worker's lean taken away
    known: Floats  # (g, 1, 4) 1 where measured against a known box
    skew: Floats  # (g, A, 4) variance of the residual's side, of 1
    own: Floats  # (g, A, 4) variance of the worker
    doubt: Floats  # (g, A, 4) variance of what the box is measured against
    robust: Floats  # (g, A, 4) weight, small for strays


def fit_noise(table: Table, exists: Floats, prior: WorkerNoise | None = None) -> WorkerNoise:
    """Return what the answers of `table`, added to those behind `prior`, say of each worker's edges.

    `exists` (G,) is the probability of each object. A box is measured against the weighed mean of the others of its
    group (leave one out), or against the known box where there is one. Expectation-maximisation over a pool of G
    groups; nothing is fitted to truth but what `table.truth` gives.
    """
    before = (prior or WorkerNoise.of(())).aligned(table.workers)
    drawn = table.drawn.sum(axis=1)
    useful = ((drawn > 1) | (drawn > 0) & ~np.isnan(table.truth[:, 0])) & (exists >= LEAST_EXISTS)
    parts = list(blocks(table, before, np.flatnonzero(useful)))
    places = [part.start for part in parts]
    noise = before
    for turn in range(ROUNDS if parts else 0):
        settled = [settle(part, noise, place, 1) for part, place in zip(parts, places, strict=True)]
        places = [place for place, _ in settled]
        found = [_residuals(*pair, noise, exists) for pair in zip(parts, (one for _, one in settled), strict=True)]
        power = _power(parts, found, noise, before)
        sums = (_sums(part, one, noise) for part, one in zip(parts, found, strict=True))
        noise = reduce(WorkerNoise.plus, sums, replace(before, power=power, skew=noise.skew))
        if turn in SKEW_ROUNDS:
            noise = replace(noise, skew=fit_skew(parts, noise, before))
    return noise


def _residuals(block: Block, precision: Floats, noise: WorkerNoise, exists: Floats) -> _Residuals:
    unit = block.unit(noise)
    precision = precision * (unit * unit)
    upright = block.edges / unit - noise.lean[block.worker]
    rest = over_slots(precision)[:, None] - precision
    alone = rest <= TINY * precision
    rest = np.where(alone, 1.0, rest)
    others = (over_slots(precision * upright)[:, None] - precision * upright) / rest
    known = ~np.isnan(block.known)[:, None]
    residual = upright - np.where(known, block.known[:, None] / unit, others)
    doubt = np.where(known, 0.0, 1.0 / rest)
    outward, inward = sides(noise, np.ones(1))
    skew = np.where(residual > 0, outward, inward)
    own = noise.spread[block.worker] ** 2
    return _Residuals(
        counted=(block.drawn[..., None] & (known | ~alone)) * exists[block.rows, None, None],
        residual=residual,
        known=known.astype(float),
        skew=skew,
        own=own,
        doubt=doubt,
        robust=(DEGREES + 1) / (DEGREES + residual * residual / (skew * (own + doubt))),
    )


def _sums(block: Block, found: _Residuals, noise: WorkerNoise) -> WorkerNoise:
    """Add one block's residuals up by worker; of their squares what is expected to be the worker's own."""
    lean = noise.lean[block.worker]
    share = found.own / (found.own + found.doubt)
    weights = found.counted * found.robust * share / found.skew
    squares = found.robust * (share * found.residual) ** 2 / found.skew + share * found.doubt
    return replace(
        noise,
        boxes=_per_worker(block, noise, found.counted[..., :1])[:, 0],
        squares=_per_worker(block, noise, found.counted * squares),
        leans=_per_worker(block, noise, weights * (found.residual + lean)),
        weights=_per_worker(block, noise, weights),
        known_leans=(weights * found.known * (found.residual + noise.shared)).sum(axis=(0, 1)),
        known_weights=(weights * found.known).sum(axis=(0, 1)),
    )


def _per_worker(block: Block, noise: WorkerNoise, values: Floats) -> Floats:
    """Add values (g, A, K) up by worker; (W, K)."""
    count, rows = len(noise.workers), values[block.drawn]
    worker = block.worker[block.drawn]
    return np.stack([np.bincount(worker, column, count) for column in rows.T], axis=1)


def _power(parts: Sequence[Block], found: Sequence[_Residuals], noise: WorkerNoise, before: WorkerNoise) -> Floats:
    """Return one Newton step of how noise grows with the side: its spread should not depend on the side any more."""
    total, sums = np.zeros(4), np.zeros((4, 4))
    for block, one in zip(parts, found, strict=True):
        length = np.log(block.side / UNIT)[:, None]
        surplus = one.counted * (one.robust * one.residual**2 / (one.skew * (one.own + one.doubt)) - 1.0)
        terms = (one.counted * length, one.counted * length**2, surplus, surplus * length)
        total = total + one.counted.sum(axis=(0, 1))
        sums = sums + np.stack([term.sum(axis=(0, 1)) for term in terms])
    mean = sums[0] / np.maximum(total, TINY)
    known = PRIOR_POWER + SIDES_VARY * before.boxes.sum()
    score = sums[3] - mean * sums[2] - known * (noise.power - before.power)
    information = INFORMATION * (sums[1] - mean * sums[0]) + known
    return np.asarray(np.clip(noise.power + score / information, LEAST_POWER, MOST_POWER))
