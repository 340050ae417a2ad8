"""What careless and dishonest people send instead of a good photo, as bytes with the truth about them.

A truth counts in the pixels of full size; a picture that was drawn at half of it has half as many each way.
"""

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from .jpeg import Stamp, decode, encode
from .rooms import HEIGHT, WIDTH
from .scene import template
from .truth import (
    BLURRED,
    LOW_RESOLUTION,
    ROTATED,
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
_KEPT_BY_A_CROP: Final = 0.8
_BORDER: Final = 0.07  # of the width
_BLURRED_AT: Final = WIDTH // 4
_MARKED_AT: Final = WIDTH // 2, HEIGHT // 2


def same_file(data: bytes, truth: Truth) -> Sent:
    """The same bytes once more."""
    return data, truth


def resaved(data: bytes, truth: Truth, rng: random.Random) -> Sent:
    """The same photo after a chat programme or an editor had it: other quality, size and brightness, no camera data."""
    seen = resaved_truth(truth, rng)
    before = decode(data)
    image = before.resize(_drawn_size(seen, before.width / truth.width), Image.Resampling.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.9, 1.12))
    return encode(image, quality=rng.randint(58, 82)), seen


def resaved_truth(truth: Truth, rng: random.Random) -> Truth:
    """The truth about a photo that is saved again: chance decides on its size."""
    width = rng.choice(_RESAVED_WIDTHS)
    return resized(truth, width, round(width * truth.height / truth.width))


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
    return encode(WAYS[way](decode(data)), by, quality=84), WAYS_IN_TRUTH[way](truth.flagged(TEMPLATE))


def low_resolution(picture: Picture, by: Stamp) -> Sent:
    """The photo of a small camera: 1280 x 720."""
    truth = SPOILT[LOW_RESOLUTION](picture.truth)
    size = _drawn_size(truth, picture.image.width / picture.truth.width)
    return encode(picture.image.resize(size, Image.Resampling.LANCZOS), by), truth


def _drawn_size(truth: Truth, scale: float) -> tuple[int, int]:
    return round(truth.width * scale), round(truth.height * scale)


def blurred(picture: Picture, by: Stamp) -> Sent:
    """A photo out of focus."""
    size = picture.image.size
    small = picture.image.reduce(max(1, size[0] // _BLURRED_AT)).filter(ImageFilter.GaussianBlur(2.4))
    image = small.resize(size, Image.Resampling.BICUBIC)
    return encode(image, by), SPOILT[BLURRED](picture.truth)


def rotated(picture: Picture, by: Stamp) -> Sent:
    """A photo that lies on its side."""
    return encode(picture.image.transpose(Image.Transpose.ROTATE_90), by), SPOILT[ROTATED](picture.truth)


def third_party(picture: Picture, by: Stamp) -> Sent:
    """Somebody else's photo, taken from a stock site with its mark across it; `picture` shows the other person."""
    image = picture.image.copy()
    mark = _watermark(picture.truth.subject, image.size)
    image.paste((255, 255, 255), (0, 0), mark)
    return encode(image, by), SPOILT[THIRD_PARTY](picture.truth)


def _watermark(seed: str, size: tuple[int, int]) -> Image.Image:
    mark = Image.new("L", _MARKED_AT)
    pen, name = ImageDraw.Draw(mark), f"stockphoto {random.Random(seed).randint(10**6, 10**7)}"
    for row in range(5):
        for column in range(3):
            pen.text((column * 360 - 90 * (row % 2), row * 118 + 30), name, fill=78, font_size=34)
    return mark.rotate(16, Image.Resampling.BILINEAR).resize(size, Image.Resampling.BILINEAR)


def _turn(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def _crop(image: Image.Image) -> Image.Image:
    left, top, w, h = _middle(*image.size)
    return image.crop((left, top, left + w, top + h)).resize(image.size, Image.Resampling.BICUBIC)


def _cropped(truth: Truth) -> Truth:
    return resized(cropped(truth, *_middle(truth.width, truth.height)), truth.width, truth.height)


def _middle(width: int, height: int) -> tuple[int, int, int, int]:
    w, h = round(width * _KEPT_BY_A_CROP), round(height * _KEPT_BY_A_CROP)
    return (width - w) // 2, (height - h) // 2, w, h


def _recolour(image: Image.Image) -> Image.Image:
    pale = ImageEnhance.Color(image).enhance(0.35)
    return ImageEnhance.Brightness(ImageEnhance.Contrast(pale).enhance(1.18)).enhance(0.82)


def _frame(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, round(image.width * _BORDER), (246, 244, 238))


WAYS: Final[dict[str, Callable[[Image.Image], Image.Image]]] = {
    "mirrored": ImageOps.mirror,
    "turned": _turn,
    "cropped": _crop,
    "recoloured": _recolour,
    "framed": _frame,
}
WAYS_IN_TRUTH: Final[dict[str, Callable[[Truth], Truth]]] = {
    "mirrored": mirrored,
    "turned": quarter_turned,
    "cropped": _cropped,
    "recoloured": lambda truth: truth,
    "framed": lambda truth: framed(truth, round(truth.width * _BORDER)),
}
SPOILT: Final[dict[str, Callable[[Truth], Truth]]] = {
    ROTATED: quarter_turned,
    BLURRED: lambda truth: truth.flagged(BLURRED),
    THIRD_PARTY: lambda truth: truth.flagged(THIRD_PARTY),
    LOW_RESOLUTION: lambda truth: resized(truth, LOW_WIDTH, LOW_HEIGHT).flagged(LOW_RESOLUTION),
}
"""What the truth about a photo becomes by what is wrong with it."""
