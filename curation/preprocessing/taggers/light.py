from __future__ import annotations

from typing import ClassVar

from .base import Tag, View, Views

PITCH_DARK, DARK, BRIGHT = 15.0, 50.0, 205.0
LOW_CONTRAST, HIGH_CONTRAST = 25.0, 75.0
BLURRED, SOFT = 30.0, 120.0


class Lighting:
    """Lighting, contrast and blurriness of the grey picture.

    Words are for browsing; for a threshold of one's own the numbers count: mean and standard deviation in grey levels,
    largest variance of the Laplacian among 4x4 tiles.
    """

    name: ClassVar[str] = "light"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.LIGHT})
    cost_ms: ClassVar[float] = 0.01

    def tags(self, views: Views) -> list[Tag]:
        light = views.light
        brightness = _word(light.brightness, ((PITCH_DARK, "pitch dark"), (DARK, "dark"), (BRIGHT, "normal")), "bright")
        contrast = _word(light.contrast, ((LOW_CONTRAST, "low"), (HIGH_CONTRAST, "normal")), "high")
        blur = _word(light.sharpness, ((BLURRED, "blurred"), (SOFT, "soft")), "sharp")
        return [
            Tag("lighting", brightness, number=round(light.brightness, 1)),
            Tag("contrast", contrast, number=round(light.contrast, 1)),
            Tag("blurriness", blur, number=round(light.sharpness, 1)),
        ]


def _word(number: float, below: tuple[tuple[float, str], ...], otherwise: str) -> str:
    return next((word for bound, word in below if number < bound), otherwise)
