"""Candidates that no hash of the whole picture finds: pictures that share many corner descriptors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .features import Features, in_mirror
from .preview import Preview

TABLES = 3
KEY_BITS = 24
STRONGEST = 150
FULL_BUCKET = 12
MIN_VOTES = 6
NO_KEY = np.uint32(1 << KEY_BITS)
_TOGETHER, _PART, _BLOCK = 256, 2048, 8192
_KEY_BYTES = 2 * TABLES * STRONGEST * 4
_OWNER_BITS = np.uint64(32)
_SEED = 20_240_256
_LAST = np.uint32(0xFFFF_FFFF)
"""Behind all keys, so that a search never ends behind the table."""

Keys = npt.NDArray[np.uint32]
"""Shape (3, 150): one 24-bit key per table and feature; NO_KEY where a picture has fewer features."""

_Keys = npt.NDArray[np.uint32]
_Rows = npt.NDArray[np.int64]
_Votes = tuple[_Rows, _Rows]


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


def both_keys(preview: Preview) -> tuple[Keys, Keys]:
    """Return the keys of a picture and of its mirror image."""
    strongest = preview.features[:STRONGEST]
    return keys_of(strongest), keys_of(in_mirror(preview.trimmed, strongest))


def packed(keys: Keys) -> bytes:
    """Write keys in three bytes each, without the empty places: 1,350 bytes at most."""
    there = int((keys[0] != NO_KEY).sum())
    numbers = np.ascontiguousarray(keys[:, :there], "<u4").view(np.uint8)
    return numbers.reshape(TABLES, there, 4)[:, :, :3].tobytes()


def unpacked(data: bytes) -> Keys:
    """Read what `packed` wrote."""
    keys: Keys = _unpacked([data])[0]
    return keys


def unpacked_all(stored: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Read what `packed` wrote of many pictures: uint32[n, 3, 150]. Nearly all have as many keys: read together."""
    keys = np.empty((len(stored), TABLES, STRONGEST), np.uint32)
    lengths = np.array([len(one) for one in stored])
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        keys[rows] = _unpacked([stored[row] for row in rows.tolist()])
    return keys


def _unpacked(stored: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    there = len(stored[0]) // (3 * TABLES)
    numbers = np.zeros((len(stored), TABLES, there, 4), np.uint8)
    numbers[..., :3] = np.frombuffer(b"".join(stored), np.uint8).reshape(len(stored), TABLES, there, 3)
    keys = np.full((len(stored), TABLES, STRONGEST), NO_KEY, np.uint32)
    keys[:, :, :there] = numbers.view("<u4")[..., 0]
    return keys


class Table:
    """One table's keys in order, with the picture each belongs to; full buckets, which say nothing, are left out."""

    def __init__(self, keys: npt.NDArray[np.uint32], full: int | None = FULL_BUCKET) -> None:
        """Sort `keys`, uint32[n, 150], together with their owners; without a `full` no bucket is left out."""
        pairs = keys.astype(np.uint64).ravel()
        pairs <<= _OWNER_BITS
        pairs.reshape(len(keys), -1)[:] |= np.arange(len(keys), dtype=np.uint64)[:, None]
        pairs.sort()
        flat = (pairs >> _OWNER_BITS).astype(np.uint32)
        starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
        sizes = np.diff(np.r_[starts, len(flat)])
        kept = np.repeat(sizes <= (full or flat.size), sizes) & (flat != NO_KEY)
        self._keys, self._owners = np.append(flat[kept], _LAST), pairs[kept].astype(np.int32)

    def matches(self, queries: npt.NDArray[np.uint32]) -> tuple[_Rows, _Rows]:
        """Return (row of `queries`, picture) for each stored key that equals a queried one."""
        order = np.argsort(queries, axis=None)  # neighbours are searched for in the same place
        flat = queries.ravel()[order]
        first = np.searchsorted(self._keys, flat)
        met = np.flatnonzero(self._keys[first] == flat)
        first = first[met]
        sizes = np.searchsorted(self._keys, flat[met], "right") - first
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = np.repeat(order[met] // STRONGEST, sizes)
        return rows, self._owners[np.repeat(first, sizes) + within].astype(np.int64)


class KeyFile:
    """The keys of many pictures and of their mirror images, in a temporary file of a folder: they take no memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - held as long as this
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, plain: Keys, mirrored: Keys) -> None:
        self._file.write(plain.tobytes() + mirrored.tobytes())
        self._size += 1

    def read(self, start: int, stop: int) -> npt.NDArray[np.uint32]:
        """Return uint32[n, 2, 3, 150]: of each picture its own keys and those of its mirror image."""
        self._file.seek(start * _KEY_BYTES)
        data = self._file.read((min(stop, self._size) - start) * _KEY_BYTES)
        return np.frombuffer(data, np.uint32).reshape(-1, 2, TABLES, STRONGEST)


def candidates(keys: KeyFile, *, votes: int = MIN_VOTES) -> Iterator[Candidate]:
    """Yield the pairs of pictures that share at least so many keys, plainly or with the one mirrored.

    Blocks of pictures are compared, a part at a time, with all that follow: memory does not grow with their number.
    Keys that many of a block have say nothing.
    """
    for first in range(0, len(keys), _BLOCK):
        block = range(first, min(first + _BLOCK, len(keys)))
        full = [_full(keys, number, block) for number in range(TABLES)]
        parts = (range(start, min(start + _PART, block.stop)) for start in block[::_PART])
        found = [one for part in parts for one in _of_part(keys, part, full, votes)]
        yield from sorted(found, key=lambda one: (one.new, one.earlier))


def _of_part(keys: KeyFile, part: range, full: Sequence[_Keys], votes: int) -> Iterator[Candidate]:
    tables = [Table(_own(keys, number, part, without)) for number, without in enumerate(full)]
    for start in range(part.start, len(keys), _TOGETHER):
        queries = keys.read(start, start + _TOGETHER)
        straight, turned = (_counted(tables, queries[:, side], len(part)) for side in range(2))
        yield from _best(straight, turned, start, votes, part)


def _full(keys: KeyFile, number: int, block: range) -> _Keys:
    """Return the keys of one table that more pictures of the block have than a bucket holds."""
    flat = np.sort(_own(keys, number, block), axis=None)
    return np.unique(flat[FULL_BUCKET:][flat[FULL_BUCKET:] == flat[:-FULL_BUCKET]])


def _own(keys: KeyFile, number: int, stored: range, without: _Keys | None = None) -> _Keys:
    """Return the keys that pictures have themselves, not in the mirror: uint32[n, 150]."""
    own = np.empty((len(stored), STRONGEST), np.uint32)
    for at in range(0, len(stored), _TOGETHER):
        stop = min(stored.start + at + _TOGETHER, stored.stop)
        own[at : at + _TOGETHER] = keys.read(stored.start + at, stop)[:, 0, number]
    if without is not None:
        own[np.isin(own, without)] = NO_KEY
    return own


def _counted(tables: Sequence[Table], queries: npt.NDArray[np.uint32], pictures: int) -> _Votes:
    """Return sorted codes of (query, picture) and the votes of each."""
    found = [table.matches(queries[:, number]) for number, table in enumerate(tables)]
    codes = np.concatenate([rows * pictures + picture for rows, picture in found])
    return np.unique(codes, return_counts=True)


def _best(straight: _Votes, turned: _Votes, start: int, votes: int, stored: range) -> Iterator[Candidate]:
    enough = np.union1d(*(codes[counts >= votes] for codes, counts in (straight, turned)))
    plain, mirrored = (_votes_of(enough, *one).tolist() for one in (straight, turned))
    for code, own, other in zip(enough.tolist(), plain, mirrored, strict=True):
        row, place = divmod(code, len(stored))
        if stored[place] < start + row:
            yield Candidate(stored[place], start + row, max(own, other), other > own)


def _votes_of(wanted: _Rows, codes: _Rows, counts: _Rows) -> _Rows:
    if not len(codes):
        return np.zeros(len(wanted), np.int64)
    place = np.searchsorted(codes, wanted).clip(max=len(codes) - 1)
    return np.where(codes[place] == wanted, counts[place], 0)
