"""What careless and dishonest people send instead of a good photo, as bytes with the truth about them."""

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from .jpeg import Stamp, decode, encode
from .scene import scaled, template
from .truth import (
    BLURRED,
    LOW_RESOLUTION,
    TEMPLATE,
    THIRD_PARTY,
    Picture,
    Truth,
    cropped,
    framed,
    mirrored,
    quarter_turned,
    resized,
)

Sent = tuple[bytes, Truth]

LOW_WIDTH: Final = 1280
LOW_HEIGHT: Final = 720
_RESAVED_WIDTHS: Final = (1440, 1600, 1920)


def same_file(data: bytes, truth: Truth) -> Sent:
    """The same bytes once more."""
    return data, truth


def resaved(data: bytes, truth: Truth, rng: random.Random) -> Sent:
    """The same photo after a chat programme or an editor had it: other quality, size and brightness, no camera data."""
    image, width = decode(data), rng.choice(_RESAVED_WIDTHS)
    height = round(width * image.height / image.width)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.9, 1.12))
    return encode(image, quality=rng.randint(58, 82)), resized(truth, width, height)


@lru_cache(maxsize=32)
def template_file(sign: str) -> Sent:
    """The file of the task's own example."""
    picture = template(sign)
    return encode(picture.image), picture.truth.flagged(TEMPLATE)


def template_as_is(data: bytes, truth: Truth) -> Sent:
    """The task's example, downloaded and sent back."""
    return data, truth.flagged(TEMPLATE)


def template_processed(data: bytes, truth: Truth, way: str, by: Stamp | None = None) -> Sent:
    """The task's example after one of `WAYS`: an attempt to hide where it comes from.

    Raises:
        ValueError: the way is not a known one.
    """
    if way not in WAYS:
        raise ValueError(f"no way {way!r} to process a template; known are {', '.join(WAYS)}")
    processed = WAYS[way](Picture(decode(data), truth.flagged(TEMPLATE)))
    return encode(processed.image, by, quality=84), processed.truth


def low_resolution(picture: Picture, by: Stamp) -> Sent:
    """The photo of a small camera: 1280 x 720."""
    small = scaled(picture, LOW_WIDTH, LOW_HEIGHT)
    return encode(small.image, by), small.truth.flagged(LOW_RESOLUTION)


def blurred(picture: Picture, by: Stamp) -> Sent:
    """A photo out of focus."""
    half = picture.image.reduce(4).filter(ImageFilter.GaussianBlur(2.4))
    image = half.resize(picture.image.size, Image.Resampling.BICUBIC)
    return encode(image, by), picture.truth.flagged(BLURRED)


def rotated(picture: Picture, by: Stamp) -> Sent:
    """A photo that lies on its side."""
    return encode(picture.image.transpose(Image.Transpose.ROTATE_90), by), quarter_turned(picture.truth)


def third_party(picture: Picture, by: Stamp) -> Sent:
    """Somebody else's photo, taken from a stock site with its mark across it; `picture` shows the other person."""
    image = picture.image.copy()
    mark = _watermark(picture.truth.subject, image.size)
    image.paste((255, 255, 255), (0, 0), mark)
    return encode(image, by), picture.truth.flagged(THIRD_PARTY)


def _watermark(seed: str, size: tuple[int, int]) -> Image.Image:
    mark = Image.new("L", (size[0] // 2, size[1] // 2))
    pen, name = ImageDraw.Draw(mark), f"stockphoto {random.Random(seed).randint(10**6, 10**7)}"
    for row in range(5):
        for column in range(3):
            pen.text((column * 360 - 90 * (row % 2), row * 118 + 30), name, fill=78, font_size=34)
    return mark.rotate(16, Image.Resampling.BILINEAR).resize(size, Image.Resampling.BILINEAR)


def _mirror(picture: Picture) -> Picture:
    return Picture(ImageOps.mirror(picture.image), mirrored(picture.truth))


def _turn(picture: Picture) -> Picture:
    return Picture(picture.image.transpose(Image.Transpose.ROTATE_90), quarter_turned(picture.truth))


def _crop(picture: Picture) -> Picture:
    width, height = picture.image.size
    w, h = round(width * 0.8), round(height * 0.8)
    left, top = (width - w) // 2, (height - h) // 2
    cut = picture.image.crop((left, top, left + w, top + h)).resize((width, height), Image.Resampling.BICUBIC)
    return Picture(cut, resized(cropped(picture.truth, left, top, w, h), width, height))


def _recolour(picture: Picture) -> Picture:
    image = ImageEnhance.Color(picture.image).enhance(0.35)
    image = ImageEnhance.Brightness(ImageEnhance.Contrast(image).enhance(1.18)).enhance(0.82)
    return Picture(image, picture.truth)


def _frame(picture: Picture) -> Picture:
    border = round(picture.image.width * 0.07)
    return Picture(ImageOps.expand(picture.image, border, (246, 244, 238)), framed(picture.truth, border))


WAYS: Final[dict[str, Callable[[Picture], Picture]]] = {
    "mirrored": _mirror,
    "turned": _turn,
    "cropped": _crop,
    "recoloured": _recolour,
    "framed": _frame,
}
