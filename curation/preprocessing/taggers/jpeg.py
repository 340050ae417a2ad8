from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Tag, View, Views

_LUMINANCE_SUM = 3688
"""Sum of the luminance table in annex K of the JPEG standard, which quality 50 uses as it is."""
LOW, HIGH = 50, 90


class JpegQuality:
    """Quality setting of the last JPEG encoder, from its luminance table.

    The tables of the standard, scaled as the IJG library does: 5000 / quality per cent below 50, 200 - 2 * quality
    above. Encoders with tables of their own get the nearest such quality.
    """

    name: ClassVar[str] = "jpeg"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.TABLES})
    cost_ms: ClassVar[float] = 0.01

    def tags(self, views: Views) -> list[Tag]:
        if not views.tables:
            return []
        percent = 100.0 * float(np.sum(views.tables[0])) / _LUMINANCE_SUM
        quality = round(min(100.0, max(1.0, (200 - percent) / 2 if percent <= 100 else 5000 / percent)))
        word = "low" if quality < LOW else "normal" if quality < HIGH else "high"
        return [Tag("jpeg quality", word, number=quality)]
