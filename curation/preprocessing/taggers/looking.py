"""What taggers see of a picture, each part decoded once and only when a tagger needs it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from curation.preprocessing.copies import derivative
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.gate import open_gated
from curation.preprocessing.limits import PICTURE_LIMITS, Limits
from curation.preprocessing.pixels import Grey

from .base import Colours, Light, View, Views

RGB_LONGEST = 640
_NO_LOSS = 95
_NO_COLOURS = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Look:
    """What is measured of a picture in grey, and the quantisation tables of a JPEG."""

    analysis: Analysis
    tables: tuple[tuple[int, ...], ...]


def look(data: bytes, limits: Limits = PICTURE_LIMITS) -> Look:
    """Measure a picture; safe in a child process. Raises Unreadable."""
    analysis = analyse(data, compat=False, limits=limits)
    tables = getattr(open_gated(data, limits), "quantization", None) or {}
    return Look(analysis, tuple(tuple(int(step) for step in table) for table in tables.values()))


def colours(data: bytes, limits: Limits = PICTURE_LIMITS) -> Colours:
    """Decode a picture in colours, upright, longest side at most 640; safe in a child process. Raises Unreadable."""
    return np.asarray(Image.open(io.BytesIO(derivative(data, RGB_LONGEST, _NO_LOSS, "JPEG", limits))))


Run = Callable[..., Any]


class Picture:
    """A file whose views are worked out when first asked for; `run` calls a function, here or in a child."""

    def __init__(self, read: Callable[[], bytes], run: Run) -> None:
        self._read, self._run = read, run

    @cached_property
    def data(self) -> bytes:
        return self._read()

    @cached_property
    def look(self) -> Look:
        found: Look = self._run(look, self.data)
        return found

    @cached_property
    def colours(self) -> Colours:
        found: Colours = self._run(colours, self.data)
        return found

    def views(self, needs: frozenset[View], *, before: Picture | None = None, is_frame: bool = False) -> Views:
        """Arrange what a tagger needs; colours are left out when it does not ask for them. Raises Unreadable."""
        analysis = self.look.analysis
        previous: Grey | None = None
        if before is not None and View.BEFORE in needs:
            previous = before.look.analysis.preview.grey
        return Views(
            width=analysis.width,
            height=analysis.height,
            light=Light(analysis.brightness, analysis.contrast, analysis.sharpness),
            grey=analysis.preview.grey,
            rgb=self.colours if View.RGB in needs else _NO_COLOURS,
            camera=analysis.camera,
            tables=() if is_frame else self.look.tables,  # a frame's tables are our own encoder's
            before=previous,
        )
