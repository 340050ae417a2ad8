"""Outlines as lists of points, and the one brush that fills them: everything drawn here is a filled polygon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Point = tuple[float, float]
Outline = list[Point]
Colour = tuple[int, int, int]
Points = npt.NDArray[np.float64]
"""Shape (..., 2): x and y of the points of one outline, or of several with as many points."""

_CURVE_STEPS = 10
_END = [(math.sin(math.pi * i / 10), -math.cos(math.pi * i / 10)) for i in range(11)]
_ENDS = np.array(_END)
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
    turns = (2 * math.pi * i / steps for i in range(steps))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in turns]


def rectangle(x: float, y: float, w: float, h: float) -> Outline:
    return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]


def rounded(x: float, y: float, w: float, h: float, r: float) -> Outline:
    corners = ((x + w - r, y + h - r, 0), (x + r, y + h - r, 1), (x + r, y + r, 2), (x + w - r, y + r, 3))
    return [
        (cx + r * math.cos(a), cy + r * math.sin(a))
        for cx, cy, quarter in corners
        for a in (math.pi / 2 * (quarter + i / 8) for i in range(9))
    ]


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
        points += [_bezier(control, i / _CURVE_STEPS) for i in range(1, _CURVE_STEPS + 1)] if segment[1:] else segment
    return points


def _bezier(control: Sequence[Point], t: float) -> Point:
    level = list(control)
    while len(level) > 1:
        level = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(level)]
    return level[0]


def ribbon(points: Sequence[Point], widths: Sequence[float]) -> list[Outline]:
    """A line whose width changes from point to point, as capsules."""
    joints = list(zip(points, widths, strict=True))
    return [capsule(a, b, wa / 2, wb / 2) for (a, wa), (b, wb) in pairwise(joints)]


def _capsules(points: Sequence[Point], radius: float) -> Points:
    """A line as capsules of one radius: shape (n - 1, 22, 2)."""
    joints = np.array(points)
    ways = np.diff(joints, axis=0)
    lengths = np.hypot(ways[:, 0], ways[:, 1])
    cos, sin = np.where(lengths > 0, ways.T, [[1.0], [0.0]]) / np.where(lengths > 0, lengths, 1)
    turned = radius * (_ENDS @ np.stack([[cos, sin], [-sin, cos]]).transpose(2, 0, 1))
    return np.concatenate([joints[:-1, None] - turned, joints[1:, None] + turned], axis=1)


@dataclass(frozen=True, slots=True)
class Brush:
    """Fills outlines, given in the coordinates of the scene, on an image placed by `place`."""

    image: Image.Image
    place: Placement = Placement()

    def fill(self, points: Sequence[Point], colour: Colour, to: Colour | None = None, *, alpha: float = 1.0) -> None:
        """Fill with one colour, or from `colour` at the top left to `to` at the bottom right."""
        self._blend([self.place.of_all(np.array(points))], colour, to, alpha, soft=0)

    def glow(self, points: Sequence[Point], colour: Colour, *, alpha: float, soft: float) -> None:
        """Fill with blurred edges: blush, shadows, highlights."""
        self._blend([self.place.of_all(np.array(points))], colour, None, alpha, soft=soft * self.place.scale)

    def line(self, points: Sequence[Point], width: float, colour: Colour, *, alpha: float = 1.0) -> None:
        """Draw a line with round ends."""
        self._blend(list(self.place.of_all(_capsules(points, width / 2))), colour, None, alpha, soft=0)

    def _blend(
        self, outlines: Sequence[Points], colour: Colour, to: Colour | None, alpha: float, *, soft: float
    ) -> None:
        box = _bounds(outlines, self.image.size, 3 * soft + 1)
        if box is None:
            return
        mask = mask_of(outlines, box, round(255 * min(1.0, alpha)))
        if soft:
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.uint8)
        size = mask.shape[1], mask.shape[0]
        source = colour if to is None else ramp(colour, to).resize(size, Image.Resampling.NEAREST)
        self.image.paste(source, box, Image.frombuffer("L", size, mask, "raw", "L", 0, 1))


def mask_of(outlines: Sequence[Points], box: tuple[int, int, int, int], level: int = 255) -> npt.NDArray[np.uint8]:
    """Fill outlines with a level of grey in a part (left, top, right, bottom) of a picture, with smooth edges."""
    left, top, right, bottom = box
    mask = np.zeros((bottom - top, right - left), np.uint8)
    for outline in outlines:
        points = (outline - (left + 0.5, top + 0.5)) * (1 << _SIXTEENTHS)
        cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], level, cv2.LINE_AA, _SIXTEENTHS)
    return mask


@lru_cache(maxsize=512)
def ramp(start: Colour, end: Colour) -> Image.Image:
    """A small picture that goes from one colour at the top left to another at the bottom right."""
    image = Image.new("RGB", (2, 2), mix(start, end, 0.5))
    image.putpixel((0, 0), start)
    image.putpixel((1, 1), end)
    return image.resize((128, 128), Image.Resampling.BICUBIC)


def _bounds(outlines: Sequence[Points], size: tuple[int, int], margin: float) -> tuple[int, int, int, int] | None:
    points = np.asarray(outlines) if len(outlines) == 1 else np.concatenate(outlines)
    (x0, y0), (x1, y1) = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
    left, top = max(0, math.floor(x0 - margin)), max(0, math.floor(y0 - margin))
    right, bottom = min(size[0], math.ceil(x1 + margin)), min(size[1], math.ceil(y1 + margin))
    return (left, top, right, bottom) if left < right and top < bottom else None
