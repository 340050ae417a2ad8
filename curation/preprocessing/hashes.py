"""The 256-bit DCT sign hash, its eight orientations and the border trim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .pixels import TURNS, Grey, inverse, resized

WIDTH = 240
SIDE = 64
BITS = 256
BORDER_LEVELS = 8
BORDER_SHARE = 0.9
STEP_LINES, STEP_SHARE = 3, 0.4
MAX_TRIM = 0.42
ALIKE_LINES = 2
LOW_CONTRAST = 6.0

Turns = tuple[bytes, ...]
"""One hash of 32 bytes per entry of TURNS."""

_Floats = npt.NDArray[np.float32]


def _basis() -> _Floats:
    rows = np.arange(1, 17)[:, None]
    columns = np.arange(SIDE)[None, :]
    waves = np.sqrt(2 / SIDE) * np.cos(np.pi * (2 * columns + 1) * rows / (2 * SIDE))
    return np.asarray(waves, dtype=np.float32)


_DCT = _basis()
_PHASH_DCT = 2 * np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(32)[None, :] + 1) / 64)
_SIGNS = np.where(np.arange(1, 17) % 2, -1, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture in pixels, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def cut(self, pixels: Grey) -> Grey:
        return np.ascontiguousarray(pixels[self.top : self.bottom, self.left : self.right])


def hash_width(grey: Grey) -> Grey:
    """Resize a grey picture by area to the width the hash and the light measures are taken at."""
    height, width = grey.shape
    return resized(grey, WIDTH, max(1, round(height * WIDTH / width)))


def coefficients(grey: Grey) -> _Floats:
    """Return the 16x16 low DCT coefficients (no DC) of a grey picture squeezed to 64x64.

    Row = vertical, column = horizontal frequency 1..16. Same family as PDQ (Facebook, 2019).
    """
    square = resized(grey, SIDE, SIDE).astype(np.float32)
    return np.asarray(_DCT @ square @ _DCT.T, dtype=np.float32)


def apart(joined: bytes) -> Turns:
    """Cut hashes that were written one after the other."""
    return tuple(joined[at : at + BITS // 8] for at in range(0, len(joined), BITS // 8))


def phash64(grey: Grey) -> int:
    """Return the hash that `imagehash.phash` gives for a grey picture, as an unsigned number of 64 bits.

    Lanczos to 32x32, the 8x8 low coefficients of the DCT-II (with DC), one bit each above their median; source:
    imagehash 4.3, after N. Krawetz. Written out because SciPy, which theirs needs, triples a child's start and memory.
    """
    square = np.asarray(Image.fromarray(grey).resize((32, 32), Image.Resampling.LANCZOS), np.float64)
    low = _PHASH_DCT @ square @ _PHASH_DCT.T
    return int.from_bytes(np.packbits(low > _medians(low.reshape(1, -1))).tobytes(), "big")


def _bits(matrices: _Floats) -> Turns:
    """Return one hash for each of the matrices, float32[n, 16, 16]: what is above its median."""
    flat = matrices.reshape(len(matrices), -1)
    return tuple(row.tobytes() for row in np.packbits(flat > _medians(flat)[:, None], axis=1))


def _medians(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the median of each row: `np.median` without its checks, which cost more than the work on short rows."""
    low, high = (rows.shape[1] - 1) // 2, rows.shape[1] // 2
    halves = np.partition(rows, (low, high), axis=1)
    return np.asarray((halves[:, low] + halves[:, high]) / 2)


def _turned_coefficients(matrix: _Floats) -> _Floats:
    mirror, flip = matrix * _SIGNS[None, :], matrix * _SIGNS[:, None]
    both = mirror * _SIGNS[:, None]
    # Transposing swaps the axes first; a later left-right or top-bottom turn changes signs of the swapped ones.
    across = matrix.T
    turned = (matrix, mirror, flip, both, across, across * _SIGNS[:, None], across * _SIGNS[None, :], both.T)
    return np.stack(turned)


def hash256(grey: Grey) -> bytes:
    """Return the 32-byte hash of a grey picture of any size."""
    return _bits(coefficients(grey)[None])[0]


def turned_hashes(grey: Grey) -> Turns:
    """Return the hashes of the eight orientations, in the order of TURNS, from one transform."""
    return _bits(_turned_coefficients(coefficients(grey)))


def turns_of(stored: bytes) -> Turns:
    """Return the eight orientations of a stored hash, taking the median of the coefficients as zero.

    Exact for `none` and the transpose; the others may differ from the true turned hash by a few bits,
    because only the signs are stored.
    """
    signs = np.unpackbits(np.frombuffer(stored, np.uint8)).reshape(16, 16).astype(np.float32) - np.float32(0.5)
    return tuple(np.packbits(matrix > 0).tobytes() for matrix in _turned_coefficients(signs))


def trim_box(grey: Grey) -> Box | None:
    """Return what is left after borders (screenshot bars, frames) are dropped, or None if there are none.

    `grey` is the 240-wide picture. A border is of one tone along its whole length, takes at most 42 % of its side, and
    ends in a step: what it frames differs from it along two fifths of the edge. A dark sky or a wall has no such end. A
    bar that lies before one, and so ends in no step either, is known by the bar on the other side.
    """
    height, width = grey.shape
    top, bottom = _borders(grey)
    left, right = _borders(np.ascontiguousarray(grey.T))
    if top + bottom + left + right == 0:
        return None
    return Box(left, top, width - right, height - bottom)


@dataclass(frozen=True, slots=True)
class _Side:
    """How many lines from one side on are of one tone, that tone, and whether they end in a step."""

    lines: int
    tone: float
    ends: bool

    def is_like(self, other: _Side) -> bool:
        return self.lines + ALIKE_LINES >= other.lines and abs(self.tone - other.tone) <= BORDER_LEVELS


def _borders(grey: Grey) -> tuple[int, int]:
    """Return how many rows the border above takes, and the one below."""
    first, last = _side(grey), _side(grey[::-1])
    if first.ends == last.ends:
        return (first.lines, last.lines) if first.ends else (0, 0)
    if first.ends:
        return first.lines, min(first.lines, last.lines) if last.is_like(first) else 0
    return min(first.lines, last.lines) if first.is_like(last) else 0, last.lines


def _side(grey: Grey) -> _Side:
    edge = grey[:1].astype(np.float32)
    tone = float(_medians(edge)[0])
    if np.count_nonzero(np.abs(edge - np.float32(tone)) > BORDER_LEVELS) > (1 - BORDER_SHARE) * edge.size:
        return _Side(0, tone, ends=False)
    away = np.abs(grey[: int(len(grey) * MAX_TRIM) + STEP_LINES] - np.float32(tone)) > BORDER_LEVELS
    apart = np.count_nonzero(away, axis=1) / away.shape[1]
    lines = _leading(apart <= 1 - BORDER_SHARE)
    inside = lines + STEP_LINES - 1
    return _Side(lines, tone, ends=lines > 0 and inside < len(apart) and bool(apart[inside] >= STEP_SHARE))


def _leading(flat: npt.NDArray[np.bool_]) -> int:
    return len(flat) if flat.all() else int(np.argmin(flat))


def distance(left: bytes, right: bytes) -> int:
    """Count the bits in which two hashes differ."""
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).bit_count()


def nearest_turn(member: Sequence[Turns], representative: Sequence[bytes]) -> tuple[int, str]:
    """Return the smallest distance and the turn from the representative to the member.

    `member` holds the turned hashes of the plain and, if any, the trimmed picture; `representative` the stored ones.
    """
    best, turn = min(
        (distance(hashes[index], other), index)
        for hashes in member
        for other in representative
        for index in range(len(TURNS))
    )
    return best, inverse(TURNS[turn])


def as_text(value: int) -> str:
    """Write a 64-bit hash as the 16 hexadecimal digits other tools print."""
    return f"{value:016x}"
