from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from .base import Tag, View, Views

GREY_LEVELS = 3.0
DULL, VIVID = 15.0, 59.0
PALE, STRONG = 0.15, 0.5


class Colour:
    """Colourfulness, saturation, and whether there is any colour.

    Colourfulness after Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003): about 15 slightly,
    59 highly colourful. Saturation is the mean of HSV's S from 0 to 1.
    """

    name: ClassVar[str] = "colour"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.RGB})
    cost_ms: ClassVar[float] = 2.5

    def tags(self, views: Views) -> list[Tag]:
        rgb = views.rgb[::2, ::2].astype(np.float32)
        red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
        across, along = red - green, (red + green) / 2 - blue
        colourful = float(np.hypot(across.std(), along.std()) + 0.3 * np.hypot(across.mean(), along.mean()))
        saturation = float(cv2.cvtColor(views.rgb, cv2.COLOR_RGB2HSV)[..., 1].mean() / 255)
        is_grey = float(np.abs(across).mean() + np.abs(along).mean()) < GREY_LEVELS
        return [
            Tag(
                "colourfulness", _word(colourful, DULL, VIVID, ("dull", "normal", "vivid")), number=round(colourful, 1)
            ),
            Tag(
                "saturation", _word(saturation, PALE, STRONG, ("pale", "normal", "strong")), number=round(saturation, 3)
            ),
            Tag("greyscale", "yes" if is_grey else "no"),
        ]


def _word(number: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    return words[(number >= low) + (number >= high)]
