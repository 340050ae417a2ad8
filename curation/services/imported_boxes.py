"""Boxes from a file of somebody else's, as a version of the consensus has them: in fractions of the picture."""

from typing import Any

from curation.datasets.formats.reading.base import Boxes, NamedBox

METHOD = "import"
NO_CONFIDENCE = 1.0  # whoever publishes a box without a number stands for it


class OutsideThePicture(ValueError):
    """Nothing of a box lies in the picture."""


def fractions(box: NamedBox, on: Boxes, label: str) -> dict[str, Any]:
    """Return a box as fractions of the picture, cut at its border. Raises OutsideThePicture."""
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(float(on.width), box.x + box.width), min(float(on.height), box.y + box.height)
    if right <= left or bottom <= top:
        raise OutsideThePicture(f"the box {box.x:g}, {box.y:g}, {box.width:g}, {box.height:g} lies outside the picture")
    confidence = NO_CONFIDENCE if box.confidence is None else box.confidence
    sides = {
        "x": left / on.width,
        "y": top / on.height,
        "w": (right - left) / on.width,
        "h": (bottom - top) / on.height,
    }
    corners = [[_within(x / on.width), _within(y / on.height)] for x, y in box.outline]
    return {"label": label, **sides, "confidence": confidence, **({"points": corners} if corners else {})}


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
