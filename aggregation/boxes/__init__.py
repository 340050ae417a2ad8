"""Consensus of boxes. A new method is one file here and one line in METHODS."""

from typing import Protocol

from aggregation.boxes import clusters, hard_soft_drop
from aggregation.boxes.reliability.resolve import NAME as RELIABILITY
from aggregation.boxes.reliability.resolve import agree as agree_by_reliability
from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Consensus, ImageAnswers
from aggregation.core.errors import BadInput


class BoxMethod(Protocol):
    """A pure function of one image's answers and the settings."""

    def __call__(self, image: ImageAnswers, settings: BoxSettings, /) -> Consensus: ...


DEFAULTS = BoxSettings()

METHODS: dict[str, BoxMethod] = {
    hard_soft_drop.NAME: hard_soft_drop.agree,
    "median": clusters.median,
    "mean": clusters.mean,
    "wbf": clusters.wbf,
    RELIABILITY: agree_by_reliability,
}


def box_method(name: str) -> BoxMethod:
    """Return the method of that name; a ValueError names the known ones."""
    if name not in METHODS:
        raise BadInput(f"unknown method {name!r}: expected one of {', '.join(METHODS)}")
    return METHODS[name]


def aggregate_boxes(
    image: ImageAnswers, settings: BoxSettings = DEFAULTS, method: str = hard_soft_drop.NAME
) -> Consensus:
    """Combine all answers to one image into one consensus.

    Pure: same answers, settings and method give the same result in any order; the input is never changed.
    Coordinates in pixels, origin top left. Raises ValueError for an unknown method.
    """
    return box_method(method)(image, settings)
