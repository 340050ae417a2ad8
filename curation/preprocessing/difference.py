"""How much two laid-over pictures differ once their tones are matched: the block difference."""

from __future__ import annotations

from dataclasses import dataclass
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
    return min(
        _one_way(overlay.moving, overlay.fixed, overlay.mask),
        _one_way(overlay.fixed, overlay.moving, overlay.mask),
        key=lambda one: one.largest,
    )


def in_focus(overlay: Overlay) -> Difference:
    """Measure after the sharper of two pictures was blurred as the other is; undoes nothing if neither was."""
    found = [measured(overlay), *(measured(_blurred(overlay, deviation)) for deviation in DEVIATIONS)]
    return min(found, key=lambda one: one.usual)


def unevenness(overlay: Overlay) -> float:
    """Return how many times as sharp as the other the sharper of two pictures is."""
    less, more = sorted(_sharpness(overlay))
    return more / max(less, 0.01)


def _sharpness(overlay: Overlay) -> list[float]:
    sides = overlay.moving, overlay.fixed
    return [float(cv2.Laplacian(one, cv2.CV_16S)[overlay.mask].std()) for one in sides]


def _blurred(overlay: Overlay, deviation: float) -> Overlay:
    """Blur the sharper side within the mask."""
    moving, fixed, mask = overlay.moving, overlay.fixed, overlay.mask
    sharpness = _sharpness(overlay)
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), deviation) + 1e-6

    def smooth(grey: Grey) -> Grey:
        spread = cv2.GaussianBlur(np.where(mask, grey, 0).astype(np.float32), (0, 0), deviation)
        return np.asarray(spread / weight + 0.5, np.uint8)

    if sharpness[0] > sharpness[1]:
        return Overlay(smooth(moving), fixed, mask)
    return Overlay(moving, smooth(fixed), mask)


def _one_way(source: Grey, target: Grey, mask: Mask) -> Difference:
    mapped = tone_curve(source[mask], target[mask])[source]
    deviation = float(target[mask].std()) + 0.001
    away = mapped - target
    if target.shape[0] > SIDE:  # tones were matched in detail: what clips does so pixel by pixel
        away, mask = _shrunk(away), np.asarray(_shrunk(mask) > WHOLE)
    difference = np.where(mask, np.abs(away) / deviation, 0).astype(np.float32)
    total = cv2.boxFilter(difference, -1, (BLOCK, BLOCK), normalize=False, borderType=cv2.BORDER_CONSTANT)
    weight = mask.astype(np.float32)
    valid = cv2.boxFilter(weight, -1, (BLOCK, BLOCK), normalize=False, borderType=cv2.BORDER_CONSTANT)
    enough = valid > BLOCK_SHARE * BLOCK * BLOCK
    if not enough.any():
        return Difference(UNMEASURABLE, UNMEASURABLE, UNMEASURABLE)
    blocks = total[enough] / valid[enough]
    ninth, third = (int(share * (len(blocks) - 1)) for share in (0.9, 0.75))
    ordered = np.partition(blocks, (third, ninth))
    return Difference(float(blocks.max()), float(ordered[ninth]), float(ordered[third]))


def _shrunk(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(pixels.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def tone_curve(source: Grey, target: Grey) -> npt.NDArray[np.float32]:
    """Return the 256-entry table that gives `source` the distribution of `target` (mid-ranks, linear between)."""
    from_ranks = _mid_ranks(source)
    to_ranks = _mid_ranks(target)
    present = np.bincount(target.ravel(), minlength=256) > 0
    return np.interp(from_ranks, to_ranks[present], np.flatnonzero(present)).astype(np.float32)


def _mid_ranks(values: Grey) -> npt.NDArray[np.float64]:
    counts = np.bincount(values.ravel(), minlength=256)
    ranks: npt.NDArray[np.float64] = (np.cumsum(counts) - counts / 2) / max(1, values.size)
    return ranks
