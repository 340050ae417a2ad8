"""Pictures that share corners with a new one: an index that grows, forgets the oldest, and counts votes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .voting import FULL_BUCKET, MIN_VOTES, NO_KEY, STRONGEST, TABLES, Keys, Table

A_BLOCK, A_PART = 2048, 256

_ENDS = 0xFFFF

_Votes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Voted:
    """A stored picture with enough votes; `mirrored` when the new picture's mirror image got more."""

    id: int
    votes: int
    mirrored: bool


class CornerIndex:
    """The keys of the newest `most` pictures, 3.6 KB each; asked about 20,000 pictures it answers in some 10 ms.

    Keys are sorted once for every 256 pictures, and once more for every 2,048; those of the last few when asked.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._blocks: deque[_Block] = deque()
        self._parts: list[_Block] = []
        self._ids: list[int] = []
        self._keys: list[Keys] = []

    def __len__(self) -> int:
        return len(self._ids) + sum(len(block.ids) for block in self._blocks)

    def add(self, id: int, keys: Keys) -> None:
        self._ids.append(id)
        self._keys.append(keys)
        if len(self._ids) % A_PART:
            return
        if len(self._ids) < A_BLOCK:
            self._parts.append(_Block(self._ids[-A_PART:], self._keys[-A_PART:]))
            return
        self._blocks.append(_Block(self._ids, self._keys))
        self._parts, self._ids, self._keys = [], [], []
        while len(self._blocks) > 1 and len(self) - len(self._blocks[0].ids) >= self._most:
            self._blocks.popleft()

    def near(self, plain: Keys, mirrored: Keys, *, votes: int = MIN_VOTES) -> list[Voted]:
        """Return the pictures that share at least so many keys, those with the most votes first.

        `plain` and `mirrored`: the keys of the new picture and of its mirror image.
        """
        found: list[Voted] = self.near_all([(plain, mirrored)], votes=votes)[0]
        return found

    def near_all(self, pictures: Sequence[tuple[Keys, Keys]], *, votes: int = MIN_VOTES) -> list[list[Voted]]:
        """Return what is near to each of several pictures: asked forty together, each costs a fifth."""
        found: list[list[Voted]] = [[] for _ in pictures]
        if not pictures:
            return found
        queries = np.array(pictures).reshape(-1, TABLES, STRONGEST)
        done = len(self._parts) * A_PART
        last = [_Block(self._ids[done:], self._keys[done:], full=None)] if done < len(self._ids) else []
        for block in (*self._blocks, *self._parts, *last):
            for own, (straight, turned) in zip(found, block.votes(queries), strict=True):
                own += _enough(block.ids, straight, turned, votes)
        return [sorted(own, key=lambda one: (-one.votes, one.id)) for own in found]


class _Block:
    """Pictures whose keys are sorted; keys that many of them have, if there is a `full` for them, say nothing."""

    def __init__(self, ids: Sequence[int], keys: Sequence[Keys], full: int | None = FULL_BUCKET) -> None:
        self.ids = list(ids)
        stored = np.stack(keys)
        self._tables = [Table(stored[:, number], full) for number in range(TABLES)]

    def votes(self, queries: npt.NDArray[np.uint32]) -> _Votes:
        """Count the keys that queries, uint32[2 n, 3, 150], share with each picture: int64[n, 2, pictures]."""
        size = len(queries) * len(self.ids)
        counts = np.zeros(size, np.int64)
        for number, table in enumerate(self._tables):
            rows, pictures = table.matches(queries[:, number])
            counts += np.bincount(rows * len(self.ids) + pictures, minlength=size)
        return counts.reshape(-1, 2, len(self.ids))


def voted(
    ids: Sequence[int], stored: npt.NDArray[np.uint32], plain: Keys, mirrored: Keys, *, votes: int = MIN_VOTES
) -> list[Voted]:
    """Count votes among a few pictures, keys that many of them have included; those with the most votes first.

    `stored`: the keys of each, uint32[n, 3, 150].
    """
    straight, turned = (_shared(stored, keys) for keys in (plain, mirrored))
    return sorted(_enough(ids, straight, turned, votes), key=lambda one: (-one.votes, one.id))


def _shared(stored: npt.NDArray[np.uint32], keys: Keys) -> _Votes:
    """Return how many of each picture's keys are among these: `stored` uint32[n, 3, 150]."""
    total = np.zeros(len(stored), np.int64)
    for number in range(TABLES):
        mine = np.unique(keys[number][keys[number] != NO_KEY])
        if len(mine):
            theirs = stored[:, number]
            rows, places = np.nonzero(_ending_as(mine)[theirs & _ENDS])
            likely = theirs[rows, places]
            place = np.searchsorted(mine, likely).clip(max=len(mine) - 1)
            total += np.bincount(rows[mine[place] == likely], minlength=len(stored))
    return total


def _ending_as(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Return a table of the last 16 bits of keys: a look at it leaves few of those that are not among them."""
    table = np.zeros(_ENDS + 1, np.bool_)
    table[keys & _ENDS] = True
    return table


def _enough(ids: Sequence[int], straight: _Votes, turned: _Votes, votes: int) -> list[Voted]:
    most = np.maximum(straight, turned)
    return [
        Voted(ids[row], int(most[row]), bool(turned[row] > straight[row]))
        for row in np.flatnonzero(most >= votes).tolist()
    ]
