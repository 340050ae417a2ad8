"""Who is in the picture: what stays the same in all photos of one person."""

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .shapes import Colour

SKIN: Final[tuple[Colour, ...]] = (
    (242, 201, 168), (224, 169, 130), (185, 123, 86), (154, 101, 70),
    (118, 78, 55), (246, 215, 191), (207, 148, 104), (136, 92, 66),
)  # fmt: skip
HAIR: Final[tuple[Colour, ...]] = (
    (43, 33, 28), (74, 49, 34), (23, 21, 26), (107, 74, 47),
    (140, 140, 144), (169, 116, 63), (58, 42, 47), (196, 154, 92),
)  # fmt: skip
CLOTH: Final[tuple[Colour, ...]] = (
    (65, 86, 107), (122, 74, 82), (77, 99, 80), (176, 138, 87), (91, 84, 112), (160, 82, 60), (58, 110, 116),
)  # fmt: skip
SHIRT: Final[tuple[Colour, ...]] = (
    (47, 74, 109), (123, 63, 63), (60, 90, 72), (68, 74, 82), (185, 131, 74), (88, 74, 120), (201, 195, 182),
    (39, 52, 63), (141, 95, 109), (70, 122, 138), (166, 84, 60), (214, 180, 92),
)  # fmt: skip
STYLES: Final = ("short", "long", "buzz", "curly", "bun", "beanie", "short", "long", "side", "scarf", "side")
PATTERNS: Final = ("plain", "collar", "stripes", "round", "checks", "print", "hood")
SLEEVES: Final = ("long", "long", "long", "short")
CAMERAS: Final = (
    ("samsung", "SM-A515F"), ("samsung", "SM-G780G"), ("Xiaomi", "Redmi Note 9"), ("Apple", "iPhone 11"),
    ("HUAWEI", "MED-LX9N"), ("realme", "RMX3261"), ("Logitech", "HD Pro Webcam C920"), ("Apple", "iPhone XR"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Face:
    """Proportions, each about 1."""

    width: float
    height: float
    eye_gap: float
    eye_size: float
    eye_line: float
    brow: float
    brow_arch: float
    nose: float
    nose_width: float
    mouth: float
    mouth_line: float
    jaw: float
    lean: float
    lens: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """A person as the camera sees one."""

    identity: str
    skin: Colour
    hair: Colour
    style: str
    shirt: Colour
    accent: Colour
    pattern: str
    sleeve: str
    glasses: str | None
    beard: bool
    earrings: bool
    moles: tuple[tuple[float, float], ...]
    blotches: tuple[tuple[float, float, float, float], ...]
    fringe: tuple[float, float]
    watch: bool
    face: Face
    finger_length: tuple[float, float, float, float]
    finger_width: float
    palm_width: float
    shoulders: float
    camera: tuple[str, str]


@lru_cache(maxsize=1_024)
def look(identity: str) -> Look:
    """Give the look of an identity; the same identity always looks the same."""
    rng = random.Random(f"look-{identity}")
    style = rng.choice(STYLES)
    return Look(
        identity=identity,
        skin=_varied(rng, rng.choice(SKIN), 8),
        hair=_varied(rng, rng.choice(CLOTH if style in ("beanie", "scarf") else HAIR), 10),
        style=style,
        shirt=_varied(rng, rng.choice(SHIRT), 14),
        accent=_varied(rng, rng.choice(SHIRT), 14),
        pattern=rng.choice(PATTERNS),
        sleeve=rng.choice(SLEEVES),
        glasses=rng.choice(("round", "square")) if rng.random() < 0.3 else None,
        beard=style in ("short", "buzz", "side", "curly") and rng.random() < 0.36,
        earrings=style in ("long", "bun", "curly") and rng.random() < 0.5,
        moles=tuple((rng.uniform(-95, 95), rng.uniform(70, 130)) for _ in range(rng.choice((0, 0, 1, 2)))),
        blotches=_blotches(rng),
        fringe=(rng.uniform(-60, 70), rng.uniform(-16, 44)),
        watch=rng.random() < 0.3,
        face=_face(rng),
        finger_length=_fingers(rng),
        finger_width=rng.uniform(0.9, 1.1),
        palm_width=rng.uniform(0.93, 1.06),
        shoulders=rng.uniform(0.88, 1.12),
        camera=rng.choice(CAMERAS),
    )


def _face(rng: random.Random) -> Face:
    return Face(
        width=rng.uniform(0.82, 1.1),
        height=rng.uniform(0.92, 1.08),
        eye_gap=rng.uniform(0.78, 1.2),
        eye_size=rng.uniform(0.72, 1.35),
        eye_line=rng.uniform(-26, 18),
        brow=rng.uniform(0.5, 1.8),
        brow_arch=rng.uniform(-0.2, 1.6),
        nose=rng.uniform(0.72, 1.2),
        nose_width=rng.uniform(0.6, 1.8),
        mouth=rng.uniform(0.66, 1.3),
        mouth_line=rng.uniform(-10, 16),
        jaw=rng.uniform(0.72, 1.02),
        lean=rng.uniform(-9, 9),
        lens=(rng.uniform(36, 52), rng.uniform(24, 42), rng.uniform(4, 10)),
    )


def _blotches(rng: random.Random) -> tuple[tuple[float, float, float, float], ...]:
    """Unevenness of the skin, no two people alike: x, y, radius, and how much darker or lighter."""
    return tuple(
        (rng.uniform(-120, 120), rng.uniform(330, 630), rng.uniform(7, 26), rng.choice((0.8, 0.86, 1.1, 1.16)))
        for _ in range(26)
    )


def _fingers(rng: random.Random) -> tuple[float, float, float, float]:
    overall = rng.uniform(0.92, 1.08)
    index, middle, ring, little = (overall * rng.uniform(0.94, 1.06) for _ in range(4))
    return index, middle, ring, little


def _varied(rng: random.Random, colour: Colour, by: int) -> Colour:
    lighter = rng.randint(-by, by)
    red, green, blue = (min(255, max(0, c + lighter + rng.randint(-by // 3, by // 3))) for c in colour)
    return red, green, blue
