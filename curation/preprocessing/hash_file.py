"""Which pictures of a folder are near each other by hash: exact, any radius, from the disk block by block."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .hashes import Turns
from .neighbours import BLOCK, WORDS, Words, within
from .pixels import TURNS

_TOGETHER = 256
_STORED = np.dtype([("id", np.int64), ("hash", np.uint64, (WORDS,))])
_ASKED = np.dtype([("id", np.int64), ("hashes", np.int64), ("turns", np.uint64, (2 * len(TURNS), WORDS))])

_Rows = npt.NDArray[np.void]
_Ids = npt.NDArray[np.int64]


class HashFile:
    """The hashes of many pictures, in ascending order of their ids, in temporary files of a folder: no memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._asked, self._plain, self._trimmed = (_Records(kind, folder) for kind in (_ASKED, _STORED, _STORED))

    def append(self, id: int, plain: Turns, trimmed: Turns | None = None) -> None:
        """Add a picture: the hashes of its orientations, and those of what is left of it without borders, if any."""
        hashes = plain + (trimmed or ())
        self._asked.append(id, _number(len(hashes)) + b"".join(hashes))
        self._plain.append(id, plain[0])
        if trimmed is not None:
            self._trimmed.append(id, trimmed[0])

    def near(self, radius: int) -> Iterator[tuple[int, list[int]]]:
        """Yield each picture with those before it that are within the radius in any orientation, nearest first."""
        for asked in self._asked.blocks(_TOGETHER):
            rows, queries = _queries(asked)
            best: list[dict[int, int]] = [{} for _ in asked]
            for file in (self._plain, self._trimmed):
                for stored in file.blocks(BLOCK, before=int(asked["id"][-1])):
                    words = np.ascontiguousarray(stored["hash"].T)
                    for query, columns, distances in within(words, queries, radius):
                        _note(best[rows[query]], stored["id"][columns], distances)
            for id_, found in zip(asked["id"].tolist(), best, strict=True):
                earlier = sorted((bits, one) for one, bits in found.items() if one < id_)
                yield id_, [one for _, one in earlier]


class _Records:
    """Fixed records in a temporary file, each begins with an id; ids ascend."""

    def __init__(self, kind: np.dtype[np.void], folder: Path | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - held as long as this
        self._kind = kind
        self._size = 0

    def append(self, id: int, fields: bytes) -> None:
        self._file.write((_number(id) + fields).ljust(self._kind.itemsize, b"\0"))
        self._size += 1

    def blocks(self, most: int, before: int | None = None) -> Iterator[_Rows]:
        """Yield so many records at a time, up to a given id."""
        for start in range(0, self._size, most):
            self._file.seek(start * self._kind.itemsize)
            rows = np.frombuffer(self._file.read(most * self._kind.itemsize), self._kind)
            wanted = rows if before is None else rows[: np.searchsorted(rows["id"], before)]
            if len(wanted):
                yield wanted
            if len(wanted) < len(rows):
                return


def _number(value: int) -> bytes:
    return np.int64(value).tobytes()


def _queries(asked: _Rows) -> tuple[list[int], Words]:
    """Return all hashes to be looked up, and of which of the pictures asked about each is."""
    wanted = np.arange(asked["turns"].shape[1]) < asked["hashes"][:, None]
    return np.nonzero(wanted)[0].tolist(), asked["turns"][wanted]


def _note(best: dict[int, int], ids: _Ids, distances: npt.NDArray[np.integer]) -> None:
    for id_, distance in zip(ids.tolist(), distances.tolist(), strict=True):
        best[id_] = min(best.get(id_, distance), distance)
