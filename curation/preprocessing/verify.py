"""Proof that two near pictures are one photo in disguise: the tone-matched block difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .features import Matrix, Registration, register
from .hashes import BITS, Turns, nearest_turn, turns_of
from .pixels import Grey, resized, turned
from .preview import Preview

SIDE = 128
BLOCK = 8
BLOCK_SHARE = 0.6
MIN_OVERLAP_PIXELS = 2000
BLOCK_DIFFERENCE = 0.5
UNMEASURABLE = 99.0
RADIUS = 64
MIN_COMMON = 0.3
MIN_INLIERS = 12
VOTED_INLIERS = 17
SCENE_INLIERS = 25
SAME_FILE, SAME_PHOTO, SAME_SCENE = "same_file", "same_photo", "same_scene"

_MIRRORED_TURNS = frozenset({"mirror", "flip", "transpose", "transverse"})
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What two pictures are to each other, with the evidence; `orientation` turns the earlier into the new one."""

    verdict: str
    distance: int
    orientation: str
    block_difference: float
    inliers: int
    common: float


@dataclass(frozen=True, eq=False)
class Overlay:
    """Two pictures laid over each other at 128x128, and where both have pixels."""

    moving: Grey
    fixed: Grey
    mask: _Mask

    @property
    def common(self) -> float:
        return float(self.mask.mean())


@dataclass(frozen=True, eq=False)
class Sighting:
    """What a comparison needs of a picture: restore it from stored columns, or take it from an Analysis."""

    sha256: bytes
    hash256: bytes
    hash256_trimmed: bytes | None
    low_information: bool
    preview: Preview

    @property
    def stored_hashes(self) -> Sequence[bytes]:
        return [self.hash256] if self.hash256_trimmed is None else [self.hash256, self.hash256_trimmed]

    @property
    def all_turns(self) -> Sequence[Turns]:
        trimmed = self.preview.trimmed_turns
        if trimmed is None and self.hash256_trimmed is not None:
            trimmed = turns_of(self.hash256_trimmed)
        return [self.preview.turns] if trimmed is None else [self.preview.turns, trimmed]


def same_frame(moving: Grey, fixed: Grey) -> Overlay:
    """Lay two pictures that show the same frame over each other."""
    return Overlay(resized(moving, SIDE, SIDE), resized(fixed, SIDE, SIDE), np.ones((SIDE, SIDE), np.bool_))


def warped(moving: Grey, fixed: Grey, matrix: Matrix) -> Overlay | None:
    """Lay `moving` over `fixed` by a similarity, supersampled twice; None when hardly anything is in common."""
    height, width = fixed.shape
    to_grid = np.diag([2 * SIDE / width, 2 * SIDE / height]) @ matrix
    fine = (2 * SIDE, 2 * SIDE)
    picture = np.asarray(cv2.warpAffine(moving, to_grid, fine, flags=cv2.INTER_LINEAR), np.uint8)
    valid = np.asarray(cv2.warpAffine(np.full(moving.shape, 255, np.uint8), to_grid, fine), np.uint8)
    mask = cv2.erode(resized(valid, SIDE, SIDE), np.ones((3, 3), np.uint8), borderValue=255) > 250
    if int(mask.sum()) < MIN_OVERLAP_PIXELS:
        return None
    return Overlay(resized(picture, SIDE, SIDE), resized(fixed, SIDE, SIDE), np.asarray(mask, np.bool_))


def block_difference(overlay: Overlay) -> float:
    """Return the largest mean difference of an 8x8 block, in standard deviations, after tones are matched.

    Both directions are tried and the smaller one counts, so clipped highlights or shadows do not matter.
    """
    return min(
        _one_way(overlay.moving, overlay.fixed, overlay.mask), _one_way(overlay.fixed, overlay.moving, overlay.mask)
    )


def _one_way(source: Grey, target: Grey, mask: _Mask) -> float:
    mapped = tone_curve(source[mask], target[mask])[source]
    deviation = float(target[mask].std()) + 0.001
    difference = np.where(mask, np.abs(mapped - target) / deviation, 0).astype(np.float32)
    total = cv2.boxFilter(difference, -1, (BLOCK, BLOCK), normalize=False, borderType=cv2.BORDER_CONSTANT)
    weight = mask.astype(np.float32)
    valid = cv2.boxFilter(weight, -1, (BLOCK, BLOCK), normalize=False, borderType=cv2.BORDER_CONSTANT)
    enough = valid > BLOCK_SHARE * BLOCK * BLOCK
    return float((total[enough] / valid[enough]).max()) if enough.any() else UNMEASURABLE


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


def compare(
    new: Sighting,
    earlier: Sighting,
    *,
    radius: int = RADIUS,
    threshold: float = BLOCK_DIFFERENCE,
    registered: bool = True,
) -> PairVerdict | None:
    """Judge a new picture against an earlier one; None when they have nothing to do with each other.

    A near hash only makes a candidate. `same_photo` needs a block difference of at most `threshold`;
    without that proof a near picture is `same_scene`, which may never reject by itself.
    `registered=False` leaves the (slower) registration of crops and turns by degrees out.
    """
    if new.sha256 == earlier.sha256:
        return PairVerdict(SAME_FILE, 0, "none", 0.0, 0, 1.0)
    if new.low_information or earlier.low_information:
        return None
    distance, turn = nearest_turn(new.all_turns, earlier.stored_hashes)
    if distance > radius:
        return None
    straight = block_difference(same_frame(turned(earlier.preview.trimmed, turn), new.preview.trimmed))
    if straight <= threshold or not registered:
        verdict = SAME_PHOTO if straight <= threshold else SAME_SCENE
        return PairVerdict(verdict, distance, turn, straight, 0, 1.0)
    mirrored = turn in _MIRRORED_TURNS
    found = _registered(new, earlier, distance=distance, mirrored=mirrored, threshold=threshold, needed=MIN_INLIERS)
    if found is not None and found.verdict == SAME_PHOTO:
        return found
    inliers, common = (0, 1.0) if found is None else (found.inliers, found.common)
    return PairVerdict(SAME_SCENE, distance, turn, straight, inliers, common)


def compare_voted(
    new: Sighting, earlier: Sighting, *, mirrored: bool, threshold: float = BLOCK_DIFFERENCE
) -> PairVerdict | None:
    """Judge a pair that descriptor votes found and no hash did: crops, and crops of the mirror image."""
    if new.low_information or earlier.low_information:
        return None
    distance, _ = nearest_turn(new.all_turns, earlier.stored_hashes)
    found = _registered(new, earlier, distance=distance, mirrored=mirrored, threshold=threshold, needed=VOTED_INLIERS)
    if found is None or (found.verdict == SAME_SCENE and found.inliers < SCENE_INLIERS):
        return None
    return found


def _registered(
    new: Sighting, earlier: Sighting, *, distance: int, mirrored: bool, threshold: float, needed: int
) -> PairVerdict | None:
    source = earlier.preview.mirrored_features if mirrored else earlier.preview.features
    registration = register(source, new.preview.features, mirrored=mirrored)
    if registration is None or registration.inliers < needed:
        return None
    return _verdict_of(registration, new.preview.trimmed, earlier.preview.trimmed, min(distance, BITS), threshold)


def _verdict_of(
    registration: Registration, new: Grey, earlier: Grey, distance: int, threshold: float
) -> PairVerdict | None:
    moving = turned(earlier, "mirror") if registration.mirrored else earlier
    overlay = warped(moving, new, registration.matrix)
    if overlay is None:
        return None
    difference = block_difference(overlay)
    proven = difference <= threshold and overlay.common >= MIN_COMMON
    verdict = SAME_PHOTO if proven else SAME_SCENE
    return PairVerdict(verdict, distance, registration.turn, difference, registration.inliers, overlay.common)
