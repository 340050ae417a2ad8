"""Sharpness, light and resolution of one picture, and the thresholds a whole pool gives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from .pixels import Grey

TILES = 4
MAD_TO_SD = 1.4826
BLUR_DEVIATIONS = 3.0
BLUR_MARGIN = math.log(2)
"""A picture at least half as sharp as the usual one is never called blurred, however alike the others are."""
MIN_FOR_FOLDER_THRESHOLD = 5


def sharpness(half: Grey) -> float:
    """Return the largest variance of the Laplacian among 4x4 tiles of a grey picture at half size.

    The maximum spares shallow depth of field and flat walls. Unit: squared grey levels.
    """
    laplacian = np.asarray(cv2.Laplacian(half, cv2.CV_16S))
    rows = np.array_split(laplacian, min(TILES, laplacian.shape[0]), axis=0)
    tiles = (tile for row in rows for tile in np.array_split(row, min(TILES, row.shape[1]), axis=1))
    return max(float(cv2.meanStdDev(tile)[1][0, 0]) ** 2 for tile in tiles)


def light(grey: Grey) -> tuple[float, float]:
    """Return brightness (mean) and contrast (standard deviation) in grey levels."""
    mean, deviation = cv2.meanStdDev(grey)
    return float(mean[0, 0]), float(deviation[0, 0])


def folder_threshold(sharpnesses: Sequence[float]) -> float:
    """Return the sharpness below which a picture of this folder is called blurred; 0 when there are too few to say.

    Rule: log(sharpness) < median - 3 * 1.4826 * MAD of the folder.
    """
    if len(sharpnesses) < MIN_FOR_FOLDER_THRESHOLD:
        return 0.0
    logs = np.log(np.maximum(np.asarray(sharpnesses), 1e-6))
    median = float(np.median(logs))
    spread = MAD_TO_SD * float(np.median(np.abs(logs - median)))
    return math.exp(median - max(BLUR_DEVIATIONS * spread, BLUR_MARGIN))


def is_low_resolution(width: int, height: int, min_long: int = 1920, min_short: int = 1080) -> bool:
    """Tell whether a displayed picture is smaller than asked for, either way round."""
    return max(width, height) < min_long or min(width, height) < min_short
