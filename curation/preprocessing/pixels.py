"""Small array moves that every part of the pipeline shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]

TURNS = ("none", "mirror", "flip", "rot180", "transpose", "rot90", "rot270", "transverse")
"""The eight orientations, named after Pillow's transpositions (rot90 is counter-clockwise)."""

EXIF_TURNS: Mapping[int, str] = {
    1: "none",
    2: "mirror",
    3: "rot180",
    4: "flip",
    5: "transpose",
    6: "rot270",
    7: "transverse",
    8: "rot90",
}
"""EXIF orientation -> the turn that shows the stored pixels upright."""

_INVERSE = {"rot90": "rot270", "rot270": "rot90"}

_MOVES: Mapping[str, Callable[[Grey], Grey]] = {
    "none": lambda a: a,
    "mirror": lambda a: a[:, ::-1],
    "flip": lambda a: a[::-1],
    "rot180": lambda a: a[::-1, ::-1],
    "transpose": lambda a: a.swapaxes(0, 1),
    "rot90": lambda a: a.swapaxes(0, 1)[::-1],
    "rot270": lambda a: a[::-1].swapaxes(0, 1),
    "transverse": lambda a: a[::-1, ::-1].swapaxes(0, 1),
}


def inverse(turn: str) -> str:
    """Name the turn that undoes `turn`."""
    return _INVERSE.get(turn, turn)


def turned(pixels: Grey, turn: str) -> Grey:
    """Turn an array of shape (h, w) or (h, w, channels); the result is contiguous."""
    return np.ascontiguousarray(_MOVES[turn](pixels))


def resized(pixels: Grey, width: int, height: int) -> Grey:
    """Resize by area (shrinking) or linearly (growing) to exactly width x height."""
    shrinks = width <= pixels.shape[1] and height <= pixels.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), dtype=np.uint8)


def bounded(pixels: Grey, longest: int) -> Grey:
    """Shrink so that the longest side is at most `longest`; smaller pictures stay as they are."""
    height, width = pixels.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return pixels
    return resized(pixels, max(1, round(width * factor)), max(1, round(height * factor)))
