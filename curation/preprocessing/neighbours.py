"""Exact look-up of near hashes in memory, any radius, all eight orientations at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .hashes import Turns, turns_of
from .pixels import TURNS, inverse

_WORDS = 4
_FIRST_ROOM = 1024

_Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored picture near the one asked about; `orientation` turns the stored one into it."""

    id: int
    distance: int
    orientation: str


class _Matrix:
    """Rows of 256-bit hashes with their ids; room doubles as it fills."""

    def __init__(self) -> None:
        self._rows: _Words = np.empty((_FIRST_ROOM, _WORDS), np.uint64)
        self._ids: npt.NDArray[np.int64] = np.empty(_FIRST_ROOM, np.int64)
        self.size = 0

    def append(self, ids: npt.NDArray[np.int64], rows: _Words) -> None:
        end = self.size + len(ids)
        if end > len(self._ids):
            room = max(end, 2 * len(self._ids))
            self._rows = np.resize(self._rows, (room, _WORDS))
            self._ids = np.resize(self._ids, room)
        self._rows[self.size : end], self._ids[self.size : end] = rows, ids
        self.size = end

    def near(self, query: _Words, radius: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16]]:
        rows = self._rows[: self.size]
        distances = np.zeros(self.size, np.uint16)
        for column in range(_WORDS):
            distances += np.bitwise_count(rows[:, column] ^ query[column])
        found = np.flatnonzero(distances <= radius)
        return self._ids[found], distances[found]


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
            matrix.append(ids, np.frombuffer(b"".join(hash_ for _, hash_ in rows), np.uint64).reshape(-1, _WORDS))

    def near(self, plain: bytes | Turns, trimmed: bytes | Turns | None = None, radius: int = 64) -> list[Neighbour]:
        """Return stored pictures within `radius` bits in any orientation, nearest first, then by id.

        Give the turned hashes of an Analysis where there is one; from a stored hash alone the turned
        ones are a few bits off (see `turns_of`). The distance is the smallest over plain and trimmed on both sides.
        """
        best: dict[int, tuple[int, int]] = {}
        for query in (plain, trimmed):
            if query is None:
                continue
            for turn, hash_ in enumerate(query if isinstance(query, tuple) else turns_of(query)):
                self._collect(np.frombuffer(hash_, np.uint64), turn, radius, best)
        found = [Neighbour(id_, bits, inverse(TURNS[turn])) for id_, (bits, turn) in best.items()]
        return sorted(found, key=lambda one: (one.distance, one.id))

    def _collect(self, query: _Words, turn: int, radius: int, best: dict[int, tuple[int, int]]) -> None:
        for matrix in (self._plain, self._trimmed):
            ids, distances = matrix.near(query, radius)
            for id_, bits in zip(ids.tolist(), distances.tolist(), strict=True):
                best[id_] = min(best.get(id_, (bits, turn)), (bits, turn))
