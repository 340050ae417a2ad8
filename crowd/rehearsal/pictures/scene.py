"""A person in a room shows a hand sign: what a phone or a webcam would have seen, with the truth about it."""

import random
from dataclasses import replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from . import whole
from .hands import Light, draw_hand
from .heads import draw_body, draw_hair_behind, draw_head, tilted
from .looks import Look
from .rooms import HEIGHT, STUDIO, WIDTH, Room, draw_room
from .shapes import Brush, Colour, Placement, Point, ribbon, shade
from .staging import Pose, Setting, Shot, Shown, Stage, stage
from .truth import Picture, Truth, resized
from .whole import Pixels, Size

_TINTS: Final[dict[str, Light]] = {"day": (1.0, 1.0, 1.0), "lamp": (1.0, 0.9, 0.76), "low": (0.66, 0.68, 0.75)}
_GRAIN: Final = {"day": 0.08, "lamp": 0.11, "low": 0.16}
_GRAIN_OF_MANY: Final = {**_GRAIN, "low": 0.4}
_SOFT: Final = 2  # so many times smaller is drawn what is a little soft
_FINE: Final = 1.4  # so many eighths of the full size a spot of light is deviated by
_GRAINY: Final = 0.6  # so many pixels a grain is
_SPOTS, _SPOTS_OF_MANY, _SPOTS_OF_CALM = 0.85, 1.0, 0.2


def scene(
    seed: str,
    sign: str,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    person: str | None = None,
    room: str | None = None,
    light: str | None = None,
    scale: float | None = None,
    second_hand: bool = False,
    shown: Shown = "whole",
) -> Picture:
    """Draw a picture: the same arguments give the same pixels.

    Args:
        seed: what chance decides in this one picture: pose, crop, expression, exposure.
        sign: one of `SIGNS`; a name of somebody's own is shown by one of their poses.
        width: pixels of the result; the drawing is made at 1920 x 1080 and scaled.
        height: pixels of the result.
        person: seed of the identity (face, skin, hair, clothes); the picture's own seed when missing.
        room: seed of the room, "studio" for a plain grey one; the person's home when missing.
        light: "day", "lamp" or "low"; the room's own when missing.
        scale: size of the person, 1 = fills the picture at arm's length, 0.35 = three metres away.
        second_hand: also show the other hand at rest ("no gesture").
        shown: the signing hand is "whole", "cut" by the edge of the picture, or not there ("none").

    Raises:
        ValueError: the light is not a known one.
    """
    setting = Setting(seed, sign, person, room, light, scale, second_hand, shown)
    picture = draw(setting)
    return picture if (width, height) == picture.image.size else scaled(picture, width, height)


def template(sign: str) -> Picture:
    """Draw the task's example of a sign: one person before a grey wall."""
    return draw(template_setting(sign))


def template_setting(sign: str) -> Setting:
    name = f"template-{sign}"
    return Setting(name, sign, person=name, room=STUDIO, light="day", scale=0.94)


def draw(setting: Setting, shrink: int = 1, *, calm: bool = False) -> Picture:
    """Draw the picture of a setting, `shrink` times smaller each way; the truth is that of full size.

    The light falls so unevenly that photos of few people hardly share their detail by chance, and more so where many
    are drawn, which are drawn smaller. `calm` is for pictures that people look at.
    """
    staged = stage(setting)
    where = draw_room(setting.room_seed)
    light = setting.light or where.light
    veil = _veil(light, studio=where.kind == STUDIO) * np.array(staged.shot.gain, np.float32)
    size = WIDTH // shrink, HEIGHT // shrink
    strength = _SPOTS_OF_CALM if calm else _SPOTS if shrink == 1 else _SPOTS_OF_MANY
    spots = 128 + (_shade_of(setting.seed).astype(np.float32) - 128) * strength
    shining = np.asarray(np.minimum(veil * spots[..., None], 255), np.uint8)
    soft = whole.lit(_photographed(staged, where, max(_SOFT, shrink)), shining)
    grain = (_GRAIN if shrink == 1 else _GRAIN_OF_MANY)[light]
    seen = whole.enlarged(soft, size, _noise(f"grain-{setting.seed}", size, _GRAINY), grain)
    for pose in staged.hands:
        draw_hand(seen, pose.hand, _shrunk(pose.place, shrink), staged.who, _light_at(veil, pose.place))
    return Picture(Image.fromarray(seen), staged.truth())


def _shrunk(place: Placement, shrink: int) -> Placement:
    return replace(place, x=place.x / shrink, y=place.y / shrink, scale=place.scale / shrink)


def expected_truth(setting: Setting) -> Truth:
    """Tell what `draw` would show, without drawing: a thousand times faster."""
    return stage(setting).truth()


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """Scale a picture and its truth."""
    image = picture.image.resize((width, height), Image.Resampling.LANCZOS)
    return Picture(image, resized(picture.truth, width, height))


def _photographed(staged: Stage, where: Room, shrink: int) -> Pixels:
    """Room, body, head and arms, a little soft."""
    who, shot = staged.who, staged.shot
    canvas = _backdrop(where, shot, shrink)
    head = Brush(canvas, _shrunk(tilted(shot.at, shot.mood.tilt), shrink))
    draw_hair_behind(head, who)
    draw_body(Brush(canvas, _shrunk(shot.at, shrink)), who)
    draw_head(head, who, shot.mood)
    for pose in staged.hands:
        _arm(Brush(canvas, Placement(scale=1 / shrink)), who, shot, pose)
    return canvas


def _backdrop(where: Room, shot: Shot, shrink: int) -> Pixels:
    w, h = where.image.shape[1::-1]
    left, top, right, bottom = shot.pan
    seen = (left * w, top * h, right * w, bottom * h)
    return whole.part_of(where.image, seen, (WIDTH // shrink, HEIGHT // shrink))


def _arm(brush: Brush, who: Look, shot: Shot, pose: Pose) -> None:
    """Sleeve (or bare forearm) from the wrist to the elbow, and from there to the body if that is in the picture."""
    k, middle, wrist = shot.at.scale, shot.at.x, pose.place.at(0, 104)
    side = 1 if pose.place.x >= middle else -1
    elbow = _elbow(shot, pose.place, wrist, side)
    bare = who.sleeve == "short"
    colour = shade(who.skin, 0.9) if bare else who.shirt
    widths = [84 * k, 178 * k] if bare else [100 * k, 214 * k]
    for part in ribbon([wrist, elbow], widths):
        brush.fill(part, shade(colour, 1.02), shade(colour, 0.74))
    if elbow[1] < HEIGHT:
        for part in ribbon([elbow, (middle + side * 215 * k, HEIGHT + 40 * k)], [widths[1], 230 * k]):
            brush.fill(part, shade(who.shirt, 0.86), shade(who.shirt, 0.62))
    if not bare:
        _folds(brush, wrist, elbow, k, shade(who.shirt, 0.62))


def _elbow(shot: Shot, hand: Placement, wrist: Point, side: int) -> Point:
    k, middle = shot.at.scale, shot.at.x
    if abs(wrist[1] - hand.y) < 60 * k:  # the hand lies on its side: the elbow is outside of it
        return wrist[0] + side * 150 * k, wrist[1] + 250 * k
    return wrist[0] * 0.7 + middle * 0.3 + 15 * side, max(wrist[1] + 190 * k, HEIGHT + 40 * k)


def _folds(brush: Brush, wrist: Point, elbow: Point, k: float, colour: Colour) -> None:
    for t, left, right, drop in ((0.35, 30, 34, 16), (0.6, 40, 20, 22)):
        x, y = wrist[0] * (1 - t) + elbow[0] * t, wrist[1] * (1 - t) + elbow[1] * t
        brush.line([(x - left * k, y), (x + right * k, y + drop * k)], 5 * k, colour, alpha=0.35)


@lru_cache(maxsize=8)
def _veil(light: str, *, studio: bool) -> npt.NDArray[np.float32]:
    """What share the light leaves of each colour, an eighth of the size: darker corners, times the tint of the lamp."""
    strength = 0.25 if studio else 0.75
    away = np.asarray(Image.radial_gradient("L").resize((96, 54)), np.float32)
    corners = 1 - np.maximum(0, away - 120) * (strength / 255)
    smooth = cv2.resize(corners, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth[..., None] * np.array(_TINTS[light]), np.float32)


def _light_at(veil: npt.NDArray[np.float32], place: Placement) -> Light:
    x = min(max(int(place.x / 8), 0), veil.shape[1] - 1)
    y = min(max(int(place.y / 8), 0), veil.shape[0] - 1)
    red, green, blue = veil[y, x].tolist()
    return red, green, blue


def _shade_of(seed: str) -> Pixels:
    """How unevenly the light falls, an eighth of the size."""
    return _noise(f"shade-{seed}", (WIDTH // 8, HEIGHT // 8), _FINE)


def _noise(name: str, size: Size, deviation: float) -> Pixels:
    """Spots of so many pixels about mid-grey, of this name alone: no two photos share their detail."""
    raw = np.random.default_rng(random.Random(name).getrandbits(64)).bytes(size[0] * size[1])
    return np.asarray(cv2.GaussianBlur(np.frombuffer(raw, np.uint8).reshape(size[::-1]), (0, 0), deviation), np.uint8)
