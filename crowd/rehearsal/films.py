"""Films of a foot on a floor with a known truth: a camera that rests on one view after the other.

Frames of one view are twins and frames of two views are not, as in what people film; so the share of frames that is
left when one of each group of twins is kept is known: 4 views of 27 frames are 11 frames of every tenth, 36.4 %.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Final

import av
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from .answers import COPIES, RESENT, SHARED, Earlier, Photo, trick_of
from .people import Person
from .pictures import Truth
from .pictures import truth as facts

WIDTH, HEIGHT = 640, 480
RATE: Final = 5  # frames a second
VIEWS, SHORT_VIEWS = 4, 2
FRAMES_A_VIEW: Final = 27
OTHER: Final = "socks"
TOO_SHORT: Final = "too_short"
SHARE_SHORT, SHARE_SHAKEN = 0.04, 0.085
LIGHTS: Final = {"daylight": 1.0, "artificial": 0.82, "low": 0.45}
FLOORS: Final = ("parquet", "linoleum", "carpet", "tiles")
SKINS: Final = ((244, 208, 182), (226, 178, 140), (190, 136, 98), (140, 92, 62), (92, 58, 40))
_SHEET: Final = (2, 2)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class View:
    """Where the foot lies in the picture: its middle and size as shares, its turn in degrees."""

    x: float
    y: float
    size: float
    turn: float
    pan: float
    shaken: bool


@dataclass(frozen=True, slots=True)
class Film:
    """A film before it is drawn. `wrong` names what is wrong with all of it."""

    seed: str
    shown: str
    wrong: str | None
    views: tuple[View, ...]

    @property
    def size(self) -> tuple[int, int]:
        return (WIDTH // 2, HEIGHT // 2) if self.wrong == facts.LOW_RESOLUTION else (WIDTH, HEIGHT)

    @property
    def truth(self) -> Truth:
        flags = (self.wrong,) if self.wrong in facts.FLAGS else ()
        return Truth(self.shown, (), *self.size, self.seed, flags)


def plan(seed: str, shown: str, wrong: str | None = None) -> Film:
    """Decide what is filmed; the same words give the same film."""
    rng = random.Random(f"film-{seed}")
    views = tuple(_view(rng, number, wrong) for number in range(SHORT_VIEWS if wrong == TOO_SHORT else VIEWS))
    return Film(seed, OTHER if wrong == "wrong_sign" else shown, wrong, views)


def _view(rng: random.Random, number: int, wrong: str | None) -> View:
    """Views go around the foot, high and low."""
    cut = 0.45 if wrong == facts.CUT_OFF else 0.0
    turn = 360 * number / VIEWS + rng.uniform(-18, 18)
    x, y = 0.5 + rng.uniform(-0.2, 0.2) + cut, 0.5 + rng.uniform(-0.18, 0.18)
    shaken = wrong == facts.BLURRED or rng.random() < SHARE_SHAKEN
    return View(x, y, rng.uniform(0.5, 1.15), turn, rng.random(), shaken)


def film(person: Person, rng: random.Random, shown: str, *, earlier: Earlier, shared: Earlier | None = None) -> Photo:
    """Film what a task asks for, or send what this person sends instead."""
    trick = trick_of(person, rng)
    if trick is None and rng.random() < SHARE_SHORT:
        trick = TOO_SHORT
    others = shared if trick == SHARED else earlier
    again = others(0) if trick in COPIES and others else None
    if again is not None:
        return Photo(*again, SHARED if trick == SHARED else RESENT)
    wrong = None if trick in COPIES else facts.THIRD_PARTY if (trick or "").startswith("template") else trick
    planned = plan(f"{person.identity}-{rng.getrandbits(64):016x}", shown, wrong)
    return Photo(encoded(planned), planned.truth, wrong)


def truth_of_frame(truth: Truth, index: int) -> Truth:
    """Tell what one frame of a film shows."""
    wrong = truth.flags[0] if truth.flags else None
    views = plan(truth.subject, truth.sign or "", wrong).views
    shaken = views[min(index // FRAMES_A_VIEW, len(views) - 1)].shaken
    return truth.flagged(facts.BLURRED) if shaken else truth


def encoded(planned: Film) -> bytes:
    """Draw and encode a film."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=RATE, options={"preset": "ultrafast", "crf": "26"})
        stream.width, stream.height = planned.size
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, RATE)
        for number, picture in enumerate(_pictures(planned)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _pictures(planned: Film) -> Sequence[np.ndarray]:
    drawn = [np.asarray(still(planned, place)) for place in range(len(planned.views))]
    return [picture for picture in drawn for _ in range(FRAMES_A_VIEW)]


def sheet(planned: Film) -> bytes:
    """Draw the views of a film side by side, as those who judge it see them."""
    columns, rows = _SHEET
    page = Image.new("RGB", (WIDTH * columns // 2, HEIGHT * rows // 2), (24, 24, 24))
    for place in range(len(planned.views)):
        small = still(planned, place).resize((WIDTH // 2, HEIGHT // 2))
        page.paste(small, (place % columns * WIDTH // 2, place // columns * HEIGHT // 2))
    return as_jpeg(page)


def as_jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=88)
    return file.getvalue()


def still(planned: Film, place: int) -> Image.Image:
    """Draw one view of a film."""
    view, rng = planned.views[place], random.Random(f"look-{planned.seed}")
    floor, light, skin = rng.choice(FLOORS), rng.choice(list(LIGHTS)), rng.choice(SKINS)
    picture = _floor(floor, rng, view)
    if planned.wrong != facts.NO_HAND:
        _put_foot(picture, view, _sock(rng) if planned.shown == OTHER else skin)
    if planned.wrong == facts.ROTATED:
        picture = picture.transpose(Image.Transpose.ROTATE_90).resize((WIDTH, HEIGHT))
    if planned.wrong == facts.THIRD_PARTY:
        _watermark(picture)
    if view.shaken:
        picture = picture.filter(ImageFilter.GaussianBlur(9))
    picture = ImageEnhance.Brightness(picture).enhance(LIGHTS[light])
    return picture if planned.size == picture.size else picture.resize(planned.size)


def _sock(rng: random.Random) -> Colour:
    return rng.choice(((40, 60, 130), (235, 235, 235), (150, 40, 50)))


def _floor(kind: str, rng: random.Random, view: View) -> Image.Image:
    base = tuple(rng.randint(90, 210) for _ in range(3))
    picture = Image.new("RGB", (WIDTH, HEIGHT), base)
    pen, dark = ImageDraw.Draw(picture), tuple(round(part * 0.7) for part in base)
    step, shift = {"parquet": 70, "tiles": 130, "linoleum": 400, "carpet": 24}[kind], round(view.pan * 200)
    step = max(8, round(step * view.size))
    for x in range(-shift, WIDTH, step):
        pen.line([(x, 0), (x + round(60 * math.sin(math.radians(view.turn))), HEIGHT)], fill=dark, width=3)
    for y in range(-shift, HEIGHT, step if kind == "tiles" else step * 3):
        pen.line([(0, y), (WIDTH, y)], fill=dark, width=2)
    return picture


def _put_foot(picture: Image.Image, view: View, colour: Colour) -> None:
    side = 520
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen, shade = ImageDraw.Draw(layer), tuple(round(part * 0.78) for part in colour)
    pen.rectangle([215, 300, 305, side], fill=(*shade, 255))  # the leg, trousers rolled up
    pen.ellipse([190, 250, 330, 400], fill=(*colour, 255))  # the heel
    pen.polygon([(195, 320), (325, 320), (350, 140), (170, 140)], fill=(*colour, 255))
    for toe, (x, radius) in enumerate(((180, 30), (225, 22), (262, 20), (297, 18), (330, 16))):
        top = 118 + toe * 8
        pen.ellipse([x - radius, top - radius, x + radius, top + radius], fill=(*colour, 255))
        pen.ellipse([x - 8, top - radius + 4, x + 8, top - radius + 14], fill=(*shade, 255))
    size = round(side * view.size * 0.9)
    turned = layer.resize((size, size)).rotate(view.turn, Image.Resampling.BILINEAR)
    picture.paste(turned, (round(view.x * WIDTH - size / 2), round(view.y * HEIGHT - size / 2)), turned)


def _watermark(picture: Image.Image) -> None:
    pen = ImageDraw.Draw(picture)
    for row in range(4):
        pen.text((40 + 90 * row, 40 + 110 * row), "stockvideo", fill=(250, 250, 250), font_size=42)
