from __future__ import annotations

from typing import ClassVar

import numpy as np

from curation.preprocessing.pixels import resized

from .base import Tag, View, Views

CELLS = (96, 54)
CHANGED_LEVELS = 12
SOME, MUCH = 0.004, 0.05


class Motion:
    """Share of the picture that changed since the frame before.

    Both are averaged down to 96x54 cells; a cell moves when it differs by more than 12 grey levels after the median
    change (exposure) is taken away. A first frame and a single picture are "unknown".
    """

    name: ClassVar[str] = "motion"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.GREY, View.BEFORE})
    cost_ms: ClassVar[float] = 0.3

    def tags(self, views: Views) -> list[Tag]:
        if views.before is None:
            return [Tag("motion", "unknown"), Tag("motion level", "unknown")]
        now, before = (resized(grey, *CELLS).astype(np.int16) for grey in (views.grey, views.before))
        change = now - before
        share = float((np.abs(change - np.median(change)) > CHANGED_LEVELS).mean())
        level = "none" if share < SOME else "some" if share < MUCH else "much"
        return [
            Tag("motion", "no" if level == "none" else "yes", number=round(share, 4)),
            Tag("motion level", level, number=round(share, 4)),
        ]
