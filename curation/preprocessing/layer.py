"""Is what differs between two laid-over pictures one translucent layer, such as a watermark, and nothing else?"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .pixels import Grey

MIN_DIFFERENCE = 8.0
DEVIATIONS = 4.0
MIN_SHARE, MAX_SHARE = 0.002, 0.5
MIN_CORE = 150
MIN_TEXTURE = 8.0
MIN_OPACITY, MAX_OPACITY = 0.1, 0.75
DARKEST, LIGHTEST = -25.0, 280.0
MIN_EXPLAINED = 0.88
ONE_SIDED = 0.99
MIN_DETAIL = 0.4
"""Under letters .48 and more of the detail agreed, in another object that is lighter or darker all over at most .13."""

_Floats = npt.NDArray[np.float32]
_Mask = npt.NDArray[np.bool_]
_RING = np.ones((3, 3), np.uint8)


MOVING, FIXED = "moving", "fixed"


def layered(moving: Grey, fixed: Grey, mask: _Mask) -> str | None:
    """Say which of two pictures of one size is the other under a layer of one tone and one opacity, or None.

    Under such a layer y = (1 - opacity) x + opacity * tone wherever the pictures differ, so the detail of what is
    covered stays visible. Another object hides what was there: then y does not follow x, and nothing is proven. Under
    thin letters y is a mixture, as their outlines are half covered; there all must have become lighter, or darker, and
    the differences between neighbouring pixels must agree.
    """
    x, y = _smooth(moving), _smooth(fixed)
    if _lies_over(x, y, mask):
        return FIXED
    return MOVING if _lies_over(y, x, mask) else None


def _smooth(grey: Grey) -> _Floats:
    return np.asarray(cv2.blur(grey, (3, 3)), np.float32)


def _lies_over(bare: _Floats, marked: _Floats, mask: _Mask) -> bool:
    expected, noise = _in_tone(bare, marked, mask)
    away = marked - expected
    differs = mask & (np.abs(away) > max(MIN_DIFFERENCE, DEVIATIONS * noise))
    if not MIN_SHARE <= differs.sum() / max(1, mask.sum()) <= MAX_SHARE:
        return False
    lighter = float((away[differs] > 0).mean())
    # Outlines are half covered and follow less: without more of them if enough is left, with them if a mark is thin.
    inner, outer = (cv2.erode(differs.astype(np.uint8), _RING, borderValue=0, iterations=rings) > 0 for rings in (2, 1))
    if any(core.sum() >= MIN_CORE and _follows(expected[core], marked[core]) for core in (outer, inner)):
        return True
    is_one_sided = max(lighter, 1 - lighter) >= ONE_SIDED
    return is_one_sided and _detail_follows(expected, marked, inner) and _outlined(expected, marked, differs)


def _in_tone(bare: _Floats, marked: _Floats, mask: _Mask) -> tuple[_Floats, float]:
    """Return `bare` in the light of `marked`, by the pixels that agree, and the noise between the two."""
    x, y = bare[mask], marked[mask]
    kept = np.ones(len(x), np.bool_)
    gain, offset, noise = 1.0, float(np.median(y - x)), 0.0
    for _ in range(4):
        away = np.abs(y - gain * x - offset)
        noise = 1.4826 * float(np.median(away))
        kept = away <= max(2.0, 2.5 * noise)
        gain, offset = _line(x[kept], y[kept])
    return np.asarray(gain * bare + offset, np.float32), noise


def _follows(x: _Floats, y: _Floats) -> bool:
    slope, offset = _line(x, y)
    if float(x.std()) < MIN_TEXTURE or not MIN_OPACITY <= 1 - slope <= MAX_OPACITY:
        return False
    if not DARKEST <= offset / (1 - slope) <= LIGHTEST:
        return False
    unexplained = float(np.mean((y - slope * x - offset) ** 2))
    return 1 - unexplained / float(y.var()) >= MIN_EXPLAINED


def _detail_follows(x: _Floats, y: _Floats, core: _Mask) -> bool:
    """Tell whether differences between neighbouring pixels agree, and are weakened as a layer weakens them."""
    steps = [_steps(x, y, core, axis) for axis in (0, 1)]
    across, others = (np.concatenate(part) for part in zip(*steps, strict=True))
    if len(across) < MIN_CORE:
        return False
    shared, own = float(np.mean(across * others)), float(np.mean(across**2))
    agreement = shared / (own * float(np.mean(others**2)) + 1e-6) ** 0.5
    opacity = 1 - shared / (own + 1e-6)
    return agreement >= MIN_DETAIL and MIN_OPACITY <= opacity <= MAX_OPACITY


def _outlined(bare: _Floats, marked: _Floats, differs: _Mask) -> bool:
    """Tell whether the outline of what differs is seen in the marked picture rather than in the bare one."""
    filled = differs.astype(np.uint8)
    outline = cv2.morphologyEx(filled, cv2.MORPH_GRADIENT, _RING) > 0
    own, other = (float(cv2.Laplacian(one, cv2.CV_32F)[outline].std()) for one in (bare, marked))
    return other > own


def _steps(x: _Floats, y: _Floats, core: _Mask, axis: int) -> tuple[_Floats, _Floats]:
    """Return the differences of both pictures between pixels two apart along an axis, where both are in the core."""
    ahead, behind = ((slice(2, None), slice(None)), (slice(None, -2), slice(None)))
    if axis:
        ahead, behind = ahead[::-1], behind[::-1]
    both = core[ahead] & core[behind]
    return (x[ahead] - x[behind])[both], (y[ahead] - y[behind])[both]


def _line(x: _Floats, y: _Floats) -> tuple[float, float]:
    spread = float(x.var())
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread > 0 else 1.0
    return slope, float(y.mean() - slope * x.mean())
