from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import cv2
import numpy as np

from curation.preprocessing.pixels import bounded

from .base import HEURISTIC, Tag, View, Views

LONGEST = 480
STRIDE = (4, 4)
SURE = 0.2
"""Weight of OpenCV's own pedestrian detector from which on a window is believed."""


class People:
    """Standing people, by OpenCV's HOG detector (Dalal and Triggs 2005): a weak suggestion, never a rejection.

    It misses people who sit, who are cut off or lower than a quarter of the picture, and takes lamp posts for people.
    """

    name: ClassVar[str] = "people"
    version: ClassVar[str] = f"1-opencv{cv2.__version__.split('.')[0]}"
    needs: ClassVar[frozenset[View]] = frozenset({View.RGB})
    cost_ms: ClassVar[float] = 100.0

    @cached_property
    def _detector(self) -> Any:
        if not hasattr(cv2, "HOGDescriptor"):
            raise RuntimeError("this OpenCV has no HOG detector; install opencv-python-headless below 5")
        detector: Any = cv2.HOGDescriptor()
        detector.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
        return detector

    def tags(self, views: Views) -> list[Tag]:
        small = bounded(views.rgb, LONGEST)
        height, width = small.shape[:2]
        if width < 64 or height < 128:  # the detector's window
            return [Tag("people", "no", HEURISTIC, number=0)]
        boxes, weights = self._detector.detectMultiScale(small, winStride=STRIDE, padding=(8, 8), scale=1.05)
        sure = [(box, float(weight)) for box, weight in zip(boxes, np.ravel(weights), strict=True) if weight >= SURE]
        return said("people", sure, width, height)


def said(key: str, found: list[tuple[Any, float]], width: int, height: int) -> list[Tag]:
    """Say yes or no with the count, and a box for each find, surest first."""
    ordered = sorted(found, key=lambda one: -one[1])
    surest = min(1.0, ordered[0][1]) if ordered else 1.0
    summary = Tag(key, "yes" if ordered else "no", HEURISTIC, round(surest, 3), number=len(ordered))
    one = {"people": "person", "faces": "face"}[key]
    return [
        summary,
        *[
            Tag(one, "found", HEURISTIC, round(min(1.0, sure), 3), box=_share(box, width, height))
            for box, sure in ordered
        ],
    ]


def _share(box: Any, width: int, height: int) -> tuple[float, float, float, float]:
    """Turn a box in pixels, which may stick out, into shares of the picture."""
    x, y, w, h = (float(side) for side in box)
    left, top, right, bottom = max(0.0, x), max(0.0, y), min(float(width), x + w), min(float(height), y + h)
    return (
        round(left / width, 4),
        round(top / height, 4),
        round((right - left) / width, 4),
        round((bottom - top) / height, 4),
    )
