from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import cv2
import numpy as np

from curation.preprocessing.pixels import bounded

from .base import HEURISTIC, Tag, View, Views
from .finds import said

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
