"""Exact look-up of near hashes in memory, any radius, all eight orientations at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .hashes import Turns, turns_of
from .pixels import TURNS, inverse

WORDS = 4
_FIRST_ROOM = 1024
BLOCK = 32_768
TOGETHER = 2_048
_CAP = 255 - 64

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored picture near the one asked about; `orientation` turns the stored one into it."""

    id: int
    distance: int
    orientation: str


class _Matrix:
    """256-bit hashes with their ids, one array per word of 64 bits; room doubles as it fills."""

    def __init__(self) -> None:
        self._words: Words = np.empty((WORDS, _FIRST_ROOM), np.uint64)
        self._ids: npt.NDArray[np.int64] = np.empty(_FIRST_ROOM, np.int64)
        self.size = 0

    def append(self, ids: npt.NDArray[np.int64], rows: Words) -> None:
        end = self.size + len(ids)
        if end > len(self._ids):
            room = max(end, 2 * len(self._ids))
            more = room - len(self._ids)
            self._words = np.pad(self._words, ((0, 0), (0, more)))
            self._ids = np.pad(self._ids, (0, more))
        self._words[:, self.size : end], self._ids[self.size : end] = rows.T, ids
        self.size = end

    def near(self, queries: Words, radius: int) -> Iterator[tuple[int, list[int], list[int]]]:
        """Yield the number of a query, and ids and distances of what is within the radius of it.

        `queries` is uint64[n, 4]. All queries are compared with one block of rows before the next block is touched:
        a block stays in the processor's cache, memory is read once.
        """
        for start in range(0, self.size, BLOCK):
            block = self._words[:, start : min(start + BLOCK, self.size)]
            for number, found, distances in within(block, queries, radius):
                yield number, self._ids[start + found].tolist(), distances.tolist()


def within(block: Words, queries: Words, radius: int) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[Any]]]:
    """Yield the number of a query, and columns and distances of what is within the radius of it.

    `block` is uint64[4, n], `queries` uint64[m, 4].
    """
    for first, distances in _distances(block, queries, radius):
        near = distances <= radius
        for row in np.flatnonzero(near.any(axis=1)):
            found = np.flatnonzero(near[row])
            yield first + int(row), found, distances[row, found]


def _distances(block: Words, queries: Words, radius: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield the first of some queries and their distances, [queries, n]; each array is overwritten by the next.

    One query at a time for a large block; some or all at once where little is stored, which spares calls.
    """
    size = block.shape[1]
    together = min(len(queries), max(1, TOGETHER // max(1, size)))
    narrow = radius < _CAP  # sums then fit into 8 bits, which is twice as fast
    room = (together, size)
    differing, bits = np.empty(room, np.uint64), np.empty(room, np.uint8)
    total: npt.NDArray[Any] = np.empty(room, np.uint8 if narrow else np.uint16)
    for first in range(0, len(queries), together):
        some = queries[first : first + together]
        apart, counted, summed = differing[: len(some)], bits[: len(some)], total[: len(some)]
        np.bitwise_count(np.bitwise_xor(block[0], some[:, :1], out=apart), out=summed)
        for word in range(1, WORDS):
            np.bitwise_count(np.bitwise_xor(block[word], some[:, word : word + 1], out=apart), out=counted)
            if narrow and word == WORDS - 1:
                np.minimum(summed, _CAP, out=summed)
            np.add(summed, counted, out=summed)
        yield first, summed


class HashIndex:
    """All hashes of one project; the truth stays in the database, this only answers fast."""

    def __init__(self) -> None:
        self._plain = _Matrix()
        self._trimmed = _Matrix()

    def __len__(self) -> int:
        return self._plain.size

    def add(self, id: int, plain: bytes, trimmed: bytes | None = None) -> None:
        self.add_many([(id, plain, trimmed)])

    def add_many(self, rows: list[tuple[int, bytes, bytes | None]]) -> None:
        """Append rows of id, plain hash and trimmed hash (None when the picture has no flat border)."""
        self._append(self._plain, [(id_, plain) for id_, plain, _ in rows])
        self._append(self._trimmed, [(id_, trimmed) for id_, _, trimmed in rows if trimmed is not None])

    @staticmethod
    def _append(matrix: _Matrix, rows: list[tuple[int, bytes]]) -> None:
        if rows:
            ids = np.array([id_ for id_, _ in rows], np.int64)
            matrix.append(ids, np.frombuffer(b"".join(hash_ for _, hash_ in rows), np.uint64).reshape(-1, WORDS))

    def near(self, plain: bytes | Turns, trimmed: bytes | Turns | None = None, radius: int = 64) -> list[Neighbour]:
        """Return stored pictures within `radius` bits in any orientation, nearest first, then by id.

        Give the turned hashes of an Analysis where there is one; from a stored hash alone the turned
        ones are a few bits off (see `turns_of`). The distance is the smallest over plain and trimmed on both sides.
        """
        queries = [
            hash_
            for query in (plain, trimmed)
            if query is not None
            for hash_ in (query if isinstance(query, tuple) else turns_of(query))
        ]
        best: dict[int, tuple[int, int]] = {}
        words = np.frombuffer(b"".join(queries), np.uint64).reshape(-1, WORDS)
        for matrix in (self._plain, self._trimmed):
            for number, ids, distances in matrix.near(words, radius):
                turn = number % len(TURNS)
                for id_, bits in zip(ids, distances, strict=True):
                    best[id_] = min(best.get(id_, (bits, turn)), (bits, turn))
        found = [Neighbour(id_, bits, inverse(TURNS[turn])) for id_, (bits, turn) in best.items()]
        return sorted(found, key=lambda one: (one.distance, one.id))
