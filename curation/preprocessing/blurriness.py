"""Is a picture blurred, whatever it shows and whatever the others of its folder are like?"""

from __future__ import annotations

import cv2
import numpy as np

from .pixels import Grey

TILES = 4
SHARPEST = 4
REBLUR = 1.0
BLURRED = 2.1
_FLOOR = 0.5


def detail(preview: Grey) -> float:
    """Return how many times the variance of the Laplacian falls when the preview is blurred by one more pixel.

    `preview`: grey, longest side 480. The largest of the four most detailed of 4x4 tiles. What is blurred already
    loses little (below 2); what is in focus loses most of it (above 3 for photos enlarged threefold). The idea of
    blurring once more is that of Crete et al., The blur effect (2007).
    """
    fine = _variances(preview)
    coarse = _variances(np.asarray(cv2.GaussianBlur(preview, (0, 0), REBLUR), np.uint8))
    sharpest = np.argsort(-fine)[:SHARPEST]
    return float((fine[sharpest] / (coarse[sharpest] + _FLOOR)).max())


def _variances(grey: Grey) -> np.ndarray:
    laplacian = np.asarray(cv2.Laplacian(grey, cv2.CV_16S))
    rows = np.array_split(laplacian, min(TILES, laplacian.shape[0]), axis=0)
    tiles = (tile for row in rows for tile in np.array_split(row, min(TILES, row.shape[1]), axis=1))
    return np.array([float(cv2.meanStdDev(tile)[1][0, 0]) ** 2 for tile in tiles])
