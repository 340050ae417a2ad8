"""One decoded picture of a video: its luma, a small copy for the motion gate, its JPEG."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from .pixels import Grey, resized, turned

try:
    import simplejpeg
except ImportError:  # an optional extra: the same picture, half the time
    simplejpeg = None

JPEG_QUALITY = 90
THUMB_STRIDE = 8
TURNS = {90: "rot90", 180: "rot180", 270: "rot270"}
"""Degrees of the display matrix -> the turn that shows the picture upright."""
_WITH_LUMA_PLANE = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
_ALWAYS_FULL_RANGE = frozenset({"yuvj420p", "yuvj422p", "yuvj444p", "gray"})
_FULL_RANGE = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
"""Luma of 16 to 235, as most videos have it, to 0 to 255."""
_PLANAR = frozenset({"yuv420p", "yuvj420p"})


def luma(picture: av.VideoFrame) -> Grey:
    """Return the picture in grey, shape (h, w), full range, as stored (not turned)."""
    return np.asarray(picture.to_ndarray(format="gray"), np.uint8)


def half_luma(picture: av.VideoFrame) -> Grey:
    """Return the picture in grey at half size, full range, as stored; the whole of it is not converted."""
    planar = picture.format.name in _WITH_LUMA_PLANE
    grey = _plane(picture.planes[0], picture.height, picture.width) if planar else luma(picture)
    half = resized(grey, max(1, picture.width // 2), max(1, picture.height // 2))
    return np.asarray(cv2.LUT(half, _FULL_RANGE), np.uint8) if planar and not _is_full_range(picture) else half


def _is_full_range(picture: av.VideoFrame) -> bool:
    return picture.format.name in _ALWAYS_FULL_RANGE or picture.color_range == ColorRange.JPEG


def thumb(picture: av.VideoFrame) -> Grey:
    """Return every eighth pixel of every eighth row in grey, as stored; without converting the whole picture."""
    if picture.format.name not in _WITH_LUMA_PLANE:
        return luma(picture)[::THUMB_STRIDE, ::THUMB_STRIDE]
    return _plane(picture.planes[0], picture.height, picture.width)[::THUMB_STRIDE, ::THUMB_STRIDE].copy()


def as_jpeg(picture: av.VideoFrame) -> bytes:
    """Encode the picture upright; straight from its planes where simplejpeg is installed."""
    turn = TURNS.get(picture.rotation % 360, "none")
    if simplejpeg is not None and picture.format.name in _PLANAR:
        full = picture.reformat(
            format="yuvj420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG
        )  # JFIF knows BT.601 in full range only
        sizes = [(full.height, full.width), *[((full.height + 1) // 2, (full.width + 1) // 2)] * 2]
        planes = [turned(_plane(plane, *size), turn) for plane, size in zip(full.planes, sizes, strict=True)]
        return bytes(simplejpeg.encode_jpeg_yuv_planes(*planes, quality=JPEG_QUALITY))
    colours = turned(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8), turn)
    return cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _plane(plane: Any, height: int, width: int) -> Grey:
    """View a plane as an array; its rows may be padded."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width]
