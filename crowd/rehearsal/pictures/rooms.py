"""Where the picture is taken. Rooms are out of focus, so they are drawn small, blurred, and enlarged."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .shapes import Brush, Colour, Placement, curve, ellipse, mix, ramp, rectangle, rounded, shade
from .whole import Pixels, blurred

WIDTH: Final = 1920
HEIGHT: Final = 1080
SMALL: Final = 0.25
STUDIO: Final = "studio"
LIGHTS: Final = ("day", "day", "day", "day", "day", "lamp", "lamp", "low")

_BLUR = 2.1
_WALLS: Final[tuple[tuple[Colour, Colour], ...]] = (
    ((207, 214, 211), (143, 156, 154)), ((217, 203, 184), (165, 143, 118)), ((185, 196, 214), (118, 133, 156)),
    ((216, 211, 224), (143, 134, 163)), ((91, 102, 114), (44, 51, 59)), ((201, 212, 191), (131, 147, 122)),
    ((220, 195, 180), (163, 124, 105)), ((236, 232, 222), (190, 184, 170)), ((158, 184, 184), (92, 120, 124)),
)  # fmt: skip
_BOOKS: Final[tuple[Colour, ...]] = (
    (141, 74, 60), (62, 95, 116), (194, 160, 79), (92, 107, 81), (109, 79, 107), (184, 176, 160), (52, 73, 91),
)  # fmt: skip
_BRIGHT: Final[tuple[Colour, ...]] = ((217, 100, 58), (63, 127, 140), (210, 162, 60), (120, 84, 140), (84, 130, 84))


@dataclass(frozen=True, slots=True)
class Room:
    """A blurred room, a quarter of the picture's size, and the light in it."""

    image: Pixels
    kind: str
    light: str


@dataclass(frozen=True, slots=True)
class _Site:
    brush: Brush
    rng: random.Random
    near: Colour
    far: Colour

    @property
    def dark(self) -> Colour:
        return shade(self.far, 0.55)

    def rect(self, x: float, y: float, w: float, h: float, *colours: Colour) -> None:
        """Fill a rectangle with one colour or from the first to the second."""
        self.brush.fill(rectangle(x, y, w, h), *colours)

    def disc(self, x: float, y: float, r: float, colour: Colour) -> None:
        self.brush.fill(ellipse(x, y, r, r, 24), colour)


@lru_cache(maxsize=128)
def draw_room(seed: str) -> Room:
    """Draw the room of a seed; the picture must not be changed by the caller."""
    rng = random.Random(f"room-{seed}")
    kind = STUDIO if seed == STUDIO else rng.choice(tuple(_KINDS))
    near, far = rng.choice(_WALLS)
    near, far = shade(near, rng.uniform(0.9, 1.06)), shade(far, rng.uniform(0.85, 1.1))
    size = round(WIDTH * SMALL), round(HEIGHT * SMALL)
    flip = rng.random() < 0.5
    image = ramp(near, far, size)
    place = Placement(x=size[0] if flip else 0, scale=SMALL, mirror=flip)
    light = "low" if kind == "night" else rng.choice(LIGHTS)
    site = _Site(Brush(image, place), rng, near, far)
    if kind == STUDIO:
        return Room(_studio(image), kind, "day")
    _KINDS[kind](site)
    if kind not in ("books", "garden", "street"):
        site.brush.fill(rectangle(0, 880 + rng.randint(0, 60), WIDTH, 200), shade(far, 0.6), alpha=0.9)
    _lamp(site, kind, light)
    return Room(blurred(image, _BLUR), kind, light)


def _studio(image: Pixels) -> Pixels:
    image[:] = (195, 203, 209)
    Brush(image, Placement(scale=SMALL)).glow(ellipse(960, 470, 620, 460), (246, 247, 247), alpha=1, soft=320)
    return image


def _lamp(site: _Site, kind: str, light: str) -> None:
    if kind in ("garden", "street") or light == "low":
        return
    warm = 0.85 if light == "lamp" else 0.5
    x = site.rng.choice((330, 1560))
    site.brush.glow(ellipse(x, 210, 190, 190), (255, 243, 208), alpha=warm, soft=110)


def _plant(site: _Site, x: float, y: float) -> None:
    green = shade((71, 102, 63), site.rng.uniform(0.8, 1.25))
    for _ in range(7):
        site.disc(x + site.rng.randint(-70, 70), y + site.rng.randint(-90, 20), site.rng.randint(26, 52), green)
    site.rect(x - 44, y + 30, 88, 74, (154, 107, 75))


def _frame(site: _Site, x: float, y: float, w: float, h: float) -> None:
    site.rect(x, y, w, h, site.dark)
    site.rect(x + 12, y + 12, w - 24, h - 24, (240, 236, 226))
    site.rect(x + w * 0.2, y + h * 0.25, w * 0.6, h * 0.5, site.rng.choice(_BRIGHT), site.rng.choice(_BOOKS))


def _window(site: _Site) -> None:
    x, rng = site.rng.choice((1120, 1180, 1240)), site.rng
    w, h = rng.randint(420, 600), rng.randint(340, 470)
    site.rect(x, 80, w, h, (226, 236, 242), (244, 246, 240))
    for bar in range(1, rng.choice((2, 3))):
        site.rect(x + w * bar / 2 - 8, 80, 16, h, (127, 135, 136))
    site.rect(x, 80 + h * 0.5, w, 15, (127, 135, 136))
    if rng.random() < 0.5:
        drape = rng.choice(_BOOKS)
        site.rect(x - 90, 50, 100, h + 130, drape, shade(drape, 0.7))
        site.rect(x + w - 10, 50, 100, h + 130, drape, shade(drape, 0.7))
    _shelf(site, rng.randint(40, 120), rng.randint(500, 590))


def _shelf(site: _Site, x: float, y: float) -> None:
    site.rect(x, y, 540, 26, site.dark)
    at = x + 20
    while at < x + 320:
        w, h = site.rng.randint(28, 54), site.rng.randint(90, 165)
        site.rect(at, y - h, w, h, site.rng.choice(_BOOKS))
        at += w + site.rng.randint(2, 9)
    _plant(site, x + 440, y - 100)


def _books(site: _Site) -> None:
    rng = site.rng
    rows = rng.choice((3, 4, 5))
    pitch = HEIGHT / rows
    for row in range(rows + 1):
        foot = row * pitch + pitch * 0.7
        site.rect(0, foot, WIDTH, 28, site.dark)
        x = float(rng.randint(-30, 30))
        while x < WIDTH:
            w, h = rng.randint(26, 66), pitch * rng.uniform(0.45, 0.74)
            if rng.random() < 0.86:
                site.rect(x, foot - h, w, h, shade(rng.choice(_BOOKS), rng.uniform(0.75, 1.3)))
            x += w + rng.randint(2, 10)


def _kitchen(site: _Site) -> None:
    rng, grout = site.rng, (176, 172, 161)
    site.rect(0, 420, WIDTH, 330, (228, 226, 218))
    for y in range(420, 760, 66):
        site.rect(0, y, WIDTH, 6, grout)
    for x in range(rng.randint(0, 90), WIDTH, 110):
        site.rect(x, 420, 6, 330, grout)
    site.rect(0, 0, WIDTH, 340, shade(site.near, 0.88))
    pitch = rng.randint(250, 340)
    for x in range(rng.randint(-80, 30), WIDTH, pitch):
        site.rect(x, 10, pitch - 24, 318, site.dark)
        site.rect(x + 7, 17, pitch - 38, 304, shade(site.near, rng.uniform(0.98, 1.1)))
    for x in (rng.randint(80, 420), rng.randint(1380, 1700)):
        h = rng.randint(130, 200)
        site.brush.fill(rounded(x, 760 - h, rng.randint(90, 170), h, 18), rng.choice((*_BRIGHT, *_BOOKS)))


def _curtain(site: _Site) -> None:
    rng = site.rng
    cloth = mix(site.near, rng.choice(_BRIGHT), rng.uniform(0, 0.5))
    pitch = rng.randint(40, 90)
    for i, x in enumerate(range(0, WIDTH, pitch)):
        site.rect(x, 0, pitch, HEIGHT, shade(cloth, rng.uniform(0.74, 0.88) if i % 2 else rng.uniform(1, 1.12)))
    site.rect(0, 760, WIDTH, 320, shade(site.far, 0.8))
    sofa = shade(rng.choice((*_BOOKS, (216, 210, 200))), 1.05)
    site.brush.fill(rounded(rng.randint(40, 200), 680, 620, 260, 60), sofa, shade(sofa, 0.75))
    site.brush.fill(rounded(rng.randint(900, 1300), 690, 540, 260, 60), sofa, shade(sofa, 0.75))


def _office(site: _Site) -> None:
    rng = site.rng
    site.rect(120, 90, rng.randint(560, 700), 420, (241, 242, 239))
    for i, colour in enumerate(((59, 110, 165), (181, 72, 61), (59, 110, 165), (74, 122, 79), (60, 60, 70))):
        site.rect(170 + rng.randint(0, 80), 150 + i * 62, rng.randint(140, 420), 14, colour)
    x, y = rng.randint(1160, 1380), rng.randint(380, 470)
    site.brush.fill(rounded(x, y, 480, 300, 14), (29, 34, 39))
    site.rect(x + 18, y + 18, 444, 264, (60, 90, 118), (120, 150, 170))
    site.rect(x + 60, y + 60, rng.randint(90, 240), 40, (230, 230, 220))
    site.rect(1040, 770, 880, 40, site.dark)


def _garden(site: _Site) -> None:
    rng = site.rng
    site.rect(0, 0, WIDTH, 700, (160, 196, 230), (236, 240, 232))
    for _ in range(20):
        tree = shade((79, 122, 69), rng.uniform(0.6, 1.3))
        site.disc(rng.randint(0, WIDTH), rng.randint(320, 620), rng.randint(70, 220), tree)
    site.rect(0, 640, WIDTH, 440, (109, 138, 82))
    fence = rng.choice(((201, 181, 150), (150, 116, 88), (230, 230, 224)))
    pitch = rng.randint(76, 130)
    for x in range(rng.randint(-60, 10), WIDTH, pitch):
        site.rect(x, 560, 34, 240, fence)
    site.rect(0, 610, WIDTH, 26, fence)
    site.rect(0, 720, WIDTH, 26, shade(fence, 0.9))


def _street(site: _Site) -> None:
    rng = site.rng
    site.rect(0, 0, WIDTH, 500, (186, 204, 222), (230, 232, 230))
    x = -40
    while x < WIDTH:
        w, top = rng.randint(240, 420), rng.randint(20, 280)
        wall = shade(rng.choice((*_BOOKS, (190, 170, 150))), rng.uniform(0.95, 1.35))
        site.rect(x, top, w, 760, wall, shade(wall, 0.8))
        glass = rng.choice(((70, 86, 104), (236, 214, 150), (205, 222, 232)))
        for row in range(top + 50, 640, 120):
            for column in range(x + 36, x + w - 60, 96):
                site.rect(column, row, 52, 70, glass)
        x += w + rng.choice((0, 0, 60))
    site.rect(0, 740, WIDTH, 340, (132, 132, 134), (98, 98, 104))


def _poster(site: _Site) -> None:
    rng = site.rng
    x = rng.randint(110, 260)
    site.rect(x, 110, 370, 490, (243, 239, 230))
    site.disc(x + 185, 320, rng.randint(80, 130), rng.choice(_BRIGHT))
    site.rect(x + 60, 500, rng.randint(140, 250), 18, (45, 45, 45))
    site.rect(x + 60, 540, rng.randint(80, 200), 14, (90, 90, 90))
    lamp = rng.randint(1440, 1600)
    site.rect(lamp, 300, 26, 560, (64, 54, 44))
    site.brush.fill(
        curve((lamp - 110, 310), [(lamp + 136, 310)], [(lamp + 80, 140)], [(lamp - 54, 140)]), (240, 223, 182)
    )
    _frame(site, rng.randint(1130, 1250), rng.randint(120, 240), rng.randint(160, 240), rng.randint(160, 260))


def _gallery(site: _Site) -> None:
    rng = site.rng
    x = rng.randint(20, 120)
    while x < WIDTH - 200:
        w = rng.randint(150, 330)
        for y in (rng.randint(30, 110), rng.randint(380, 460)):
            if rng.random() < 0.8:
                _frame(site, x, y, w, rng.randint(180, 300))
        x += w + rng.randint(40, 120)
    _plant(site, rng.randint(100, 300), 800)


def _night(site: _Site) -> None:
    rng = site.rng
    site.rect(0, 0, WIDTH, HEIGHT, (84, 96, 120), (110, 118, 146))
    x = rng.randint(1120, 1300)
    site.brush.fill(rounded(x, 360, 560, 360, 12), (93, 134, 173), (60, 84, 130))
    site.rect(x + 60, 420, rng.randint(150, 400), 60, (200, 214, 226))
    for _ in range(12):
        colour = rng.choice(((230, 184, 106), (201, 127, 91), (143, 180, 216)))
        site.disc(rng.randint(40, 1000), rng.randint(60, 560), rng.randint(14, 44), shade(colour, 0.85))


_KINDS: Final[dict[str, Callable[[_Site], None]]] = {
    "window": _window,
    "books": _books,
    "kitchen": _kitchen,
    "curtain": _curtain,
    "office": _office,
    "garden": _garden,
    "street": _street,
    "poster": _poster,
    "gallery": _gallery,
    "night": _night,
}
