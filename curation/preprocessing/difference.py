"""How much two laid-over pictures differ once their tones are matched: the block difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .features import Matrix
from .pixels import Grey, resized

SIDE = 128
BLOCK = 8
BLOCK_SHARE = 0.6
MIN_OVERLAP = 0.12
BLOCK_DIFFERENCE = 0.5
LONELY_FLOOR, LONELY_TIMES = 0.1, 6.0
UNMEASURABLE = 99.0
WHOLE = 0.98
DEVIATIONS = (0.4, 0.6, 0.8, 1.1, 1.5)
"""By how many of 128 pixels a picture may have been blurred."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Overlay:
    """Two pictures laid over each other at 128x128, and where both have pixels."""

    moving: Grey
    fixed: Grey
    mask: Mask

    @property
    def common(self) -> float:
        return float(self.mask.mean())


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the most different block is off, nine in ten and three in four at most, in standard deviations."""

    largest: float
    usual: float
    most: float

    def proves(self, threshold: float = BLOCK_DIFFERENCE, times: float = LONELY_TIMES) -> bool:
        """Tell whether the pictures are one: no block is far off, and none stands out from all the others.

        A small object in a picture that is otherwise equal differs by less than re-encoding, blur or a change of
        tones do all over; but they do so everywhere, and the object in one place.
        """
        return self.largest <= threshold and self.largest <= max(LONELY_FLOOR, times * self.usual)


def same_frame(moving: Grey, fixed: Grey, side: int = SIDE) -> Overlay:
    """Lay two pictures that show the same frame over each other."""
    return Overlay(resized(moving, side, side), resized(fixed, side, side), np.ones((side, side), np.bool_))


def warped(moving: Grey, fixed: Grey, matrix: Matrix, side: int = SIDE) -> Overlay | None:
    """Lay `moving` over `fixed` by a similarity, supersampled twice; None when hardly anything is in common."""
    height, width = fixed.shape
    to_grid = np.diag([2 * side / width, 2 * side / height]) @ matrix
    fine = (2 * side, 2 * side)
    picture = np.asarray(cv2.warpAffine(moving, to_grid, fine, flags=cv2.INTER_LINEAR), np.uint8)
    valid = np.asarray(cv2.warpAffine(np.full(moving.shape, 255, np.uint8), to_grid, fine), np.uint8)
    mask = cv2.erode(resized(valid, side, side), np.ones((3, 3), np.uint8), borderValue=255) > 250
    if mask.mean() < MIN_OVERLAP:
        return None
    return Overlay(resized(picture, side, side), resized(fixed, side, side), np.asarray(mask, np.bool_))


def block_difference(overlay: Overlay) -> float:
    """Return the largest mean difference of an 8x8 block, in standard deviations, after tones are matched."""
    return measured(overlay).largest


def measured(overlay: Overlay) -> Difference:
    """Measure the blocks of an overlay after tones are matched; one larger than 128x128 is shrunk to that afterwards.

    Both directions are tried and the smaller one counts, so clipped highlights or shadows do not matter.
    """
    moving, fixed, mask = overlay.moving, overlay.fixed, overlay.mask
    there = _there(mask)
    if there is None:
        return Difference(UNMEASURABLE, UNMEASURABLE, UNMEASURABLE)
    one, other = Tones(moving[mask]), Tones(fixed[mask])
    return min(
        _blocks(one.as_in(other)[moving] - fixed, other.deviation, there),
        _blocks(other.as_in(one)[fixed] - moving, one.deviation, there),
        key=lambda found: found.largest,
    )


def in_focus(overlay: Overlay, found: Difference) -> Difference:
    """Measure after the sharper of two pictures was blurred as the other is; undoes nothing if neither was.

    `found`: what was measured without.
    """
    is_moving = _is_first_sharper(overlay)
    tried = [found, *(measured(_blurred(overlay, deviation, moving=is_moving)) for deviation in DEVIATIONS)]
    return min(tried, key=lambda one: one.usual)


def unevenness(overlay: Overlay) -> float:
    """Return how many times as sharp as the other the sharper of two pictures is."""
    less, more = sorted(_sharpness(overlay))
    return more / max(less, 0.01)


def _sharpness(overlay: Overlay) -> list[float]:
    sides = overlay.moving, overlay.fixed
    return [float(cv2.Laplacian(one, cv2.CV_16S)[overlay.mask].std()) for one in sides]


def _is_first_sharper(overlay: Overlay) -> bool:
    first, second = _sharpness(overlay)
    return first > second


def _blurred(overlay: Overlay, deviation: float, *, moving: bool) -> Overlay:
    """Blur one side within the mask."""
    mask, sharper = overlay.mask, overlay.moving if moving else overlay.fixed
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), deviation) + 1e-6
    spread = cv2.GaussianBlur(np.where(mask, sharper, 0).astype(np.float32), (0, 0), deviation)
    smooth = np.asarray(spread / weight + 0.5, np.uint8)
    return replace(overlay, moving=smooth) if moving else replace(overlay, fixed=smooth)


@dataclass(frozen=True, eq=False, slots=True)
class _There:
    """Where both pictures have pixels at 128x128, the pixels of each block there, and which blocks have enough."""

    mask: Mask
    pixels: npt.NDArray[np.float32]
    enough: Mask


def _there(mask: Mask) -> _There | None:
    """None where no block has enough."""
    if mask.shape[0] > SIDE:  # tones are matched in detail: what clips does so pixel by pixel
        mask = np.asarray(_shrunk(mask) > WHOLE)
    pixels = np.asarray(_sums(mask.astype(np.float32)), np.float32)
    enough = pixels > BLOCK_SHARE * BLOCK * BLOCK
    return _There(mask, pixels[enough], enough) if enough.any() else None


def _sums(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the sum of each 8x8 block."""
    block = BLOCK, BLOCK
    return np.asarray(cv2.boxFilter(values, -1, block, normalize=False, borderType=cv2.BORDER_CONSTANT), np.float32)


def _blocks(away: npt.NDArray[np.float32], deviation: float, there: _There) -> Difference:
    if away.shape[0] > SIDE:
        away = _shrunk(away)
    difference = np.where(there.mask, np.abs(away) / deviation, 0).astype(np.float32)
    blocks = _sums(difference)[there.enough] / there.pixels
    ninth, third = (int(share * (len(blocks) - 1)) for share in (0.9, 0.75))
    ordered = np.partition(blocks, (third, ninth))
    return Difference(float(blocks.max()), float(ordered[ninth]), float(ordered[third]))


def _shrunk(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(pixels.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


class Tones:
    """How often each of 256 tones is among some pixels."""

    def __init__(self, pixels: Grey) -> None:
        counts = np.bincount(pixels, minlength=256)
        self.deviation = float(pixels.std()) + 0.001
        self._present = np.flatnonzero(counts)
        self._ranks: npt.NDArray[np.float64] = (np.cumsum(counts) - counts / 2) / max(1, pixels.size)

    def as_in(self, other: Tones) -> npt.NDArray[np.float32]:
        """Return the 256-entry table that gives these the distribution of others (mid-ranks, linear between)."""
        return np.interp(self._ranks, other._ranks[other._present], other._present).astype(np.float32)
