"""Copies of pictures to show or export, made anew from bare pixels: nothing rides along."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms

from .decode import SMALL_BYTES, Analysis, analyse, bands, decoded_bytes, exif_of, flattened, number, whole_jpeg
from .gate import DECODE_ERRORS, decoding, open_gated
from .large import alone_if_large
from .limits import PICTURE_LIMITS, Limits
from .pixels import EXIF_TURNS, bounded, turned
from .voting import Keys, both_keys

SCREEN, THUMB = 1600, 320
WEBP_EFFORT = 2
"""Of 0 to 6: a thumbnail is 5 % larger than with Pillow's 4 and takes two fifths of the time."""
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""By what a JPEG can be shrunk while it is decoded, and how that is asked for."""

Pixels = npt.NDArray[np.uint8]
"""Shape (h, w, 3): red, green, blue."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What is kept beside an original: a JPEG for screens, a WEBP thumbnail, the grey preview as JPEG."""

    screen: bytes
    thumb: bytes
    grey: bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """A picture's measurements and the copies that are kept of it; keys of its corners where they were asked for."""

    analysis: Analysis
    copies: Copies
    corners: tuple[Keys, Keys] | None = None


def measured(data: bytes, limits: Limits = PICTURE_LIMITS, corners: bool = False) -> Measured:  # noqa: FBT001, FBT002
    """Measure a picture and make its copies; pure and safe in a child process. Raises Unreadable."""
    seen = analyse(data, limits=limits)
    screen = shown(data, SCREEN, limits)
    thumb = _encoded(bounded(screen, THUMB), 80, "WEBP")
    copies = Copies(_encoded(screen, 85, "JPEG"), thumb, seen.preview.to_jpeg())
    return Measured(seen, copies, both_keys(seen.preview) if corners and not seen.low_information else None)


def derivative(
    data: bytes,
    longest: int,
    quality: int = 85,
    form: Literal["WEBP", "JPEG"] = "WEBP",
    limits: Limits = PICTURE_LIMITS,
) -> bytes:
    """Re-encode a picture to show or export: upright, sRGB, no metadata at all, never enlarged. Raises Unreadable."""
    return _encoded(shown(data, longest, limits), quality, form)


def shown(data: bytes, longest: int, limits: Limits = PICTURE_LIMITS) -> Pixels:
    """Decode a picture as it is to be seen: upright, sRGB, its longest side at most this. Raises Unreadable."""
    image = open_gated(data, limits)
    profile = image.info.get("icc_profile")
    factor = min(1.0, longest / max(image.size))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    with alone_if_large(decoded_bytes(image)), decoding(data):
        turn = EXIF_TURNS.get(number(exif_of(image).get(ExifTags.Base.Orientation)), "none")
        pixels = None if profile else _ordinary(data, image, size)
        return turned(_by_pillow(image, size, profile) if pixels is None else pixels, turn)


def _encoded(pixels: Pixels, quality: int, form: Literal["WEBP", "JPEG"]) -> bytes:
    out = io.BytesIO()
    effort = {"method": WEBP_EFFORT} if form == "WEBP" else {}
    Image.fromarray(pixels).save(out, form, quality=quality, **effort)  # from bare pixels: nothing rides along
    return out.getvalue()


def _ordinary(data: bytes, image: Image.Image, size: tuple[int, int]) -> Pixels | None:
    """Decode an ordinary JPEG to less than twice the size and shrink it: a sixth of the cost of Pillow's own resizing.

    None for whatever else it is.
    """
    step = max(one for one in _REDUCED if one == 1 or min(image.width // size[0], image.height // size[1]) >= one)
    if image.mode != "RGB" or 3 * image.width * image.height > step * step * SMALL_BYTES:
        return None
    pixels = whole_jpeg(data, image, _REDUCED[step])
    if pixels is None:
        return None
    if pixels.shape[1::-1] != size:
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _by_pillow(image: Image.Image, size: tuple[int, int], profile: bytes | None) -> Pixels:
    if image.mode == "RGB":
        image.draft("RGB", size)
    small = _shrunk(image, size)
    return np.asarray(_srgb(small, profile).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Lay on white and shrink by whole steps to no less than twice the wanted size, band by band."""
    step = max(1, min(image.width // (2 * size[0]), image.height // (2 * size[1])))
    if step == 1 and 4 * image.width * image.height <= SMALL_BYTES:
        return flattened(image)
    parts = (flattened(band).reduce(step) for band in bands(image, step))
    first = next(parts)
    whole, top = Image.new(first.mode, (first.width, -(-image.height // step))), 0
    for part in chain([first], parts):
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, *DECODE_ERRORS):
            converted = None  # a broken profile is ignored, as browsers do
        if converted is not None:
            return converted
    return image.convert("RGB")
