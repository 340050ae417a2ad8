"""Who stands where and does what in one picture: all that chance decides, before a pixel is drawn."""

import random
from dataclasses import dataclass
from typing import Final, Literal

from .hands import RESTING, Bounds, Hand, Light, pose_of, shape
from .heads import Expression, expression
from .looks import Look, look
from .rooms import HEIGHT, LIGHTS, WIDTH
from .shapes import Placement
from .truth import CUT_OFF, GESTURE, NO_GESTURE, NO_HAND, Truth, TruthBox

Shown = Literal["whole", "cut", "none"]

_MARGIN = 14
_HAND_SIZE = 1.18
_FLAGS: Final[dict[Shown, tuple[str, ...]]] = {"whole": (), "cut": (CUT_OFF,), "none": (NO_HAND,)}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a caller may ask of a picture; `scene` explains the fields."""

    seed: str
    sign: str
    person: str | None = None
    room: str | None = None
    light: str | None = None
    scale: float | None = None
    second_hand: bool = False
    shown: Shown = "whole"

    def __post_init__(self) -> None:
        if self.light is not None and self.light not in LIGHTS:
            raise ValueError(f"no light {self.light!r}; known are {', '.join(dict.fromkeys(LIGHTS))}")

    @property
    def identity(self) -> str:
        return self.seed if self.person is None else self.person

    @property
    def room_seed(self) -> str:
        return f"{self.identity}-home" if self.room is None else self.room


@dataclass(frozen=True, slots=True)
class Pose:
    """One placed hand of a picture, in pixels."""

    hand: Hand
    place: Placement
    label: str


@dataclass(frozen=True, slots=True)
class Shot:
    """Where the person is, how the camera is held; `pan` is the share of the room it sees: left, top, right, bottom."""

    side: int
    at: Placement
    mood: Expression
    pan: tuple[float, float, float, float]
    gain: Light


@dataclass(frozen=True, slots=True)
class Stage:
    """A picture that could be drawn now."""

    setting: Setting
    who: Look
    shot: Shot
    hands: tuple[Pose, ...]

    def truth(self) -> Truth:
        """Tell what is seen, from the geometry: a hand's box is that of its pixels within one pixel."""
        setting = self.setting
        found = tuple(
            _box(pose.label, pose.hand.bounds(pose.place))
            for pose in self.hands
            if not (setting.shown == "cut" and pose.label == GESTURE)
        )
        sign = None if setting.shown == "none" else setting.sign
        return Truth(sign, found, WIDTH, HEIGHT, self.who.identity, _FLAGS[setting.shown], setting.seed)


def _box(label: str, bounds: Bounds) -> TruthBox:
    left, top, right, bottom = bounds
    return TruthBox(label, round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2))


def stage(setting: Setting) -> Stage:
    """Decide everything the setting leaves open."""
    rng = random.Random(f"shot-{setting.seed}-{setting.sign}")
    who, shot = look(setting.identity), _shot(rng, setting.scale)
    signing = _signing(rng, who, setting, shot)
    resting = (_resting(rng, who, shot),) if setting.second_hand else ()
    return Stage(setting, who, shot, (*(() if setting.shown == "none" else (signing,)), *resting))


def _shot(rng: random.Random, scale: float | None) -> Shot:
    side, size = rng.choice((-1, 1)), scale or rng.uniform(0.5, 1.04)
    middle = WIDTH / 2 - side * rng.uniform(20, 190) * size + rng.uniform(-60, 60)
    at = Placement(middle, HEIGHT * (1 - size) + rng.uniform(-8, 26), size)
    zoom = rng.uniform(0.84, 0.99)
    x, y = rng.uniform(0, 1 - zoom), rng.uniform(0, 1 - zoom)
    exposure, warmth = rng.uniform(0.93, 1.06), rng.uniform(-0.02, 0.02)
    gain = (exposure * (1 + warmth), exposure, exposure * (1 - warmth))
    return Shot(side, at, expression(rng), (x, y, x + zoom, y + zoom), gain)


def _signing(rng: random.Random, who: Look, setting: Setting, shot: Shot) -> Pose:
    sign, side = pose_of(setting.sign), shot.side
    hand = shape(sign, who, _wobble(rng, 4))
    x, y, turn = side * rng.uniform(365, 470), rng.uniform(400, 590), rng.uniform(-13, 13)
    if sign.sideways:
        turn -= 90 * side
    if setting.sign == "mute":
        x, y, turn = rng.uniform(-4, 12), rng.uniform(688, 702), rng.uniform(-5, 5)
    mirror = (side < 0) != (sign.back or sign.flipped)
    place = _hand_place(shot, (x, y), turn, rng.uniform(0.95, 1.05), mirror=mirror)
    lost = rng.uniform(0.3, 0.6)
    return Pose(
        hand, _over_the_edge(hand, place, side, lost) if setting.shown == "cut" else _inside(hand, place), GESTURE
    )


def _resting(rng: random.Random, who: Look, shot: Shot) -> Pose:
    hand = shape(RESTING, who, _wobble(rng, 6))
    at = -shot.side * rng.uniform(390, 460), rng.uniform(740, 830)
    place = _hand_place(shot, at, -shot.side * rng.uniform(-10, 20), 0.92, mirror=shot.side > 0)
    return Pose(hand, _inside(hand, place), NO_GESTURE)


def _wobble(rng: random.Random, by: float) -> tuple[float, float, float, float, float]:
    a, b, c, d, thumb = (rng.uniform(-by, by) for _ in range(5))
    return a, b, c, d, thumb


def _hand_place(shot: Shot, at: tuple[float, float], turn: float, size: float, *, mirror: bool) -> Placement:
    x, y = shot.at.at(*at)
    return Placement(x, y, shot.at.scale * _HAND_SIZE * size, turn, mirror)


def _inside(hand: Hand, place: Placement) -> Placement:
    """Move a hand so far that all of it is in the picture."""
    left, top, right, bottom = hand.bounds(place)
    dx = max(0.0, _MARGIN - left) - max(0.0, right - (WIDTH - _MARGIN))
    dy = max(0.0, _MARGIN - top) - max(0.0, bottom - (HEIGHT - _MARGIN))
    return Placement(place.x + dx, place.y + dy, place.scale, place.turn, place.mirror)


def _over_the_edge(hand: Hand, place: Placement, side: int, share: float) -> Placement:
    """Move a hand so far out at its side that `share` of its width is lost."""
    left, _, right, _ = hand.bounds(place)
    lost = (right - left) * share
    dx = WIDTH + lost - right if side > 0 else -lost - left
    return Placement(place.x + dx, place.y, place.scale, place.turn, place.mirror)
