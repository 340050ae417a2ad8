"""Pictures that a simulated search finds: things before a background, with the box of each, drawn from a seed."""

import random
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw

from crowd.rehearsal.pictures.truth import Truth, TruthBox

WIDTH: Final = 480
HEIGHT: Final = 360
MAKE: Final = "simulated search"
COLUMNS: Final = 3
MOST: Final = 6  # things in one picture
_MAKE, _MODEL = 271, 272
_WHEEL, _WOOD, _STEEL = (28, 28, 30), (150, 98, 52), (170, 176, 184)
_PAINTS: Final = {
    "red": (190, 32, 38),
    "blue": (34, 72, 170),
    "white": (236, 236, 232),
    "black": (26, 26, 28),
    "silver": (186, 190, 194),
    "grey": (118, 122, 126),
    "green": (40, 112, 62),
    "brown": (104, 70, 44),
    "yellow": (226, 186, 40),
    "orange": (224, 120, 34),
}

Colour = tuple[int, int, int]
Edges = tuple[float, float, float, float]
Pen = Callable[[ImageDraw.ImageDraw, Edges, Colour], None]


def _vehicle(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour, cabin: tuple[float, float]) -> None:
    left, top, right, bottom = at
    w, h = right - left, bottom - top
    pen.rectangle((left, top + 0.42 * h, right, bottom - 0.14 * h), fill=colour)
    pen.rectangle((left + cabin[0] * w, top, left + cabin[1] * w, top + 0.5 * h), fill=colour)
    pen.rectangle(
        (left + (cabin[0] + 0.05) * w, top + 0.1 * h, left + (cabin[1] - 0.05) * w, top + 0.38 * h), fill=(60, 78, 92)
    )
    for middle in (0.22, 0.78):
        x, r = left + middle * w, min(0.2 * h, 0.13 * w)
        pen.ellipse((x - r, bottom - 2 * r, x + r, bottom), fill=_WHEEL)


def _car(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    _vehicle(pen, at, colour, (0.24, 0.74))


def _van(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    _vehicle(pen, at, colour, (0.0, 0.86))


def _truck(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    _vehicle(pen, at, colour, (0.1, 0.45))


def _long(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    """A handle and what it holds: screwdrivers and brushes."""
    left, top, right, bottom = at
    w, h = right - left, bottom - top
    pen.rectangle((left, top, left + 0.45 * w, bottom), fill=colour)
    pen.rectangle((left + 0.45 * w, top + 0.38 * h, right, bottom - 0.38 * h), fill=_STEEL)


def _brush(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    left, top, right, bottom = at
    w, h = right - left, bottom - top
    pen.rectangle((left, top + 0.36 * h, left + 0.6 * w, bottom - 0.36 * h), fill=_WOOD)
    pen.rectangle((left + 0.6 * w, top, right, bottom), fill=colour)


def _hammer(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    left, top, right, bottom = at
    w, h = right - left, bottom - top
    pen.rectangle((left + 0.42 * w, top, left + 0.58 * w, bottom), fill=_WOOD)
    pen.rectangle((left, top, right, top + 0.3 * h), fill=colour)


def _driller(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    left, top, right, bottom = at
    w, h = right - left, bottom - top
    pen.rectangle((left, top, left + 0.72 * w, top + 0.45 * h), fill=colour)
    pen.rectangle((left + 0.08 * w, top, left + 0.34 * w, bottom), fill=colour)
    pen.rectangle((left + 0.72 * w, top + 0.16 * h, right, top + 0.28 * h), fill=_STEEL)


def _barrow(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    left, top, right, bottom = at
    w, h = right - left, bottom - top
    tray = [(0.0, 0.0), (0.8, 0.0), (0.6, 0.6), (0.16, 0.6)]
    pen.polygon([(left + x * w, top + y * h) for x, y in tray], fill=colour)
    pen.line((left + 0.5 * w, top + 0.5 * h, right, top + 0.3 * h), fill=_WOOD, width=5)
    pen.ellipse((left + 0.1 * w, bottom - 0.5 * h, left + 0.1 * w + 0.5 * h, bottom), fill=_WHEEL)


def _blob(pen: ImageDraw.ImageDraw, at: Edges, colour: Colour) -> None:
    pen.ellipse(at, fill=colour)


SHAPES: Final[dict[str, Pen]] = {
    "car": _car,
    "suv": _car,
    "van": _van,
    "truck": _truck,
    "driller": _driller,
    "hammer": _hammer,
    "paintbrush": _brush,
    "screwdriver": _long,
    "wheelbarrow": _barrow,
}
OTHER: Final = "something else"


def draw(seed: str, shape: str, count: int, says: Sequence[tuple[str, float]]) -> tuple[bytes, Truth]:
    """Draw so many things of a shape; `says` is what a model would name, written where a camera names itself."""
    rng = random.Random(f"search-{seed}")
    image = _background(rng)
    pen, boxes = ImageDraw.Draw(image), list[TruthBox]()
    for cell in sorted(rng.sample(range(MOST), min(count, MOST))):
        at = _place(rng, cell)
        SHAPES.get(shape, _blob)(pen, at, _paint(rng, seed))
        boxes.append(TruthBox(shape, at[0], at[1], round(at[2] - at[0], 1), round(at[3] - at[1], 1)))
    is_known = shape in SHAPES
    truth = Truth(shape if is_known else None, tuple(boxes) if is_known else (), WIDTH, HEIGHT, "search")
    return _encoded(image, says), truth


def _background(rng: random.Random) -> Image.Image:
    """Blotches of few colours: no two pictures look alike."""
    size, base = (12, 9), [rng.randrange(110, 200) for _ in range(3)]
    levels = bytes(base[n % 3] + rng.randrange(-48, 49) for n in range(3 * size[0] * size[1]))
    coarse = Image.frombytes("RGB", size, levels)
    return coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _place(rng: random.Random, cell: int) -> Edges:
    """Return edges inside a cell of the grid, so that no two things touch."""
    wide, high = WIDTH / COLUMNS, HEIGHT / (MOST // COLUMNS)
    left, top = (cell % COLUMNS) * wide, (cell // COLUMNS) * high
    w, h = rng.uniform(0.6, 0.85) * wide, rng.uniform(0.4, 0.7) * high
    x, y = left + rng.uniform(6, wide - w - 6), top + rng.uniform(6, high - h - 6)
    return round(x, 1), round(y, 1), round(x + w, 1), round(y + h, 1)


def _paint(rng: random.Random, seed: str) -> Colour:
    named = [paint for name, paint in _PAINTS.items() if name in seed.split()]
    return named[0] if named else rng.choice(list(_PAINTS.values()))


def _encoded(image: Image.Image, says: Sequence[tuple[str, float]]) -> bytes:
    exif, file = Image.Exif(), BytesIO()
    exif[_MAKE], exif[_MODEL] = MAKE, ", ".join(f"{name} {score:.2f}" for name, score in says)
    image.save(file, "JPEG", quality=82, exif=exif)
    return file.getvalue()
