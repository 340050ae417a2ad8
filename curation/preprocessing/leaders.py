"""Leader clustering of many hashes without a list of pairs: each picture joins the nearest leader, or becomes one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WORDS = 4
BLOCK, CHUNK = 128, 4096
NEAR = 16
ALONE = 255

Words = npt.NDArray[np.uint64]
Indexes = npt.NDArray[np.int32]
Distances = npt.NDArray[np.uint8]


def group(
    rows: Words, radius: int, *, leaders: Indexes | None = None, distances: Distances | None = None
) -> tuple[Indexes, Distances]:
    """Return for each row the row that leads it (itself, when it leads) and the bits between the two.

    `rows`: uint64[n, 4], hashes of 256 bits in order of precedence: an earlier row is the better picture.
    `radius`: bits, 0 to 63. `leaders`, `distances`: what an earlier call has found for the first rows, which stays.
    A member is within the radius of its own leader, so nothing chains. O(n * leaders), exact: the first words
    rule most pairs out, as a part of a distance is never more than the whole. Raises ValueError for other radii.
    """
    if not 0 <= radius < 64:
        raise ValueError(f"A radius of 0 to 63 bits is possible, not {radius}.")
    known = 0 if leaders is None else len(leaders)
    found = np.empty(len(rows), np.int32)
    bits = np.zeros(len(rows), np.uint8)
    if leaders is not None and distances is not None:
        found[:known], bits[:known] = leaders, distances
    pile = _Pile(rows, np.unique(found[:known]))
    for start in range(known, len(rows), BLOCK):
        end = min(start + BLOCK, len(rows))
        found[start:end], bits[start:end] = _joined(rows, start, end, radius, pile)
    return found, bits


class _Pile:
    """The leaders so far, one contiguous array for each word."""

    def __init__(self, rows: Words, leaders: npt.NDArray[np.int32]) -> None:
        self._columns = np.empty((WORDS, len(rows)), np.uint64)
        self._places = np.empty(len(rows), np.int32)
        self.size = len(leaders)
        self._columns[:, : self.size] = rows[leaders].T
        self._places[: self.size] = leaders

    def append(self, rows: Words, place: int) -> None:
        self._columns[:, self.size] = rows[place]
        self._places[self.size] = place
        self.size += 1

    def nearest(self, block: Words, radius: int) -> tuple[Distances, Indexes]:
        """Return for each row of the block the smallest distance within the radius (else 255) and its leader."""
        best = np.full(len(block), ALONE, np.uint8)
        leader = np.full(len(block), -1, np.int32)
        quick = 1 if radius <= NEAR else 2
        for start in range(0, self.size, CHUNK):
            chunk = self._columns[:, start : min(start + CHUNK, self.size)]
            part = _distances(block, chunk, quick)
            row, column = np.nonzero(part <= radius)
            whole = part[row, column].astype(np.uint16)
            for word in range(quick, WORDS):
                whole += np.bitwise_count(block[row, word] ^ chunk[word, column])
            near = whole <= radius
            row, column, whole = row[near], column[near], whole[near]
            # Written from far to near, and from late to early: the last one written is the nearest, then the earliest.
            order = np.lexsort((-column, -whole.astype(np.int32)))
            closer = whole[order] < best[row[order]]
            row, column, whole = row[order][closer], column[order][closer], whole[order][closer]
            best[row], leader[row] = whole.astype(np.uint8), self._places[start + column]
        return best, leader


def _distances(block: Words, columns: Words, words: int) -> npt.NDArray[np.uint8]:
    """Return the bits in which the first words differ: block rows x columns. 128 at most, so a byte is enough."""
    total = np.zeros((len(block), columns.shape[1]), np.uint8)
    for word in range(words):
        total += np.bitwise_count(block[:, word, None] ^ columns[word][None, :])
    return total


def _joined(rows: Words, start: int, end: int, radius: int, pile: _Pile) -> tuple[Indexes, Distances]:
    """Return leaders and distances of some rows, and add those that lead to the pile."""
    block = rows[start:end]
    best, leader = pile.nearest(block, radius)
    among = np.zeros((len(block), len(block)), np.uint16)
    for word in range(WORDS):
        among += np.bitwise_count(block[:, word, None] ^ block[None, :, word])
    fresh: list[int] = []
    for place in range(len(block)):
        if fresh:
            distances = among[place, fresh]
            nearest = int(distances.argmin())
            if distances[nearest] <= radius and distances[nearest] < best[place]:
                best[place], leader[place] = distances[nearest], start + fresh[nearest]
        if leader[place] < 0:
            best[place], leader[place] = 0, start + place
            fresh.append(place)
    for place in fresh:
        pile.append(rows, start + place)
    return leader, best
