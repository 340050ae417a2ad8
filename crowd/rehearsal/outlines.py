"""What a simulated person draws corner by corner: the round shape in the box of an object."""

from collections.abc import Mapping
from math import cos, pi, sin
from typing import Any

CORNERS = 16
ROUND = [
    (0.5 + 0.5 * cos(turn * 2 * pi / CORNERS), 0.5 + 0.5 * sin(turn * 2 * pi / CORNERS)) for turn in range(CORNERS)
]


def outline(box: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outline in a box of fractions."""
    points = [[box["x"] + x * box["w"], box["y"] + y * box["h"]] for x, y in ROUND]
    return {"label": box["label"], "points": points}
