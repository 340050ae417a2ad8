"""Copies of pictures to show or export, made anew from bare pixels: nothing rides along."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from PIL import ExifTags, Image, ImageCms

from .decode import SMALL_BYTES, Analysis, analyse, bands, decoded_bytes, exif_of, flattened, number
from .gate import DECODE_ERRORS, decoding, open_gated
from .large import alone_if_large
from .limits import PICTURE_LIMITS, Limits
from .voting import Keys, both_keys

SCREEN, THUMB = 1600, 320


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
    screen = derivative(data, SCREEN, 85, "JPEG", limits)
    copies = Copies(screen, derivative(screen, THUMB, 80), seen.preview.to_jpeg())
    return Measured(seen, copies, both_keys(seen.preview.trimmed) if corners and not seen.low_information else None)


def derivative(
    data: bytes,
    longest: int,
    quality: int = 85,
    form: Literal["WEBP", "JPEG"] = "WEBP",
    limits: Limits = PICTURE_LIMITS,
) -> bytes:
    """Re-encode a picture to show or export: upright, sRGB, no metadata at all, never enlarged. Raises Unreadable."""
    image = open_gated(data, limits)
    profile = image.info.get("icc_profile")
    factor = min(1.0, longest / max(image.size))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    with alone_if_large(decoded_bytes(image)), decoding(data):
        orientation = number(exif_of(image).get(ExifTags.Base.Orientation))
        if image.mode == "RGB":
            image.draft("RGB", size)
        small = _shrunk(image, size)
        colours = _srgb(small, profile).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        upright = _upright(colours, orientation)
    out = io.BytesIO()
    Image.fromarray(np.asarray(upright)).save(out, form, quality=quality)  # from bare pixels: nothing rides along
    return out.getvalue()


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


_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    move = _TRANSPOSITIONS.get(orientation)
    return image if move is None else image.transpose(move)
