"""Sharpness, light and resolution of one picture, and the thresholds a whole pool gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

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
    rows, columns = (_parts(length) for length in laplacian.shape)
    return max(_variance(laplacian[row, column]) for row in rows for column in columns)


def _parts(length: int) -> list[slice]:
    count = min(TILES, length)
    every, more = divmod(length, count)
    edges = [part * every + min(part, more) for part in range(count + 1)]
    return [slice(first, end) for first, end in pairwise(edges)]


def _variance(tile: npt.NDArray[Any]) -> float:
    """Return the variance from exact sums, which OpenCV adds up six times as fast as it finds a deviation."""
    mean = float(cv2.sumElems(tile)[0]) / tile.size
    return max(0.0, float(cv2.norm(tile, cv2.NORM_L2SQR)) / tile.size - mean * mean)


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
