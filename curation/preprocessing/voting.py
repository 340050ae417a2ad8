"""Candidates that no hash of the whole picture finds: pictures that share many corner descriptors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .features import Features, strongest_of_mirror
from .pixels import Grey

TABLES = 3
KEY_BITS = 24
STRONGEST = 150
FULL_BUCKET = 12
MIN_VOTES = 6
NO_KEY = np.uint32(1 << KEY_BITS)
_CELLS = 1_000_000
_SEED = 20_240_256

Keys = npt.NDArray[np.uint32]
"""Shape (3, 150): one 24-bit key per table and feature; NO_KEY where a picture has fewer features."""

_Rows = npt.NDArray[np.int64]
_Votes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two pictures with enough votes, by position, the earlier first; `mirrored` when the mirror image got more."""

    earlier: int
    new: int
    votes: int
    mirrored: bool


_POSITIONS = np.stack([np.random.default_rng(_SEED + t).choice(256, KEY_BITS, replace=False) for t in range(TABLES)])
_WEIGHTS = (1 << np.arange(KEY_BITS)).astype(np.uint32)


def keys_of(features: Features) -> Keys:
    """Return the keys of the 150 strongest features: 24 fixed bits of the 256 per table."""
    bits = np.unpackbits(features.descriptors[:STRONGEST], axis=1)
    keys = np.full((TABLES, STRONGEST), NO_KEY, np.uint32)
    for row, positions in zip(keys, _POSITIONS, strict=True):
        row[: len(bits)] = bits[:, positions].astype(np.uint32) @ _WEIGHTS
    return keys


def both_keys(grey: Grey) -> tuple[Keys, Keys]:
    """Return the keys of a picture and of its mirror image."""
    plain, mirrored = strongest_of_mirror(grey, STRONGEST)
    return keys_of(plain), keys_of(mirrored)


def packed(keys: Keys) -> bytes:
    """Write keys in three bytes each, without the empty places: 1,350 bytes at most."""
    there = int((keys[0] != NO_KEY).sum())
    numbers = np.ascontiguousarray(keys[:, :there], "<u4").view(np.uint8)
    return numbers.reshape(TABLES, there, 4)[:, :, :3].tobytes()


def unpacked(data: bytes) -> Keys:
    """Read what `packed` wrote."""
    there = len(data) // (3 * TABLES)
    numbers = np.zeros((TABLES, there, 4), np.uint8)
    numbers[:, :, :3] = np.frombuffer(data, np.uint8).reshape(TABLES, there, 3)
    keys = np.full((TABLES, STRONGEST), NO_KEY, np.uint32)
    keys[:, :there] = numbers.view("<u4")[:, :, 0]
    return keys


class Table:
    """One table's keys in order, with the picture each belongs to; full buckets, which say nothing, are left out."""

    def __init__(self, keys: npt.NDArray[np.uint32]) -> None:
        owners = np.repeat(np.arange(len(keys), dtype=np.int32), STRONGEST)
        flat = keys.ravel()
        order = np.argsort(flat, kind="stable")
        flat, owners = flat[order], owners[order]
        starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
        sizes = np.diff(np.r_[starts, len(flat)])
        kept = np.repeat(sizes <= FULL_BUCKET, sizes) & (flat != NO_KEY)
        self._keys, self._owners = flat[kept], owners[kept]

    def matches(self, queries: npt.NDArray[np.uint32]) -> tuple[_Rows, _Rows]:
        """Return (row of `queries`, picture) for each stored key that equals a queried one."""
        flat = queries.ravel()
        first = np.searchsorted(self._keys, flat, "left")
        sizes = np.searchsorted(self._keys, flat, "right") - first
        rows = np.repeat(np.arange(len(queries)), STRONGEST)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.repeat(rows, sizes), self._owners[np.repeat(first, sizes) + within].astype(np.int64)


def candidates(plain: Sequence[Keys], mirrored: Sequence[Keys], *, votes: int = MIN_VOTES) -> Iterator[Candidate]:
    """Yield the pairs of pictures that share at least so many keys, plainly or with the one mirrored.

    `plain` and `mirrored` hold the keys of each picture and of its mirror image. Memory: 3.6 KB a picture.
    """
    if not len(plain):
        return
    tables = [Table(np.stack([keys[number] for keys in plain])) for number in range(TABLES)]
    together = max(1, _CELLS // len(plain))
    for start in range(0, len(plain), together):
        straight = _counted(tables, plain[start : start + together], len(plain))
        turned = _counted(tables, mirrored[start : start + together], len(plain))
        yield from _best(straight, turned, start, votes)


def _counted(tables: Sequence[Table], queries: Sequence[Keys], pictures: int) -> _Votes:
    """Return an array (queries, pictures) of votes."""
    counts = np.zeros(len(queries) * pictures, np.int64)
    for number, table in enumerate(tables):
        rows, found = table.matches(np.stack([keys[number] for keys in queries]))
        pairs, times = np.unique(rows * pictures + found, return_counts=True)
        counts[pairs] += times
    return counts.reshape(len(queries), pictures)


def _best(straight: _Votes, turned: _Votes, start: int, votes: int) -> Iterator[Candidate]:
    most = np.maximum(straight, turned)
    for row, earlier in np.argwhere(most >= votes).tolist():
        if earlier < start + row:
            mirrored = bool(turned[row, earlier] > straight[row, earlier])
            yield Candidate(earlier, start + row, int(most[row, earlier]), mirrored)
