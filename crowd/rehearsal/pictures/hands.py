"""Hands that show a sign. Local coordinates: the palm about (0, 0), fingers up (negative y), the thumb at the left."""

import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal

import cv2
import numpy as np

from .looks import Look
from .shapes import (
    Brush,
    Colour,
    Outline,
    Placement,
    Point,
    Points,
    capsule,
    capsules,
    lit,
    mask_of,
    ribbon,
    rounded,
    shade,
)
from .whole import Pixels, blurred, lay

Thumb = Literal["tucked", "ring", "hidden"] | tuple[float, float, float, float]
Bounds = tuple[float, float, float, float]
Light = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sign:
    """Which fingers are up and where the thumb is; its tuple is x, y, angle and length.

    `back` shows the back of the hand, `sideways` lays it on its side with the wrist outwards, `flipped` mirrors it.
    """

    up: tuple[bool, bool, bool, bool]
    thumb: Thumb = "tucked"
    angles: tuple[float, float, float, float] = (-12, -3, 5, 14)
    back: bool = False
    sideways: bool = False
    flipped: bool = False
    reach: float = 1.0


_ALL = (True, True, True, True)
_NONE = (False, False, False, False)
_INDEX = (True, False, False, False)
_TWO = (True, True, False, False)
_OPEN: Final[Thumb] = (-50, 14, -54, 112)
_APART = (-14.0, 12.0, 0.0, 0.0)
_TOGETHER = (-2.0, 1.0, 0.0, 0.0)
_CLOSED = (-4.0, -1.0, 2.0, 5.0)

POSES: Final[dict[str, Sign]] = {
    "call": Sign((False, False, False, True), _OPEN, (0, 0, 0, 24)),
    "dislike": Sign(_NONE, (-40, -14, -84, 122), sideways=True),
    "fist": Sign(_NONE),
    "four": Sign(_ALL),
    "like": Sign(_NONE, (-40, -14, -84, 122), sideways=True, flipped=True),
    "mute": Sign(_INDEX, angles=(0, 0, 0, 0)),
    "ok": Sign((False, True, True, True), "ring", (0, 2, 10, 20)),
    "one": Sign(_INDEX, angles=(-4, 0, 0, 0)),
    "palm": Sign(_ALL, _OPEN, (-14, -3, 7, 18)),
    "peace": Sign(_TWO, angles=_APART),
    "peace_inverted": Sign(_TWO, "hidden", _APART, back=True),
    "rock": Sign((True, False, False, True)),
    "stop": Sign(_ALL, (-52, 8, -14, 100), _CLOSED),
    "stop_inverted": Sign(_ALL, (-52, 8, -14, 100), _CLOSED, back=True),
    "three": Sign((True, True, True, False), angles=(-12, -1, 10, 0)),
    "three2": Sign(_TWO, _OPEN, (-8, 8, 0, 0)),
    "two_up": Sign(_TWO, angles=_TOGETHER),
    "two_up_inverted": Sign(_TWO, "hidden", _TOGETHER, back=True),
}
SIGNS: Final = tuple(POSES)
RESTING: Final = Sign(_ALL, (-48, 16, -28, 84), (-7, -2, 3, 9), reach=0.58)


def pose_of(sign: str) -> Sign:
    """Return how a hand shows a sign; one that we do not know is shown as a known one, always the same."""
    return POSES.get(sign) or POSES[SIGNS[zlib.crc32(sign.encode()) % len(SIGNS)]]


_BASE = (-42, -14, 14, 41)
_LENGTH = (104, 116, 108, 84)
_CUFF = 92
_MARGIN = 12  # room for the soft shadow


@dataclass(frozen=True, slots=True)
class Limb:
    """A finger as a chain of points with radii."""

    points: tuple[Point, ...]
    radii: tuple[float, ...]

    def outlines(self, k: float = 1.0, dx: float = 0.0, dy: float = 0.0) -> list[Outline]:
        points = [(x + dx * r, y + dy * r) for (x, y), r in zip(self.points, self.radii, strict=True)]
        return ribbon(points, [2 * r * k for r in self.radii])

    def joints(self) -> list[tuple[float, ...]]:
        """Where each part begins and ends, x and y, and its radius at both."""
        ways = zip(pairwise(self.points), pairwise(self.radii), strict=True)
        return [(*start, *end, *radii) for (start, end), radii in ways]


@dataclass(frozen=True)
class Hand:
    """A hand of one person in one pose, ready to be drawn: fingers behind the palm, the palm, what folds over it."""

    behind: tuple[Limb, ...]
    palm: Outline
    over: tuple[Limb, ...]
    back: bool

    def outlines(self) -> list[Outline]:
        return [self.palm, *(part for limb in (*self.behind, *self.over) for part in limb.outlines())]

    def bounds(self, place: Placement) -> Bounds:
        """The box left, top, right, bottom around the placed hand, wrist left out."""
        if place not in self._bounds:
            placed = place.of_all(self._points)
            (left, top), (right, bottom) = placed.min(axis=0).tolist(), placed.max(axis=0).tolist()
            self._bounds[place] = left, top, right, bottom
        return self._bounds[place]

    @cached_property
    def _bounds(self) -> dict[Placement, Bounds]:
        """Where a hand was placed before: most stay where they were tried first."""
        return {}

    @cached_property
    def _points(self) -> Points:
        """The points of all outlines: shape (n, 2)."""
        limbs = np.array([joint for limb in (*self.behind, *self.over) for joint in limb.joints()])
        r0, r1 = limbs[:, 4, None, None], limbs[:, 5, None, None]
        fingers = capsules(limbs[:, :2], limbs[:, 2:4], r0, r1)
        return np.concatenate([np.array(self.palm), fingers.reshape(-1, 2)])


def tip(x: float, y: float, angle: float, length: float) -> Point:
    a = math.radians(angle)
    return x + length * math.sin(a), y - length * math.cos(a)


def shape(sign: Sign, person: Look, wobble: tuple[float, float, float, float, float]) -> Hand:
    """Build a person's hand in a sign; wobble turns each finger and the thumb by some degrees."""
    k = person.palm_width
    raised = tuple(_finger(sign, person, i, wobble[i]) for i in range(4) if sign.up[i])
    folded = () if sign.back else tuple(_folded(person, i) for i in range(4) if not sign.up[i] and not _rings(sign, i))
    knuckles = tuple(_knuckle(person, i) for i in range(4) if sign.back and not sign.up[i])
    thumb = _thumb(sign, person, wobble[4])
    behind, over = (*knuckles, *raised), folded
    if sign.back:
        behind = (*thumb, *behind)
    else:
        over = (*over, *thumb)
    return Hand(behind, rounded(-62 * k, -48, 124 * k, 120, 44), over, sign.back)


def _rings(sign: Sign, finger: int) -> bool:
    return sign.thumb == "ring" and finger == 0


def _finger(sign: Sign, person: Look, i: int, wobble: float) -> Limb:
    x, angle = _BASE[i] * person.palm_width, sign.angles[i] + wobble
    length, r = _LENGTH[i] * person.finger_length[i] * sign.reach, 13.5 * person.finger_width
    bend = angle + wobble * 0.6
    middle = tip(x, -38, angle, length * 0.5)
    return Limb(((x, -20), middle, tip(*middle, bend, length * 0.5 - r)), (r * 1.06, r, r * 0.86))


def _folded(person: Look, i: int) -> Limb:
    x, r = _BASE[i] * person.palm_width, 15 * person.finger_width
    return Limb(((x, -44), (x * 0.96, -18)), (r, r * 0.96))


def _knuckle(person: Look, i: int) -> Limb:
    x, r = _BASE[i] * person.palm_width, 15.5 * person.finger_width
    return Limb(((x, -40), (x, -46)), (r, r))


def _thumb(sign: Sign, person: Look, wobble: float) -> tuple[Limb, ...]:
    r = 15 * person.finger_width
    if sign.thumb == "hidden":
        return ()
    if sign.thumb == "tucked":
        return (Limb(((-44, 22), (-14, 2 + wobble), (12, -14 + wobble)), (r * 1.15, r, r * 0.9)),)
    if sign.thumb == "ring":
        index = Limb(((-42, -30), (-56, -74), (-84, -78), (-96, -50)), (r, r * 0.95, r * 0.9, r * 0.8))
        return index, Limb(((-46, 22), (-78, -6), (-94, -40)), (r * 1.15, r, r * 0.84))
    x, y, angle, length = sign.thumb
    middle = tip(x, y, angle + wobble, length * 0.45)
    return (
        Limb(((x + 12, y + 20), middle, tip(*middle, angle + wobble * 1.6, length * 0.5 - r)), (r * 1.2, r, r * 0.88)),
    )


def draw_hand(canvas: Pixels, hand: Hand, place: Placement, person: Look, light: Light) -> None:
    """Draw a hand with its wrist and cuff."""
    left, top, right, bottom = _window(hand, place)
    part = 0, 0, right - left, bottom - top
    local = Placement(place.x - left, place.y - top, place.scale, place.turn, place.mirror)
    skin = lit(person.skin, light)
    patch = _shaded(hand, local, part[2:], skin)
    _details(Brush(patch, local), hand, skin)
    seen = mask_of([local.of_all(np.array(outline)) for outline in hand.outlines()], part)
    wrist = mask_of([local.of_all(np.array(outline)) for outline in _wrist(person)], part)
    _cuff(Brush(patch, local), person, light)
    shadow = blurred(seen, 7 * place.scale)
    lay(canvas, (left, top), np.full_like(patch, shade(skin, 0.3)), np.asarray(cv2.LUT(shadow, _FAINT), np.uint8))
    lay(canvas, (left, top), patch, np.asarray(cv2.max(seen, wrist), np.uint8))


def _window(hand: Hand, place: Placement) -> tuple[int, int, int, int]:
    points = [point for outline in (*hand.outlines(), rounded(-52, 30, 104, 100, 14)) for point in place(outline)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    m = _MARGIN
    return math.floor(min(xs)) - m, math.floor(min(ys)) - m, math.ceil(max(xs)) + m, math.ceil(max(ys)) + m


_FAINT: Final = np.array([round(v * 0.55) for v in range(256)], np.uint8)


def _shaded(hand: Hand, local: Placement, size: tuple[int, int], skin: Colour) -> Pixels:
    """Colour without edges: limbs lit from the upper left, then blurred; the mask gives the edge."""
    patch = np.full((size[1], size[0], 3), shade(skin, 0.9), np.uint8)
    brush = Brush(patch, local)
    side = -1 if local.mirror else 1
    for limb in hand.behind:
        _round_off(brush, limb, skin, side)
    brush.fill(hand.palm, shade(skin, 1.02), shade(skin, 0.84))
    brush.fill(rounded(-44, -40, 70, 80, 30), shade(skin, 1.03))
    for limb in hand.over:
        _round_off(brush, limb, skin, side)
    return blurred(patch, 1.1 * local.scale + 0.3)


def _round_off(brush: Brush, limb: Limb, skin: Colour, side: int) -> None:
    for k, shift, colour in ((1.12, 0.0, shade(skin, 0.72)), (0.86, 0.08, skin), (0.5, 0.2, shade(skin, 1.1))):
        for outline in limb.outlines(k, -shift * side, -shift):
            brush.fill(outline, colour)


def _details(brush: Brush, hand: Hand, skin: Colour) -> None:
    dark = shade(skin, 0.5)
    for limb in hand.behind:
        (_nail if hand.back else _creases)(brush, limb, skin)
    if hand.back:
        for x in (-26, 0, 25):
            brush.line([(x, -26), (x * 0.7, 26)], 3, dark, alpha=0.14)
    else:
        brush.line([(-34, 0), (-6, -16), (32, 0)], 3, dark, alpha=0.24)
        brush.line([(-36, 18), (-14, 36), (-16, 62)], 3, dark, alpha=0.24)
    for limb in hand.over:
        _edge(brush, limb, dark)
        if len(limb.points) > 2:
            _nail(brush, limb, skin)


def _edge(brush: Brush, limb: Limb, dark: Colour) -> None:
    outline = capsule(limb.points[-2], limb.points[-1], limb.radii[-2], limb.radii[-1])
    brush.line([*outline, outline[0]], 2.4, dark, alpha=0.34)


def _creases(brush: Brush, limb: Limb, skin: Colour) -> None:
    (ax, ay), (bx, by) = limb.points[-2], limb.points[-1]
    length = math.hypot(bx - ax, by - ay) or 1.0
    nx, ny, r = (by - ay) / length, (ax - bx) / length, limb.radii[-1] * 0.62
    for t in (0.0, 0.62):
        x, y = ax + (bx - ax) * t, ay + (by - ay) * t
        brush.line([(x - nx * r, y - ny * r), (x + nx * r, y + ny * r)], 2.4, shade(skin, 0.5), alpha=0.32)


def _nail(brush: Brush, limb: Limb, skin: Colour) -> None:
    (ax, ay), (bx, by) = limb.points[-2], limb.points[-1]
    length = math.hypot(bx - ax, by - ay) or 1.0
    ux, uy, r = (bx - ax) / length, (by - ay) / length, limb.radii[-1]
    nail = capsule(
        (bx - ux * r * 0.35, by - uy * r * 0.35), (bx + ux * r * 0.35, by + uy * r * 0.35), r * 0.5, r * 0.56
    )
    brush.fill(nail, shade((skin[0], skin[1], min(255, skin[2] + 14)), 1.1), alpha=0.85)


def _wrist(person: Look) -> list[Outline]:
    wrist = [rounded(-40, 20, 80, 100, 24)]
    return wrist if person.sleeve == "short" else [*wrist, rounded(-50, _CUFF, 100, 34, 13)]


def _cuff(brush: Brush, person: Look, light: Light) -> None:
    skin, shirt = lit(person.skin, light), lit(person.shirt, light)
    brush.glow(rounded(-36, 62, 72, 12, 6), shade(skin, 0.6), alpha=0.4, soft=4)
    if person.watch:
        brush.fill(rounded(-44, 78, 88, 16, 5), (38, 38, 42))
        brush.fill(rounded(-17, 70, 34, 32, 9), (70, 74, 80), (30, 32, 36))
    if person.sleeve == "long":
        brush.fill(rounded(-50, _CUFF, 100, 34, 13), shade(shirt, 0.95), shade(shirt, 0.7))
