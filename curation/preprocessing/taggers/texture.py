from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from .base import Tag, View, Views

LITTLE_ENTROPY, MUCH_ENTROPY = 4.0, 7.0
FEW_CONTOURS, MANY_CONTOURS = 0.02, 0.12
CANNY = (80, 160)


class Texture:
    """How much there is to see: Shannon entropy of the grey levels in bits, share of pixels on contours (Canny)."""

    name: ClassVar[str] = "texture"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.GREY})
    cost_ms: ClassVar[float] = 1.0

    def tags(self, views: Views) -> list[Tag]:
        counts = np.bincount(views.grey.ravel(), minlength=256)
        shares = counts[counts > 0] / views.grey.size
        entropy = float(-(shares * np.log2(shares)).sum())
        contours = float((cv2.Canny(views.grey, *CANNY) > 0).mean())
        return [
            Tag(
                "entropy",
                _word(entropy, LITTLE_ENTROPY, MUCH_ENTROPY, ("low", "normal", "high")),
                number=abs(round(entropy, 2)),
            ),
            Tag(
                "contours",
                _word(contours, FEW_CONTOURS, MANY_CONTOURS, ("few", "normal", "many")),
                number=round(contours, 4),
            ),
        ]


def _word(number: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    return words[(number >= low) + (number >= high)]
