from __future__ import annotations

import re
from typing import ClassVar, Final

from .base import MODEL, Tag, View, Views

MAKE: Final = "simulated search"
SAID: Final = re.compile(r"([\w -]{1,40}) ([01]\.\d\d)")


class Simulated:
    """The names a weak model would give to a picture of a simulated search, which writes them where cameras sign.

    Of any other picture it says nothing: it lets a recipe with a model filter be tried without a model.
    """

    name: ClassVar[str] = "simulated"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[View]] = frozenset({View.CAMERA})
    cost_ms: ClassVar[float] = 0.01

    def tags(self, views: Views) -> list[Tag]:
        if views.camera.make != MAKE:
            return []
        parts = (SAID.fullmatch(part.strip()) for part in (views.camera.model or "").split(","))
        return [Tag("label", found[1], MODEL, min(1.0, float(found[2]))) for found in parts if found]
