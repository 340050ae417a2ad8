"""Learn from the answers themselves how each worker draws edges, and of what form the crowd's noise is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from aggregation.boxes.reliability.placing_edges import Block, blocks, settle, sides
from aggregation.boxes.reliability.placing_noise import DEGREES, EDGES, UNIT, WorkerNoise
from aggregation.boxes.reliability.placing_skew import fit_skew
from aggregation.boxes.reliability.table import Table, over_slots
from aggregation.core.arrays import Floats, Indices, Mask

ROUNDS = 8
LAST_ROUNDS = 2  # on everything; those before need no more than the pilot
SKEW_ROUNDS = (2, 5)
PILOT_GROUPS, PILOT_BOXES = 2048, 50  # least groups of the pilot, and boxes a worker in the mean
GOLDEN = 0.6180339887498949  # multiples of it fall evenly over [0, 1), whatever repeats in the pool
LEAST_EXISTS = 0.1  # groups less likely than this tell nothing of edges
TINY = 1e-9
PRIOR_POWER = 20.0  # pseudo-boxes, of sides that differ by a factor of e, whose noise grows with the box
SIDES_VARY = 0.25  # variance of the logarithm of sides behind an earlier state
LEAST_POWER, MOST_POWER = 0.0, 1.5
INFORMATION = 2 * DEGREES / (DEGREES + 3)  # of one residual about the logarithm of the spread


@dataclass(frozen=True, slots=True)
class _Residuals:
    """One block's boxes measured against the rest of their groups; lengths in units."""

    counted: Floats  # (4, A, g) the probability that the object exists, 0 where there is nothing to measure against
    residual: Floats  # (4, A, g) outwards, the worker's lean taken away
    lean: Floats  # (4, A, g) of the worker
    known: Mask  # (4, 1, g) measured against a known box
    skew: Floats  # (4, A, g) variance of the residual's side, of 1
    share: Floats  # (4, A, g) of the variance that is the worker's own
    doubt: Floats  # (4, A, g) variance of what the box is measured against
    squares: Floats  # (4, A, g) of the residual, of the variance expected
    robust: Floats  # (4, A, g) weight, small for strays


def fit_noise(table: Table, exists: Floats, prior: WorkerNoise | None = None) -> WorkerNoise:
    """Return what the answers of `table`, added to those behind `prior`, say of each worker's edges.

    `exists` (G,) is the probability of each object. A box is measured against the weighed mean of the others of its
    group (leave one out), or against the known box where there is one. Expectation-maximisation over a pool of G
    groups, first over a part of it where it is large; nothing is fitted to truth but what `table.truth` gives.
    """
    before = (prior or WorkerNoise.of(())).aligned(table.workers)
    drawn = table.drawn.sum(axis=1)
    useful = ((drawn > 1) | (drawn > 0) & ~np.isnan(table.truth[:, 0])) & (exists >= LEAST_EXISTS)
    every = np.flatnonzero(useful)
    pilot = _pilot(every, drawn, len(table.workers))
    parts = list(blocks(table, before, pilot))
    places = [part.start for part in parts]
    noise = before
    for turn in range(ROUNDS if parts else 0):
        if turn == ROUNDS - LAST_ROUNDS and len(pilot) < len(every):
            parts = list(blocks(table, before, every))
            places = [settle(part, noise, part.start, turn)[0] for part in parts]
        settled = [settle(part, noise, place, 1) for part, place in zip(parts, places, strict=True)]
        places = [place for place, _ in settled]
        found = [_residuals(*pair, noise, exists) for pair in zip(parts, (one for _, one in settled), strict=True)]
        power = _power(parts, found, noise, before)
        sums = (_sums(part, one, noise) for part, one in zip(parts, found, strict=True))
        noise = reduce(WorkerNoise.plus, sums, replace(before, power=power, skew=noise.skew))
        if turn in SKEW_ROUNDS:
            noise = replace(noise, skew=fit_skew(parts, noise, before))
    return noise


def _pilot(every: Indices, drawn: Indices, workers: int) -> Indices:
    """Return those of the groups on which the first rounds learn, spread evenly over the pool."""
    boxes = max(int(drawn[every].sum()), 1)
    share = max(PILOT_GROUPS / max(len(every), 1), PILOT_BOXES * workers / boxes)
    return np.asarray(every[np.arange(len(every)) * GOLDEN % 1 < share])


def _residuals(block: Block, precision: Floats, noise: WorkerNoise, exists: Floats) -> _Residuals:
    unit = block.unit(noise)
    precision = precision * (unit * unit)
    lean, own = block.of_worker(noise.lean), block.of_worker(noise.spread**2)
    upright = block.edges / unit - lean
    weighed = precision * upright
    rest = over_slots(precision)[:, None] - precision
    alone = rest <= TINY * precision
    rest[alone] = 1.0
    known = ~np.isnan(block.known)[:, None]
    measure = np.where(known, block.known[:, None] / unit, (over_slots(weighed)[:, None] - weighed) / rest)
    residual = upright - measure
    doubt = np.where(known, 0.0, 1.0 / rest)
    skew = np.where(residual > 0, *sides(noise, np.ones((1, 1, 1))))
    expected = own + doubt
    squares = residual * residual / (skew * expected)
    return _Residuals(
        counted=(block.drawn & (known | ~alone)) * exists[block.rows],
        residual=residual,
        lean=lean,
        known=known,
        skew=skew,
        share=own / expected,
        doubt=doubt,
        squares=squares,
        robust=(DEGREES + 1) / (DEGREES + squares),
    )


def _sums(block: Block, found: _Residuals, noise: WorkerNoise) -> WorkerNoise:
    """Add one block's residuals up by worker; of their squares what is expected to be the worker's own."""
    weights = found.counted * found.robust * found.share / found.skew
    own = found.share * found.residual
    squares = found.robust * own * own / found.skew + found.share * found.doubt
    at = _places(block, len(noise.workers))
    measured = np.where(found.known, weights, 0.0)
    return replace(
        noise,
        boxes=_per_worker(at[:1], noise, found.counted[:1])[:, 0],
        squares=_per_worker(at, noise, found.counted * squares),
        leans=_per_worker(at, noise, weights * (found.residual + found.lean)),
        weights=_per_worker(at, noise, weights),
        known_leans=(measured * (found.residual + noise.shared[:, None, None])).sum(axis=(1, 2)),
        known_weights=measured.sum(axis=(1, 2)),
    )


def _places(block: Block, workers: int) -> Indices:
    """Return where each edge of each box counts among the workers' edges, (4, A, g)."""
    return block.worker + np.arange(EDGES)[:, None, None] * workers


def _per_worker(at: Indices, noise: WorkerNoise, values: Floats) -> Floats:
    """Add values (K, A, g) up by worker; (W, K)."""
    count = len(noise.workers)
    totals = np.bincount(at.ravel(), values.ravel(), count * len(values))
    return np.asarray(totals.reshape(len(values), count).T, np.float64)


def _power(parts: Sequence[Block], found: Sequence[_Residuals], noise: WorkerNoise, before: WorkerNoise) -> Floats:
    """Return one Newton step of how noise grows with the side: its spread should not depend on the side any more."""
    total, sums = np.zeros(EDGES), np.zeros((EDGES, EDGES))
    for block, one in zip(parts, found, strict=True):
        length = np.log(block.side / UNIT)
        counted = over_slots(one.counted)
        surplus = over_slots(one.counted * (one.robust * one.squares - 1.0))
        terms = (counted * length, counted * length**2, surplus, surplus * length)
        total = total + counted.sum(axis=1)
        sums = sums + np.stack([term.sum(axis=1) for term in terms])
    mean = sums[0] / np.maximum(total, TINY)
    known = PRIOR_POWER + SIDES_VARY * before.boxes.sum()
    score = sums[3] - mean * sums[2] - known * (noise.power - before.power)
    information = INFORMATION * (sums[1] - mean * sums[0]) + known
    return np.asarray(np.clip(noise.power + score / information, LEAST_POWER, MOST_POWER))
