"""Head and body of a person: x = 0 is the person's middle, y is that of the full picture."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .looks import Look
from .shapes import Brush, Outline, Placement, Point, curve, ellipse, mix, rectangle, rounded, shade

CHIN: Final = 662
NECK: Final = 690


@dataclass(frozen=True, slots=True)
class Expression:
    """What changes from photo to photo."""

    smile: float
    gaze: float
    tilt: float
    blink: bool


def expression(rng: random.Random) -> Expression:
    return Expression(rng.uniform(6, 40), rng.uniform(-4, 4), rng.uniform(-7, 7), rng.random() < 0.04)


def draw_body(brush: Brush, person: Look) -> None:
    """Shirt, neck opening and its pattern."""
    k = person.shoulders
    shirt, dark = person.shirt, shade(person.shirt, 0.6)
    torso = curve(
        (-330 * k, 1100), [(-320 * k, 820), (-190 * k, 760), (-80, 740)], [(80, 740)],
        [(190 * k, 760), (320 * k, 820), (330 * k, 1100)],
    )  # fmt: skip
    brush.fill(torso, shirt, dark)
    _PATTERNS[person.pattern](brush, person, k)


def _plain(brush: Brush, person: Look, k: float) -> None:
    seam = shade(person.shirt, 0.72)
    for side in (-1, 1):
        brush.line(curve((side * 190 * k, 800), [(side * 215 * k, 900), (side * 205 * k, 1090)]), 4, seam, alpha=0.6)


def _collar(brush: Brush, person: Look, k: float) -> None:
    del k
    light = shade(person.shirt, 1.3)
    brush.fill([(-80, 738), (0, 850), (80, 738), (44, 726), (0, 784), (-44, 726)], light)
    for y in range(880, 1080, 60):
        brush.fill(ellipse(0, y, 7, 7, 16), light)
    brush.line([(0, 850), (0, 1090)], 3, shade(person.shirt, 0.7))


def _stripes(brush: Brush, person: Look, k: float) -> None:
    for y in range(846, 1090, 62):
        half = 296 * k - max(0, 900 - y) * 1.3
        brush.line(curve((-half, y), [(0, y + 44), (half, y)]), 20, mix(person.shirt, person.accent, 0.75))


def _round(brush: Brush, person: Look, k: float) -> None:
    del k
    neckline = curve((-104, 750), [(0, 856), (104, 750)], [(70, 722), (0, 722)], [(-70, 722), (-104, 750)])
    brush.fill(neckline, shade(person.shirt, 0.7))


def _checks(brush: Brush, person: Look, k: float) -> None:
    for x in range(-250, 260, 72):
        top = 770 + abs(x) * 0.34
        brush.line([(x * k, top), (x * k * 1.06, 1100)], 15, person.accent, alpha=0.45)
    for y in range(850, 1090, 72):
        half = 290 * k - max(0, 900 - y) * 1.3
        brush.line([(-half, y), (half, y)], 15, person.accent, alpha=0.45)
    _collar(brush, person, k)


def _print(brush: Brush, person: Look, k: float) -> None:
    _round(brush, person, k)
    rng = random.Random(f"print-{person.identity}")
    for _ in range(rng.randint(3, 5)):
        x, y, w = rng.uniform(-90, 60), rng.uniform(890, 1010), rng.uniform(30, 90)
        outline = ellipse(x, y, w / 2, w / 2, 24) if rng.random() < 0.5 else rectangle(x - w / 2, y - 18, w, 36)
        brush.fill(outline, shade(person.accent, rng.uniform(0.8, 1.3)))


def _hood(brush: Brush, person: Look, k: float) -> None:
    hood = curve(
        (-150 * k, 770),
        [(-130, 690), (-60, 690)],
        [(0, 800), (60, 690)],
        [(130, 690), (150 * k, 770)],
        [(0, 880), (-150 * k, 770)],
    )
    brush.fill(hood, shade(person.shirt, 0.78), shade(person.shirt, 0.6))
    for x in (-34, 34):
        brush.line([(x, 800), (x * 1.1, 930)], 7, shade(person.accent, 1.2))


_PATTERNS: Final[dict[str, Callable[[Brush, Look, float], None]]] = {
    "plain": _plain, "collar": _collar, "stripes": _stripes, "round": _round,
    "checks": _checks, "print": _print, "hood": _hood,
}  # fmt: skip


def tilted(place: Placement, tilt: float) -> Placement:
    """The placement of a head that leans by `tilt` degrees about its neck."""
    x, y = place.at(0, NECK)
    turned = Placement(scale=place.scale, turn=tilt)
    dx, dy = turned.at(0, NECK)
    return Placement(x - dx, y - dy, place.scale, tilt)


def draw_hair_behind(brush: Brush, person: Look) -> None:
    """What hangs behind the shoulders; drawn before the body."""
    hair, w = shade(person.hair, 0.85), person.face.width
    if person.style == "long":
        brush.fill(_mane(172 * w, 200 * w, 214 * w, 800), hair, shade(hair, 0.75))
    elif person.style == "scarf":
        brush.fill(_mane(186 * w, 210 * w, 240 * w, 860), person.hair, shade(person.hair, 0.7))
    elif person.style == "bun":
        brush.fill(ellipse(10, 236, 74, 70), person.hair, shade(person.hair, 0.8))
    elif person.style == "curly":
        for a in (math.pi * i / 9 - 0.05 for i in range(10)):
            brush.fill(ellipse(178 * w * math.cos(a), 430 - 176 * math.sin(a), 66, 66, 26), person.hair)


def _mane(temple: float, crown: float, hem: float, bottom: float) -> Outline:
    return curve(
        (-temple, 480),
        [(-crown, 205), (crown, 205), (temple, 480)],
        [(temple + 18, 640), (hem, 720), (hem - 20, bottom)],
        [(20 - hem, bottom)],
        [(-hem, 720), (-temple - 18, 640), (-temple, 480)],
    )


def draw_head(brush: Brush, person: Look, mood: Expression) -> None:
    """Neck, face, features, hair in front and glasses."""
    _neck_and_ears(brush, person)
    _skin(brush, person)
    if person.beard:
        _beard(brush, person)
    _hair_in_front(brush, person)
    _eyes(brush, person, mood)
    _nose(brush, person)
    _mouth(brush, person, mood)
    if person.glasses:
        _glasses(brush, person)


def _neck_and_ears(brush: Brush, person: Look) -> None:
    skin, w = person.skin, person.face.width
    brush.fill(rounded(-62, 600, 124, 186, 54), shade(skin, 0.84), shade(skin, 0.68))
    if person.style != "scarf":
        brush.fill(ellipse(-150 * w, 486, 22, 36, 24), shade(skin, 0.9))
        brush.fill(ellipse(150 * w, 486, 22, 36, 24), shade(skin, 0.8))
    if person.earrings:
        for side in (-1, 1):
            brush.fill(ellipse(side * 156 * w, 532, 9, 9, 14), (226, 190, 96))


def _skin(brush: Brush, person: Look) -> None:
    skin, face = person.skin, person.face
    brush.fill(_oval(face.width, face.height, face.jaw), shade(skin, 1.05), shade(skin, 0.82))
    brush.glow(ellipse(-40 * face.width, 370, 70, 46), shade(skin, 1.14), alpha=0.5, soft=26)
    for side in (-1, 1):
        brush.glow(ellipse(side * 86 * face.width, 545, 30, 18), (196, 87, 74), alpha=0.3, soft=14)
    _uneven(brush, person)
    for x, y in person.moles:
        brush.fill(ellipse(x * face.width, 470 + y * 0.9, 5, 5, 12), shade(skin, 0.5))


def _uneven(brush: Brush, person: Look) -> None:
    w, h = 142 * person.face.width, 180 * person.face.height
    there = [spot for spot in person.blotches if (spot[0] / w) ** 2 + ((spot[1] - 475) / h) ** 2 < 0.72]
    for k in dict.fromkeys(k for *_, k in there):
        outlines = [ellipse(x, y, r * 1.3, r, 16) for x, y, r, own in there if own == k]
        brush.spots(outlines, shade(person.skin, k), alpha=0.2)


def _oval(width: float, height: float, jaw: float) -> Outline:
    w, top = 150 * width, 470 - 192 * height
    return curve(
        (-w, 450), [(-w, top + 40), (-w * 0.6, top), (0, top)], [(w * 0.6, top), (w, top + 40), (w, 450)],
        [(w, 560), (w * jaw * 0.72, CHIN), (0, CHIN)], [(-w * jaw * 0.72, CHIN), (-w, 560), (-w, 450)],
    )  # fmt: skip


def _eyes(brush: Brush, person: Look, mood: Expression) -> None:
    face = person.face
    brow = (74, 64, 56) if person.style in ("scarf", "beanie") else person.hair
    line, size = 468 + face.eye_line, face.eye_size
    for side in (-1, 1):
        x = side * 56 * face.eye_gap * face.width
        if mood.blink:
            brush.line(
                curve((x - 17 * size, line), [(x, line + 10), (x + 17 * size, line)]), 5, shade(person.skin, 0.45)
            )
        else:
            _open_eye(brush, person, (x, line), mood.gaze)
        lift, slant = 14 * face.brow_arch, face.lean * 0.5
        brow_line = curve((x - 26, line - 33 - slant), [(x, line - 33 - lift), (x + 26, line - 33 + slant)])
        brush.line(brow_line, 8 * face.brow, brow, alpha=0.9)


def _open_eye(brush: Brush, person: Look, at: Point, gaze: float) -> None:
    (x, y), size = at, person.face.eye_size
    brush.fill(ellipse(x, y, 20 * size, 12 * size, 24), mix(person.skin, (255, 255, 255), 0.72))
    brush.fill(ellipse(x + gaze, y, 11 * size, 11 * size, 20), (35, 27, 24))
    brush.fill(ellipse(x + gaze - 3, y - 4, 3, 3, 10), (240, 240, 240))
    lid = curve((x - 20 * size, y - 2), [(x, y - 17 * size), (x + 20 * size, y - 2)])
    brush.line(lid, 4, shade(person.skin, 0.4), alpha=0.8)


def _nose(brush: Brush, person: Look) -> None:
    face, dark = person.face, shade(person.skin, 0.6)
    foot, lean = 267 + 267 * face.nose, face.lean
    wing = 20 * face.nose_width
    bridge = curve((-4, 486), [(lean - wing, foot - 14), (lean - 4, foot)], [(lean + 8, foot + 6), (lean + wing, foot)])
    brush.line(bridge, 6, dark, alpha=0.55)


def _mouth(brush: Brush, person: Look, mood: Expression) -> None:
    half, lips = 44 * person.face.mouth, mix((150, 62, 58), shade(person.skin, 0.55), 0.35)
    y, tilt = 588 + person.face.mouth_line, person.face.lean * 0.6
    left, right = (-half + tilt, y - tilt), (half + tilt, y + tilt)
    if mood.smile > 27:
        grin = curve(left, [(tilt, y + mood.smile * 1.5), right], [(tilt, y + 8), left])
        brush.fill(grin, (244, 240, 234))
        brush.line(grin, 5, lips)
    else:
        brush.line(curve(left, [(tilt, y + mood.smile), right]), 9, lips)


def _beard(brush: Brush, person: Look) -> None:
    w = person.face.width
    outline = curve(
        (-146 * w, 510), [(-140 * w, 700), (140 * w, 700), (146 * w, 510)], [(112 * w, 566), (70, 552), (0, 552)],
        [(-70, 552), (-112 * w, 566), (-146 * w, 510)],
    )  # fmt: skip
    brush.fill(outline, person.hair, shade(person.hair, 0.8), alpha=0.86)


def _glasses(brush: Brush, person: Look) -> None:
    face, rim = person.face, (34, 38, 42)
    (w, h, thick), gap, line = face.lens, 56 * face.eye_gap * face.width, 470 + face.eye_line
    w = min(w, gap - 5)
    for side in (-1, 1):
        x = side * gap
        lens = ellipse(x, line, w, h) if person.glasses == "round" else rounded(x - w, line - h, 2 * w, 2 * h, h * 0.6)
        brush.fill(lens, (255, 255, 255), alpha=0.1)
        brush.line([*lens, lens[0]], thick, rim)
        brush.line([(x + side * w, line - 6), (side * 148 * face.width, line - 16)], thick * 0.8, rim)
    brush.line([(w - gap, line - 6), (gap - w, line - 6)], thick, rim)


def _hair_in_front(brush: Brush, person: Look) -> None:
    hair, w = person.hair, person.face.width
    to = shade(hair, 0.75)
    if person.style in ("short", "bun", "long", "side"):
        brush.fill(_scaled(_fringe(person), w), shade(hair, 1.1), to)
        shine = person.fringe[0]
        brush.line(
            _scaled(curve((shine - 90, 330), [(shine - 40, 268), (60, 262)]), w), 8, shade(hair, 1.4), alpha=0.35
        )
    elif person.style == "buzz":
        crown = curve((-154, 440), [(-166, 186), (166, 186), (154, 440)], [(120, 330), (-120, 330), (-154, 440)])
        brush.fill(_scaled(crown, w), hair, to, alpha=0.8)
    elif person.style == "curly":
        for x, y in ((-120, 372), (-66, 330), (0, 316), (66, 330), (120, 372)):
            brush.fill(ellipse(x * w, y, 46, 46, 24), shade(hair, 1.12), hair)
    elif person.style == "beanie":
        brush.fill(_scaled(curve((-166, 410), [(-176, 200), (176, 200), (166, 410)]), w), hair, to)
        brush.fill(rounded(-174 * w, 372, 348 * w, 62, 26), shade(hair, 1.3), hair)
        for x in range(-150, 160, 30):
            brush.line([(x * w, 380), (x * w, 426)], 3, to, alpha=0.5)
    elif person.style == "scarf":
        wrap = curve((-168, 500), [(-190, 160), (190, 160), (168, 500)], [(130, 300), (-130, 300), (-168, 500)])
        brush.fill(_scaled(wrap, w), shade(hair, 1.14), hair)


def _scaled(points: Outline, k: float) -> Outline:
    return [(x * k, y) for x, y in points]


def _fringe(person: Look) -> Outline:
    x, y = person.fringe
    if person.style == "side":
        return curve(
            (-160, 470), [(-186, 240), (-60, 226), (10, 230)], [(110, 226), (184, 270), (160, 470)],
            [(150, 420), (130, 380 - y * 0.5), (110, 366)], [(10, 372), (x - 56, 350 - y), (x - 80, 306)],
            [(x - 92, 356), (-122, 404), (-136, 470)],
        )  # fmt: skip
    return curve(
        (-160, 470), [(-180, 250), (-70, 236), (0, 240)], [(90, 236), (180, 262), (160, 470)],
        [(140, 400), (110, 350 - y), (x + 30, 352 - y)], [(x - 60, 356 - y), (-130, 372), (-160, 470)],
    )  # fmt: skip
