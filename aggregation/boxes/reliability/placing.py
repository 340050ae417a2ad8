"""Where the edges of an object are, given how its annotators draw."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from aggregation.boxes.reliability.placing_noise import EDGES, WorkerNoise
from aggregation.boxes.reliability.table import Floats, Indices, Mask, Table, over_slots

DEGREES = 4.0  # of freedom of Student's t: a stray edge counts little
SKEW = 1.15  # the outward side of the noise is wider by this, the inward side narrower: people leave a margin
FIT_ROUNDS, FIT_STEPS = 10, 2
PLACE_STEPS = 6
BLOCK = 2048  # groups worked on at once: their arrays stay in the cache
OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])
LEAST_SIDE = 1.0  # pixels
TINY = 1e-9
CHANCES = ((-2.0, -2.5), (-4.5, -2.5))  # level and slope over the logarithm of the doubt, at IoU .5 and .75


@dataclass(frozen=True, slots=True)
class Placed:
    """G boxes, how sure their place is, and how much each annotator's box counted."""

    corners: Floats  # (G, 4) x1 y1 x2 y2 in pixels
    p50: Floats  # (G,) probability that IoU with the object is at least .5, given that it exists
    p75: Floats  # (G,) the same at .75
    weights: Floats  # (G, A) share of each slot, summing to 1 over the slots that drew the box


@dataclass(frozen=True, slots=True)
class _Block:
    """Some groups, their edges counted outwards in units of the box's sides."""

    edges: Floats  # (g, A, 4)
    drawn: Mask  # (g, A)
    worker: Indices  # (g, A) 0 where nothing was drawn
    side: Floats  # (g, 4) pixels a unit
    start: Floats  # (g, 4) the median
    known: Floats  # (g, 4) NaN where the truth is not given
    exists: Floats  # (g,)


def fit_noise(table: Table, exists: Floats, prior: WorkerNoise | None = None) -> WorkerNoise:
    """Return what the answers of `table`, and those behind `prior`, say of each worker's edges.

    `exists` (G,) is the probability of each object. Leave-one-out: a box is measured against the weighed mean of
    the others of its group, or against the known box where there is one.
    """
    before = (prior or WorkerNoise.of(())).aligned(table.workers)
    blocks = list(_blocks(table, before, exists))
    places = [block.start for block in blocks]
    noise = before
    for _ in range(FIT_ROUNDS):
        places = [_settle(block, noise, place, FIT_STEPS)[0] for block, place in zip(blocks, places, strict=True)]
        parts = (_measure(block, noise, place) for block, place in zip(blocks, places, strict=True))
        noise = reduce(_sum, parts, before)
    return noise


def place(table: Table, noise: WorkerNoise) -> Placed:
    """Return the box of every group; each depends on its own answers and on `noise` alone.

    A group without any drawn box (a known object that all missed) is placed at NaN with probabilities 0.
    """
    aligned = noise.aligned(table.workers)
    count, width = table.label.shape
    corners, weights = np.full((count, EDGES), np.nan), np.zeros((count, width))
    p50, p75 = np.zeros(count), np.zeros(count)
    for number, block in enumerate(_blocks(table, aligned, np.ones(count))):
        rows = slice(number * BLOCK, (number + 1) * BLOCK)
        settled, precision = _settle(block, aligned, block.start, PLACE_STEPS)
        some = np.asarray(block.drawn.any(axis=1))
        inside = np.clip(settled, *_hull(block))
        corners[rows][some] = (inside * OUTWARDS * block.side)[some]
        total = over_slots(precision)
        share = precision.sum(axis=2) / np.maximum(total.sum(axis=1), np.finfo(float).tiny)[:, None]
        weights[rows] = share
        p50[rows], p75[rows] = _chances(total, some)
    return Placed(corners, p50, p75, weights)


def _blocks(table: Table, noise: WorkerNoise, exists: Floats) -> Iterator[_Block]:
    at = np.searchsorted(noise.workers, table.workers) if table.workers else np.zeros(0, np.intp)
    drawn, by = table.drawn, table.by
    for begin in range(0, len(drawn), BLOCK):
        rows = slice(begin, begin + BLOCK)
        mask = drawn[rows]
        medians = _medians(table.corners[rows], mask)
        side = np.maximum(np.tile(medians[:, 2:] - medians[:, :2], 2), LEAST_SIDE)
        scale = OUTWARDS / side
        yield _Block(
            edges=np.where(mask[..., None], table.corners[rows] * scale[:, None], 0.0),
            drawn=mask,
            worker=at[np.where(mask, by[rows], 0)],
            side=side,
            start=medians * scale,
            known=table.truth[rows] * scale,
            exists=exists[rows],
        )


def _medians(corners: Floats, drawn: Mask) -> Floats:
    """Return the median of each coordinate over the drawn boxes, 0 where there is none; (g, A, 4) gives (g, 4)."""
    ordered = np.sort(np.where(drawn[..., None], corners, np.inf), axis=1)
    count = drawn.sum(axis=1)
    rows = np.arange(len(corners))
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = (ordered[rows, low] + ordered[rows, np.minimum(high, corners.shape[1] - 1)]) / 2
    return np.where(count[:, None] > 0, middle, 0.0)


def _hull(block: _Block) -> tuple[Floats, Floats]:
    """Return the innermost and the outermost edge drawn, twice (g, 4)."""
    drawn = block.drawn[..., None]
    return np.where(drawn, block.edges, np.inf).min(axis=1), np.where(drawn, block.edges, -np.inf).max(axis=1)


def _settle(block: _Block, noise: WorkerNoise, place: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return the most likely place and each box's precision there, by iterated re-weighting; (g, 4), (g, A, 4).

    Student-t noise whose outward side is wider than the inward one, about the worker's own lean.
    """
    upright = block.edges - noise.lean[block.worker]
    outward, inward = _sides(noise.spread[block.worker])
    for _ in range(steps):
        residual = upright - place[:, None]
        variance = np.where(residual > 0, outward, inward)
        precision = (DEGREES + 1) / (DEGREES * variance + residual * residual)
        precision *= block.drawn[..., None]
        total = over_slots(precision)
        place = over_slots(precision * upright) / np.where(total > 0, total, 1.0)
    return place, precision


def _sides(spread: Floats) -> tuple[Floats, Floats]:
    squares = spread * spread
    return squares * SKEW**2, squares / SKEW**2


def _measure(block: _Block, noise: WorkerNoise, place: Floats) -> WorkerNoise:
    """Return the sums of one block: residuals against the others of the group, less what those are uncertain by."""
    _, precision = _settle(block, noise, place, 1)
    lean, own = noise.lean[block.worker], noise.spread[block.worker] ** 2
    upright = block.edges - lean
    rest = over_slots(precision)[:, None] - precision
    alone = rest <= TINY * precision
    rest = np.where(alone, 1.0, rest)
    others = (over_slots(precision * upright)[:, None] - precision * upright) / rest
    known = ~np.isnan(block.known)[:, None]
    residual = upright - np.where(known, block.known[:, None], others)
    doubt = np.where(known, 0.0, 1.0 / rest)
    outward, inward = _sides(np.ones(1))
    skew = np.where(residual > 0, outward, inward)
    robust = (DEGREES + 1) / (DEGREES + residual * residual / (skew * (own + doubt)))
    counted = (block.drawn[..., None] & (known | ~alone)) * block.exists[:, None, None]
    weights = counted * robust * own / (skew * (own + doubt))
    return replace(
        noise,
        boxes=_per_worker(block, noise, counted[..., :1])[:, 0],
        squares=_per_worker(block, noise, counted * np.maximum(robust * residual * residual / skew - doubt, 0.0)),
        leans=_per_worker(block, noise, weights * (residual + lean)),
        weights=_per_worker(block, noise, weights),
        known_leans=(weights * (residual + noise.shared) * known).sum(axis=(0, 1)),
        known_weights=(weights * known).sum(axis=(0, 1)),
    )


def _per_worker(block: _Block, noise: WorkerNoise, values: Floats) -> Floats:
    """Add values (g, A, K) up by worker; (W, K)."""
    count, rows = len(noise.workers), values[block.drawn]
    worker = block.worker[block.drawn]
    return np.stack([np.bincount(worker, column, count) for column in rows.T], axis=1)


def _sum(a: WorkerNoise, b: WorkerNoise) -> WorkerNoise:
    return replace(
        a,
        boxes=a.boxes + b.boxes,
        squares=a.squares + b.squares,
        leans=a.leans + b.leans,
        weights=a.weights + b.weights,
        known_leans=a.known_leans + b.known_leans,
        known_weights=a.known_weights + b.known_weights,
    )


def _chances(precision: Floats, some: Mask) -> tuple[Floats, Floats]:
    """Return the probabilities of IoU >= .5 and >= .75 from the precision of the four edges, (g, 4)."""
    doubt = np.log(np.sqrt(over_slots((1.0 / np.where(precision > 0, precision, 1.0))[..., None])[:, 0]))
    p50, p75 = (1.0 / (1.0 + np.exp(-(level + slope * doubt))) for level, slope in CHANCES)
    return np.where(some, p50, 0.0), np.where(some, p75, 0.0)
