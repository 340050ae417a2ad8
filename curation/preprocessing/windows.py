"""Which window of a picture another one shows, by pixels alone: for crops with too few corners to go by."""

from __future__ import annotations

import cv2
import numpy as np

from .difference import warped
from .features import Matrix
from .pixels import Grey, resized

COARSE = 64
SHARES = tuple(0.5 * 1.06**step for step in range(12))
"""Which shares of the sides are tried, .5 to .95; the pixels find what lies between."""
MIN_LIKENESS = 0.85
DETAIL_SIDE, DETAIL_DEVIATION = 256, 3.0
MIN_DETAIL = 0.5


def window_in(whole: Grey, part: Grey) -> Matrix | None:
    """Return roughly where in `whole` the upright picture `part` lies, as the similarity from `whole` to `part`."""
    shrink = COARSE / max(whole.shape)
    small = resized(whole, *(max(2, round(side * shrink)) for side in whole.shape[::-1]))
    best, place, share_found = MIN_LIKENESS, (0, 0), 0.0
    for share in SHARES:
        zoom = share * min(small.shape[0] / part.shape[0], small.shape[1] / part.shape[1])
        window = resized(part, *(max(2, round(side * zoom)) for side in part.shape[::-1]))
        if float(window.std()) < 1:
            return None
        likeness = cv2.matchTemplate(small, window, cv2.TM_CCOEFF_NORMED)
        _, most, _, where = cv2.minMaxLoc(likeness)
        if most > best:
            best, place, share_found = most, (int(where[0]), int(where[1])), zoom
    if not share_found:
        return None
    scale = shrink / share_found
    return np.array([[scale, 0, -place[0] / share_found], [0, scale, -place[1] / share_found]], np.float64)


def detail_agrees(moving: Grey, fixed: Grey, matrix: Matrix) -> bool:
    """Tell whether the fine detail of two laid-over pictures correlates: skies are alike in everything else."""
    overlay = warped(moving, fixed, matrix, DETAIL_SIDE)
    if overlay is None:
        return False
    one, other = (_detail(grey)[overlay.mask] for grey in (overlay.moving, overlay.fixed))
    spread = float(one.std()) * float(other.std())
    return spread > 0 and float(np.mean((one - one.mean()) * (other - other.mean()))) / spread >= MIN_DETAIL


def _detail(grey: Grey) -> np.ndarray:
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), DETAIL_DEVIATION)
    return np.asarray(grey - smooth, np.float32)
