"""Outlines as lists of points, and the one brush that fills them: everything drawn here is a filled polygon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import mul

import cv2
import numpy as np
import numpy.typing as npt

from .whole import Pixels, blurred, lay

Point = tuple[float, float]
Outline = list[Point]
Colour = tuple[int, int, int]
Points = npt.NDArray[np.float64]
"""Shape (..., 2): x and y of the points of one outline, or of several with as many points."""
Radii = float | npt.NDArray[np.float64]
"""Of all, or one of each: shape (n, 1, 1)."""

_CURVE_STEPS = 10
_END = [(math.sin(math.pi * i / 10), -math.cos(math.pi * i / 10)) for i in range(11)]
_ENDS = np.array(_END)
_EIGHTHS = [[math.pi / 2 * (quarter + i / 8) for i in range(9)] for quarter in range(4)]
_QUARTERS = [[(math.cos(a), math.sin(a)) for a in quarter] for quarter in _EIGHTHS]
_SIXTEENTHS = 4  # bits of a pixel's fraction


def shade(colour: Colour, k: float) -> Colour:
    """The colour, k times as bright."""
    red, green, blue = (min(255, max(0, round(c * k))) for c in colour)
    return red, green, blue


def lit(colour: Colour, light: tuple[float, float, float]) -> Colour:
    """The colour under a coloured light."""
    red, green, blue = (min(255, max(0, round(c * k))) for c, k in zip(colour, light, strict=True))
    return red, green, blue


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """The colour at t between a (0) and b (1)."""
    red, green, blue = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Placement:
    """A similarity of the plane: mirror, then turn (degrees, clockwise on screen) and scale, then move."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    turn: float = 0.0
    mirror: bool = False

    def __call__(self, points: Sequence[Point]) -> Outline:
        cos, sin = math.cos(math.radians(self.turn)) * self.scale, math.sin(math.radians(self.turn)) * self.scale
        flip = -1 if self.mirror else 1
        return [(self.x + flip * x * cos - y * sin, self.y + flip * x * sin + y * cos) for x, y in points]

    def of_all(self, points: Points) -> Points:
        """Place an array of points, or of outlines."""
        cos, sin = math.cos(math.radians(self.turn)) * self.scale, math.sin(math.radians(self.turn)) * self.scale
        flip = -1 if self.mirror else 1
        placed: Points = points @ np.array([[flip * cos, flip * sin], [-sin, cos]]) + (self.x, self.y)
        return placed

    def at(self, x: float, y: float) -> Point:
        return self([(x, y)])[0]


def ellipse(cx: float, cy: float, rx: float, ry: float, steps: int = 44) -> Outline:
    return [(cx + rx * cos, cy + ry * sin) for cos, sin in _circle(steps)]


@lru_cache(maxsize=64)
def _circle(steps: int) -> Outline:
    turns = (2 * math.pi * i / steps for i in range(steps))
    return [(math.cos(a), math.sin(a)) for a in turns]


def rectangle(x: float, y: float, w: float, h: float) -> Outline:
    return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]


def rounded(x: float, y: float, w: float, h: float, r: float) -> Outline:
    corners = (x + w - r, y + h - r), (x + r, y + h - r), (x + r, y + r), (x + w - r, y + r)
    quarters = zip(corners, _QUARTERS, strict=True)
    return [(cx + r * cos, cy + r * sin) for (cx, cy), quarter in quarters for cos, sin in quarter]


def capsule(start: Point, end: Point, r0: float, r1: float) -> Outline:
    """A finger: two round ends of radius r0 and r1 and the straight sides between them."""
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0)
    cos, sin = ((x1 - x0) / length, (y1 - y0) / length) if length else (1.0, 0.0)
    turned = [(c * cos - s * sin, s * cos + c * sin) for c, s in _END]
    return [(x0 - r0 * x, y0 - r0 * y) for x, y in turned] + [(x1 + r1 * x, y1 + r1 * y) for x, y in turned]


def curve(start: Point, *segments: Sequence[Point]) -> Outline:
    """A path of lines (one point), quadratic (two) and cubic (three) Bezier segments, as points."""
    points = [start]
    for segment in segments:
        control = [points[-1], *segment]
        points += _bezier(control) if segment[1:] else segment
    return points


_SHARES = [(i / _CURVE_STEPS, 1 - i / _CURVE_STEPS) for i in range(1, _CURVE_STEPS + 1)]
_BEZIER: dict[int, list[tuple[float, ...]]] = {
    3: [(u * u, 2 * u * t, t * t) for t, u in _SHARES],
    4: [(u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t) for t, u in _SHARES],
}
"""What share each control point of a segment has in each of its points."""


def _bezier(control: Sequence[Point]) -> Outline:
    xs, ys = zip(*control, strict=True)
    return [(sum(map(mul, shares, xs)), sum(map(mul, shares, ys))) for shares in _BEZIER[len(control)]]


def ribbon(points: Sequence[Point], widths: Sequence[float]) -> list[Outline]:
    """A line whose width changes from point to point, as capsules."""
    joints = list(zip(points, widths, strict=True))
    return [capsule(a, b, wa / 2, wb / 2) for (a, wa), (b, wb) in pairwise(joints)]


def capsules(starts: Points, ends: Points, r0: Radii, r1: Radii) -> Points:
    """Return the outline of `capsule` of each pair of points of shape (n, 2): shape (n, 22, 2)."""
    ways = ends - starts
    lengths = np.hypot(ways[:, 0], ways[:, 1])
    cos, sin = np.where(lengths > 0, ways.T, [[1.0], [0.0]]) / np.where(lengths > 0, lengths, 1)
    turned = _ENDS @ np.stack([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)
    return np.concatenate([starts[:, None] - r0 * turned, ends[:, None] + r1 * turned], axis=1)


@dataclass(frozen=True, slots=True)
class Brush:
    """Fills outlines, given in the coordinates of the scene, on an image placed by `place`."""

    pixels: Pixels
    place: Placement = Placement()

    def fill(self, points: Sequence[Point], colour: Colour, to: Colour | None = None, *, alpha: float = 1.0) -> None:
        """Fill with one colour, or from `colour` at the top left to `to` at the bottom right."""
        self._blend([self.place.of_all(np.array(points))], colour, to, alpha, soft=0)

    def glow(self, points: Sequence[Point], colour: Colour, *, alpha: float, soft: float) -> None:
        """Fill with blurred edges: blush, shadows, highlights."""
        self._blend([self.place.of_all(np.array(points))], colour, None, alpha, soft=soft * self.place.scale)

    def spots(self, outlines: Sequence[Outline], colour: Colour, *, alpha: float) -> None:
        """Fill several outlines of as many points each, as one: where they overlap they are no denser."""
        self._blend(list(self.place.of_all(np.array(outlines))), colour, None, alpha, soft=0)

    def line(self, points: Sequence[Point], width: float, colour: Colour, *, alpha: float = 1.0) -> None:
        """Draw a line with round ends."""
        joints, r = np.array(points), width / 2
        self._blend(list(self.place.of_all(capsules(joints[:-1], joints[1:], r, r))), colour, None, alpha, soft=0)

    def _blend(
        self, outlines: Sequence[Points], colour: Colour, to: Colour | None, alpha: float, *, soft: float
    ) -> None:
        if to is None and alpha >= 1 and not soft:
            _fill(self.pixels, outlines, (0, 0), colour)
            return
        box = _bounds(outlines, self.pixels.shape[1::-1], 3 * soft + 1)
        if box is None:
            return
        mask = mask_of(outlines, box, round(255 * min(1.0, alpha)))
        if soft:
            mask = blurred(mask, soft)
        source = np.full((*mask.shape, 3), colour, np.uint8) if to is None else ramp(colour, to, mask.shape[1::-1])
        lay(self.pixels, box[:2], source, mask)


def mask_of(outlines: Sequence[Points], box: tuple[int, int, int, int], level: int = 255) -> Pixels:
    """Fill outlines with a level of grey in a part (left, top, right, bottom) of a picture, with smooth edges."""
    left, top, right, bottom = box
    mask = np.zeros((bottom - top, right - left), np.uint8)
    _fill(mask, outlines, (left, top), (level,))
    return mask


def _fill(pixels: Pixels, outlines: Sequence[Points], corner: tuple[int, int], colour: Sequence[int]) -> None:
    """Fill outlines, one after the other; `corner`: where the left upper one of the pixels lies."""
    for outline in outlines:
        points = (outline - (corner[0] + 0.5, corner[1] + 0.5)) * (1 << _SIXTEENTHS)
        cv2.fillPoly(pixels, [np.rint(points).astype(np.int32)], colour, cv2.LINE_AA, _SIXTEENTHS)


def ramp(start: Colour, end: Colour, size: tuple[int, int]) -> Pixels:
    """A picture that goes from one colour at the top left to another at the bottom right."""
    middle = mix(start, end, 0.5)
    corners = np.array([(start, middle), (middle, end)], np.uint8)
    return np.asarray(cv2.resize(corners, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _bounds(outlines: Sequence[Points], size: tuple[int, int], margin: float) -> tuple[int, int, int, int] | None:
    points = outlines[0] if len(outlines) == 1 else np.concatenate(outlines)
    x, y, w, h = cv2.boundingRect(points.astype(np.float32))
    around = math.ceil(margin)
    left, top = max(0, x - around), max(0, y - around)
    right, bottom = min(size[0], x + w + around), min(size[1], y + h + around)
    return (left, top, right, bottom) if left < right and top < bottom else None
