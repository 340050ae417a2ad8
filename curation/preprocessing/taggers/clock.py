from __future__ import annotations

import re
from typing import ClassVar

from .base import HEURISTIC, Tag, View, Views

_PARTS = ((5, "night"), (9, "morning"), (17, "day"), (21, "evening"), (24, "night"))


class TimeOfDay:
    """Time of day by the camera's own clock (EXIF), which may be wrong or set to another zone."""

    name: ClassVar[str] = "clock"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.CAMERA})
    cost_ms: ClassVar[float] = 0.01

    def tags(self, views: Views) -> list[Tag]:
        found = re.fullmatch(r"\d{4}[:-]\d\d[:-]\d\d[ T](\d\d):(\d\d).*", views.camera.taken_at or "")
        if found is None or int(found[1]) > 23:
            return []
        hour = int(found[1])
        part = next(word for until, word in _PARTS if hour < until)
        return [Tag("time of day", part, source=HEURISTIC, number=hour)]
