"""What a tagger is, what it sees, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from curation.preprocessing.decode import Camera
from curation.preprocessing.pixels import Grey

MODEL, RULE, HEURISTIC = "model", "rule", "heuristic"
"""Sources of a tag: a model's opinion, a measurement with a rule, a guess that is never more than a suggestion."""

Colours = npt.NDArray[np.uint8]


_UNKNOWN_CAMERA = Camera()


class View(StrEnum):
    """What can be seen of a picture; all of it is worked out in one decode and shared by all taggers."""

    SIZE = "size"
    LIGHT = "light"
    GREY = "grey"
    RGB = "rgb"
    CAMERA = "camera"
    TABLES = "tables"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Light:
    """Brightness and contrast in grey levels; sharpness as in `quality.sharpness`."""

    brightness: float
    contrast: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class Views:
    """One picture, upright.

    `grey`: (h, w), longest side at most 480. `rgb`: (h, w, 3), longest side at most 640; empty for taggers that do not
    need it. `tables`: the quantisation tables of a JPEG, 64 numbers each; none for other formats and for frames.
    `before`: `grey` of the frame before it in its video; none for the first one and for a single picture.
    """

    width: int
    height: int
    light: Light
    grey: Grey
    rgb: Colours
    camera: Camera = _UNKNOWN_CAMERA
    tables: tuple[tuple[int, ...], ...] = ()
    before: Grey | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """One thing said: a key, a value in words, and the number behind it.

    `score` is the confidence from 0 to 1 (1 for measurements); `box` is (x, y, w, h) in shares of the picture.
    """

    key: str
    value: str
    source: str = RULE
    score: float = 1.0
    number: float | None = None
    box: tuple[float, float, float, float] | None = None


@runtime_checkable
class Tagger(Protocol):
    """A plug-in. `version` is part of every result's key: raise it when the same picture may be tagged otherwise."""

    name: str
    version: str
    needs: frozenset[View]
    cost_ms: float

    def tags(self, views: Views) -> Sequence[Tag]:
        """Say what is seen; pure, and never raises for a picture that was decoded."""
        ...
