from __future__ import annotations

from typing import ClassVar

from .base import Tag, View, Views

CLASSES = ((3840, 2160, "4K"), (1920, 1080, "Full HD"), (1280, 720, "HD"))
_ASPECTS = ((1.0, "1:1"), (5 / 4, "5:4"), (4 / 3, "4:3"), (3 / 2, "3:2"), (16 / 9, "16:9"), (2.0, "2:1"))
_ALIKE = 0.02


class Shape:
    """Resolution class, orientation and aspect of the displayed picture, either way round."""

    name: ClassVar[str] = "shape"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.SIZE})
    cost_ms: ClassVar[float] = 0.01

    def tags(self, views: Views) -> list[Tag]:
        long, short = max(views.width, views.height), min(views.width, views.height)
        resolution = next((name for wide, high, name in CLASSES if long >= wide and short >= high), "SD")
        aspect = next((name for ratio, name in _ASPECTS if abs(long / short - ratio) <= _ALIKE * ratio), "other")
        orientation = "square" if long == short else "landscape" if views.width == long else "portrait"
        megapixels = round(long * short / 1e6, 2)
        return [
            Tag("resolution", resolution, number=megapixels),
            Tag("aspect", aspect, number=round(long / short, 3)),
            Tag("orientation", orientation),
        ]
