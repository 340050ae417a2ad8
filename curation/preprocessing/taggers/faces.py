from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import cv2.data

from .base import Tag, View, Views
from .finds import said

CASCADE = "haarcascade_frontalface_alt2.xml"
NEIGHBOURS = 6
SMALLEST = 24
CERTAIN_LEVEL = 5.0


class Faces:
    """Frontal faces, by OpenCV's Haar cascade (Viola and Jones 2001): a weak suggestion, never a rejection."""

    name: ClassVar[str] = "faces"
    version: ClassVar[str] = f"1-opencv{cv2.__version__.split('.')[0]}"
    needs: ClassVar[frozenset[View]] = frozenset({View.GREY})
    cost_ms: ClassVar[float] = 30.0

    @cached_property
    def _detector(self) -> Any:
        if not hasattr(cv2, "CascadeClassifier"):
            raise RuntimeError("this OpenCV has no cascades; install opencv-python-headless below 5")
        return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))

    def tags(self, views: Views) -> list[Tag]:
        height, width = views.grey.shape
        boxes, _, weights = self._detector.detectMultiScale3(
            views.grey, scaleFactor=1.1, minNeighbors=NEIGHBOURS, minSize=(SMALLEST, SMALLEST), outputRejectLevels=True
        )
        return said(
            "faces",
            [(box, float(weight) / CERTAIN_LEVEL) for box, weight in zip(boxes, weights, strict=True)],
            width,
            height,
        )
