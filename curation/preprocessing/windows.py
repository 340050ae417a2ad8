"""Which window of a picture another one shows, by pixels alone: for crops with too few corners to go by."""

from __future__ import annotations

from collections.abc import Iterator

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


class Windows:
    """A picture at the sizes at which it may be found in others, made once for all that are of one shape."""

    def __init__(self, part: Grey) -> None:
        self._part = part
        self._made: dict[tuple[int, ...], list[tuple[float, Grey]]] = {}

    @property
    def part(self) -> Grey:
        return self._part

    def of(self, shape: tuple[int, ...]) -> list[tuple[float, Grey]]:
        """Return the picture as a window of a coarse one of this shape, and how much it was shrunk for that."""
        if shape not in self._made:
            self._made[shape] = list(self._all(shape))
        return self._made[shape]

    def _all(self, shape: tuple[int, ...]) -> Iterator[tuple[float, Grey]]:
        part = self._part
        for share in SHARES:
            zoom = share * min(shape[0] / part.shape[0], shape[1] / part.shape[1])
            window = resized(part, *(max(2, round(side * zoom)) for side in part.shape[::-1]))
            if float(window.std()) < 1:
                return
            yield zoom, window


def coarse(whole: Grey) -> Grey:
    """Return a picture as small as windows are looked for in it."""
    shrink = COARSE / max(whole.shape)
    return resized(whole, *(max(2, round(side * shrink)) for side in whole.shape[::-1]))


def window_in(whole: Grey, small: Grey, windows: Windows) -> Matrix | None:
    """Return roughly where in `whole` an upright picture lies, as the similarity from `whole` to that picture.

    `small`: the whole made coarse.
    """
    sizes = windows.of(small.shape)
    if len(sizes) < len(SHARES):
        return None
    best, place, zoom_found = MIN_LIKENESS, (0, 0), 0.0
    for zoom, window in sizes:
        likeness = cv2.matchTemplate(small, window, cv2.TM_CCOEFF_NORMED)
        _, most, _, where = cv2.minMaxLoc(likeness)
        if most > best:
            best, place, zoom_found = most, (int(where[0]), int(where[1])), zoom
    if not zoom_found:
        return None
    scale = COARSE / max(whole.shape) / zoom_found
    return np.array([[scale, 0, -place[0] / zoom_found], [0, scale, -place[1] / zoom_found]], np.float64)


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
