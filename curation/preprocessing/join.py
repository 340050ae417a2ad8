"""All pairs of near hashes in a large set, exactly: multi-index bands instead of comparing each with each.

With numba installed (an optional extra) the inner loop is compiled; without it numpy gives the same pairs more slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import ceil, comb, log2
from typing import Any

import numpy as np
import numpy.typing as npt

from .join_loop import Kernel, Numbers, Words, pairs_of_band, set_bits

WORD = 64
MOST_PAIRS = 50_000_000
_NARROWEST, _WIDEST = 8, 24
_CANDIDATES_AT_ONCE = 4_000_000
_FIRST_ROOM = 1 << 20

_Part = tuple[Numbers, Numbers, Numbers]


class TooManyPairs(ValueError):
    """More pairs than memory should hold."""


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Rows `left[i]` < `right[i]` lie `distance[i]` bits apart; each pair once, sorted by left, then right."""

    left: Numbers
    right: Numbers
    distance: Numbers

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Band:
    """Neighbouring bits inside one word, lowest first, and how many of them may differ in a candidate."""

    word: int
    shift: int
    width: int
    flips: int

    @property
    def bits(self) -> int:
        return ((1 << self.width) - 1) << self.shift

    def keys(self, hashes: Words) -> Numbers:
        return ((hashes[:, self.word] & np.uint64(self.bits)) >> np.uint64(self.shift)).astype(np.int64)

    def masks(self) -> Numbers:
        """Return every way to flip at most `flips` bits of a key, none first."""
        chosen = (some for count in range(self.flips + 1) for some in combinations(range(self.width), count))
        return np.array([sum(1 << bit for bit in some) for some in chosen], np.int64)

    def cost(self, rows: int) -> float:
        """Estimate the buckets and candidates that are looked at."""
        masks: int = sum(comb(self.width, count) for count in range(self.flips + 1))
        return masks * ((1 << self.width) + rows * rows / 2 / (1 << self.width))


def near_pairs(hashes: Words, radius: int, *, most: int = MOST_PAIRS, compiled: bool | None = None) -> Pairs:
    """Return all pairs of rows at most `radius` bits apart.

    `hashes` is uint64[n, w], w words of 64 bits. `compiled` chooses between numba and numpy; None takes numba if it is
    there. Raises ValueError for a radius too large for bands (a quarter of the bits), TooManyPairs beyond `most`.

    Method: multi-index hashing (Norouzi, Punjani, Fleet 2012). Flips plus one of all bands add up to more than the
    radius, so that a pair within it differs in some band by no more than the band's flips.
    """
    rows, words = hashes.shape
    if not 0 <= radius < words * WORD // 4:
        raise ValueError(f"the radius must be from 0 to {words * WORD // 4 - 1} bits, not {radius}")
    plan = bands(rows, words, radius)
    kernel = loop() if compiled is None else loop() if compiled else None
    parts: list[_Part] = []
    for number in range(len(plan)):
        parts += _by_last_band(hashes, plan[: number + 1], radius, most - sum(len(part[0]) for part in parts), kernel)
    columns = zip(*parts, strict=True) if parts else [[np.empty(0, np.int64)]] * 3
    left, right, distance = (np.concatenate(list(column)) for column in columns)
    low, high = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((high, low))
    return Pairs(low[order], high[order], distance[order])


def bands(rows: int, words: int, radius: int) -> list[Band]:
    """Choose the cheapest bands for so many hashes."""
    widest = min(_WIDEST, max(_NARROWEST, ceil(log2(max(rows, 2)))))
    plans = (_plan(per_word, words, radius, widest) for per_word in range(1, WORD // _NARROWEST + 1))
    return min(plans, key=lambda plan: sum(band.cost(rows) for band in plan))


def _plan(per_word: int, words: int, radius: int, widest: int) -> list[Band]:
    every, more = divmod(radius + 1, per_word * words)
    edges = [WORD * part // per_word for part in range(per_word + 1)]
    places = [(word, edges[part], edges[part + 1]) for word in range(words) for part in range(per_word)]
    flips = [every if number < more else every - 1 for number in range(len(places))]
    return [
        Band(word, first, min(end - first, widest), allowed)
        for (word, first, end), allowed in zip(places, flips, strict=True)
        if allowed >= 0
    ]


@cache
def loop() -> Kernel | None:
    """Return the compiled inner loop, or None where numba is not installed."""
    try:
        import numba
    except ImportError:
        return None
    count_bits: Any = numba.njit(inline="always")(set_bits)
    kernel: Any = numba.njit(pairs_of_band)
    return lambda *arguments: int(kernel(count_bits, *arguments))


@dataclass(frozen=True, eq=False, slots=True)
class _Buckets:
    """Hashes sorted by key: row `i` was row `order[i]`, key `k` has rows `starts[k]` to `starts[k + 1]`."""

    hashes: Words
    keys: Numbers
    order: Numbers
    starts: Numbers


def _buckets(hashes: Words, band: Band) -> _Buckets:
    keys = band.keys(hashes)
    order = np.argsort(keys, kind="stable")
    starts = np.zeros(2**band.width + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=2**band.width), out=starts[1:])
    return _Buckets(np.ascontiguousarray(hashes[order]), keys[order], order, starts)


def _by_last_band(hashes: Words, plan: list[Band], radius: int, most: int, kernel: Kernel | None) -> list[_Part]:
    """Join by the last band of `plan`; the ones before it have been joined by."""
    rows = _buckets(hashes, plan[-1])
    if kernel is not None:
        found = [_compiled(kernel, rows, plan, radius, most)]
    else:
        found = list(_vectorised(rows, plan, radius, most))
    return [(rows.order[left], rows.order[right], distance) for left, right, distance in found]


def _compiled(kernel: Kernel, rows: _Buckets, plan: list[Band], radius: int, most: int) -> _Part:
    earlier = np.array([(band.word, band.bits, band.flips) for band in plan[:-1]], np.uint64).reshape(-1, 3)
    room = min(_FIRST_ROOM, most)
    while True:
        left, right, distance = (np.empty(room, np.int64) for _ in range(3))
        found = kernel(rows.hashes, rows.starts, plan[-1].masks(), earlier, radius, left, right, distance)
        _require_at_most(found, most)
        if found <= room:
            return left[:found], right[:found], distance[:found]
        room = found


def _vectorised(rows: _Buckets, plan: list[Band], radius: int, most: int) -> Iterator[_Part]:
    found, keys, starts = 0, rows.keys, rows.starts
    for mask in plan[-1].masks().tolist():
        other = keys ^ mask
        first = starts[other] if mask else np.arange(1, len(keys) + 1)
        counts = np.where(other >= keys, starts[other + 1] - first, 0)
        for left, right in _candidates(first, counts):
            differing = rows.hashes[left] ^ rows.hashes[right]
            distance = np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
            near = np.flatnonzero(distance <= radius)
            near = near[_is_new(differing[near], plan[:-1])]
            found += len(near)
            _require_at_most(found, most)
            yield left[near], right[near], distance[near]


def _candidates(first: Numbers, counts: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield some million pairs at a time of each row and its `counts[row]` rows from `first[row]` on."""
    ends = np.cumsum(counts)
    row = 0
    while row < len(counts):
        before = int(ends[row - 1]) if row else 0
        stop = max(row + 1, int(np.searchsorted(ends, before + _CANDIDATES_AT_ONCE, side="right")))
        some = counts[row:stop]
        left = np.repeat(np.arange(row, stop), some)
        within = np.arange(len(left)) - np.repeat(ends[row:stop] - some - before, some)
        if len(left):
            yield left, np.repeat(first[row:stop], some) + within
        row = stop


def _is_new(differing: Words, earlier: list[Band]) -> npt.NDArray[np.bool_]:
    """Tell which pairs none of the earlier bands has found."""
    new = np.ones(len(differing), np.bool_)
    for band in earlier:
        new &= np.bitwise_count(differing[:, band.word] & np.uint64(band.bits)) > band.flips
    return new


def _require_at_most(found: int, most: int) -> None:
    if found > most:
        raise TooManyPairs(
            f"more than {most:,} pairs lie within the radius: join one of each set of equal hashes, or less far"
        )
