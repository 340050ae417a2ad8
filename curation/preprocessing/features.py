"""ORB corners, their matches, and the similarity that registers one picture on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .pixels import Grey

COUNT = 600
FEW = 200
FAST_THRESHOLDS = (10, 4)
RATIO = 0.8
FEWEST_INLIERS = 10
"""With fewer matches that agree nobody takes a registration for one."""
RANSAC_PIXELS = 4.0
RANSAC_ROUNDS = 1000
MIN_SCALE, MAX_SCALE = 0.2, 5.0
REFINING_ROUNDS = 25
REFINING_STEP = 1e-4
REFINING_WIDTH = 240

PLAIN_TURNS = ("none", "rot90", "rot180", "rot270")
MIRRORED_TURNS = ("mirror", "transpose", "flip", "transverse")
"""By quarters counter-clockwise; a mirrored picture is turned after it was mirrored."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """Corners of one picture: `points` (n, 2) x, y in pixels, `descriptors` (n, 32) bytes, strongest first.

    `poses` (n, 4): size, angle, response and octave of each, with which it is described again.
    """

    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]
    poses: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, part: slice) -> Features:
        return Features(self.points[part], self.descriptors[part], self.poses[part])


NOTHING = Features(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8), np.empty((0, 4), np.float32))


@dataclass(frozen=True, eq=False)
class Registration:
    """A similarity from the first picture's pixels to the second's, and how many matches agree with it."""

    matrix: Matrix
    inliers: int
    mirrored: bool = False

    @property
    def scale(self) -> float:
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    @property
    def degrees(self) -> float:
        """Turn in degrees, counter-clockwise as a person sees it (image rows run downwards)."""
        return -math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))

    @property
    def turn(self) -> str:
        """The nearest of the eight orientations."""
        quarter = round(self.degrees / 90) % 4
        return (MIRRORED_TURNS if self.mirrored else PLAIN_TURNS)[quarter]


def find_features(grey: Grey) -> Features:
    """Find up to 600 ORB corners (Rublee et al., 2011), the strongest first; fainter ones where a picture has few."""
    for threshold in FAST_THRESHOLDS:
        corners, descriptors = _orb(threshold).detectAndCompute(grey, None)
        if len(corners) >= FEW:
            break
    return _described(corners, descriptors)


def in_mirror(grey: Grey, found: Features) -> Features:
    """Return corners of a picture as its mirror image describes them.

    A third of the cost of finding corners in the mirror image anew, and nine in ten descriptors are the same.
    """
    across = grey.shape[1] - 1
    corners = [
        cv2.KeyPoint(across - x, y, size, (180 - angle) % 360, response, int(octave))
        for (x, y), (size, angle, response, octave) in zip(found.points.tolist(), found.poses.tolist(), strict=True)
    ]
    mirror = np.ascontiguousarray(grey[:, ::-1])
    return _described(*_orb(FAST_THRESHOLDS[0]).compute(mirror, corners)) if corners else NOTHING


def _orb(threshold: int) -> Any:
    return cv2.ORB_create(COUNT, 1.2, 8, fastThreshold=threshold)  # type: ignore[attr-defined]


def _described(corners: Sequence[cv2.KeyPoint], descriptors: Any) -> Features:
    if not corners:
        return NOTHING
    told = np.array([(*one.pt, one.size, one.angle, one.response, one.octave) for one in corners])
    order = np.argsort(-told[:, 4], kind="stable")
    found = told[order].astype(np.float32)
    points, poses = (np.ascontiguousarray(found[:, part]) for part in (slice(2), slice(2, None)))
    return Features(points, np.asarray(descriptors, np.uint8)[order], poses)


def register(moving: Features, fixed: Features, *, mirrored: bool = False) -> Registration | None:
    """Find the similarity that lays `moving` over `fixed`, or None when too few matches agree.

    Matches by Hamming distance with ratio .8, RANSAC at 4 pixels; the scale must lie between .2 and 5.
    """
    if len(moving) < 2 or len(fixed) < 2:
        return None
    distances, nearest = cv2.batchDistance(
        moving.descriptors, fixed.descriptors, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2
    )
    kept = distances[:, 0] < RATIO * distances[:, 1]
    if np.count_nonzero(kept) < FEWEST_INLIERS:
        return None
    matrix, agreeing = cv2.estimateAffinePartial2D(
        moving.points[kept],
        fixed.points[nearest[kept, 0]],
        method=cv2.RANSAC,
        ransacReprojThreshold=RANSAC_PIXELS,
        maxIters=RANSAC_ROUNDS,
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None
    found = Registration(np.asarray(matrix, np.float64), int(agreeing.sum()), mirrored)
    return found if MIN_SCALE <= found.scale <= MAX_SCALE else None


def refined(moving: Grey, fixed: Grey, registration: Registration) -> Registration | None:
    """Improve a registration on the pixels themselves, where few corners leave it a pixel or two off.

    Maximises the enhanced correlation coefficient (Evangelidis and Psarakis, 2008) at 240 pixels' width;
    None when the pictures do not correlate.
    """
    shrink = min(1.0, REFINING_WIDTH / max(fixed.shape))
    down, up = np.diag([shrink, shrink, 1.0]), np.diag([1 / shrink, 1 / shrink, 1.0])
    small, target = (
        cv2.resize(one, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) for one in (moving, fixed)
    )
    forward = down @ np.vstack([registration.matrix, (0, 0, 1)]) @ up
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, REFINING_ROUNDS, REFINING_STEP)
    start = np.linalg.inv(forward)[:2].astype(np.float32)
    seen = np.full(small.shape, 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(target, small, start, cv2.MOTION_AFFINE, criteria, seen, 5)
    except cv2.error:
        return None
    backward = np.vstack([np.asarray(found, np.float64), (0, 0, 1)])
    if abs(float(np.linalg.det(backward))) < 1e-6:
        return None
    matrix = up @ np.linalg.inv(backward) @ down
    better = Registration(np.ascontiguousarray(matrix[:2]), registration.inliers, registration.mirrored)
    return better if MIN_SCALE <= better.scale <= MAX_SCALE else None
