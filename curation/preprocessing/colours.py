"""A second look at a picture that has relatives: its colours, and what tells a disguise from an original."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from .decode import decoded_bytes, exif_of, flattened, number
from .gate import decoding, open_gated, read_bounded
from .hashes import Box, hash_width, trim_box
from .large import alone_if_large
from .limits import Unreadable
from .pixels import EXIF_TURNS, bounded, resized, turned
from .preview import JPEG_QUALITY, LONGEST

VERSION = "colours-5"
CORNER = 0.02
BLACK = 8.0
_LENGTH_BYTES = 4
_UNSHARED = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
_STANDARD_SUM = 3688.0
"""Sum of the 64 luma steps of the table in Annex K of the JPEG standard, taken as quality 50."""

Colour = npt.NDArray[np.uint8]
Tints = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Hues:
    """What colours a picture has: means and deviations of red-green and blue-green, and how far its channels differ."""

    tints: Tints
    saturation: float


@dataclass(frozen=True, slots=True)
class Traits:
    """What the colours and the file say of a picture.

    `noise`: usual deviation of the Laplacian in grey
    levels. `clipped`: share of black and white pixels. `quality`: of the JPEG's tables, 0 to 100. `border`: the share
    that is flat border; `content_pixels`: without it. `empty_corners`: all four black, as after a turn by degrees.
    """

    tints: Tints
    saturation: float
    brightness: float
    contrast: float
    noise: float
    clipped: float
    quality: float
    content_pixels: float
    camera: bool
    empty_corners: bool
    border: float

    @property
    def hues(self) -> Hues:
        return Hues(self.tints, self.saturation)


@dataclass(frozen=True, eq=False, slots=True)
class Colours:
    """Traits, and the preview in colour, as JPEG with every pixel's own colour."""

    traits: Traits
    preview_jpeg: bytes

    def pixels(self) -> Colour:
        """Return the preview, shape (h, w, 3): red, green, blue."""
        stored = cv2.imdecode(np.frombuffer(self.preview_jpeg, np.uint8), cv2.IMREAD_COLOR)
        if stored is None:
            raise Unreadable("preview_damaged", "the stored preview cannot be read; analyse the original again")
        return np.ascontiguousarray(stored[:, :, ::-1], np.uint8)

    def packed(self) -> bytes:
        line = json.dumps({name: getattr(self.traits, name) for name in Traits.__slots__}).encode()
        return len(line).to_bytes(_LENGTH_BYTES, "big") + line + self.preview_jpeg


def seen_in(copy: bytes) -> tuple[Hues, Colour]:
    """Return the hues of a copy of our own making, and it in colour at a preview's size. Raises Unreadable."""
    halved = cv2.imdecode(np.frombuffer(copy, np.uint8), cv2.IMREAD_REDUCED_COLOR_2) if copy else None
    if halved is None:
        raise Unreadable("preview_damaged", "the stored copy cannot be read; analyse the original again")
    pixels = np.ascontiguousarray(halved[:, :, ::-1], np.uint8)
    small = hash_width(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8))
    return _hues(_inside(resized(pixels, small.shape[1], small.shape[0]), trim_box(small))), bounded(pixels, LONGEST)


def unpacked(data: bytes) -> Colours:
    """Read what `packed` wrote."""
    return Colours(traits_of(data), data[_end_of_line(data) :])


def traits_of(data: bytes) -> Traits:
    """Read the traits from the beginning of what `packed` wrote."""
    fields = json.loads(data[_LENGTH_BYTES : _end_of_line(data)])
    return Traits(**{**fields, "tints": tuple(fields["tints"])})


def _end_of_line(data: bytes) -> int:
    return _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")


def colours_of(path: str) -> Colours:
    """Read a picture in colour, at half size where that is cheap. Raises Unreadable."""
    data = read_bounded(Path(path))
    image = open_gated(data)
    exif, tables, size = exif_of(image), getattr(image, "quantization", None), image.size
    with alone_if_large(3 * decoded_bytes(image)), decoding(data):
        if max(size) >= 2 * LONGEST:
            image.draft("RGB", (size[0] // 2, size[1] // 2))
        pixels = np.asarray(flattened(image).convert("RGB"), np.uint8)
    half = pixels if max(pixels.shape) < max(size) else resized(pixels, max(1, size[0] // 2), max(1, size[1] // 2))
    upright = turned(half, EXIF_TURNS.get(number(exif.get(ExifTags.Base.Orientation)), "none"))
    return _measured(upright, exif, tables, size[0] * size[1])


def _measured(upright: Colour, exif: Image.Exif, tables: object, pixels: int) -> Colours:
    grey = cv2.cvtColor(upright, cv2.COLOR_RGB2GRAY)
    small = np.asarray(hash_width(np.asarray(grey, np.uint8)))
    box = trim_box(small)
    inside = _inside(resized(upright, small.shape[1], small.shape[0]), box)
    light, hues = _inside(small, box), _hues(inside)
    traits = Traits(
        tints=hues.tints,
        saturation=hues.saturation,
        brightness=float(light.mean()),
        contrast=float(light.std()),
        noise=1.4826 * float(np.median(np.abs(cv2.Laplacian(grey, cv2.CV_16S)[::3, ::3]))),
        clipped=float(((light <= 2) | (light >= 253)).mean()),
        quality=_quality(tables),
        content_pixels=pixels * light.size / small.size,
        camera=bool(exif.get(ExifTags.Base.Make) or exif.get(ExifTags.Base.Model)),
        empty_corners=_empty_corners(small),
        border=1 - light.size / small.size,
    )
    return Colours(traits, _as_jpeg(bounded(upright, LONGEST)))


def _as_jpeg(colours: Colour) -> bytes:
    ways = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _UNSHARED]
    return cv2.imencode(".jpg", colours[:, :, ::-1], ways)[1].tobytes()


def _inside(pixels: Colour, box: Box | None) -> Colour:
    return pixels if box is None else box.cut(pixels)


def _hues(pixels: Colour) -> Hues:
    red, green, blue = (pixels[..., channel].astype(np.float32) for channel in range(3))
    tints = (
        float((red - green).mean()),
        float((blue - green).mean()),
        float((red - green).std()),
        float((blue - green).std()),
    )
    return Hues(tints, float(np.ptp(pixels, axis=2).mean()))


def _quality(tables: object) -> float:
    """Estimate a JPEG's quality from its luma table; 100 for formats without one."""
    luma = tables.get(0) if isinstance(tables, dict) else None
    if not luma:
        return 100.0
    scale = 100.0 * sum(luma) / _STANDARD_SUM
    return max(1.0, (200.0 - scale) / 2 if scale <= 100 else 5000.0 / scale)


def _empty_corners(small: Colour) -> bool:
    height, width = small.shape
    tall, wide = max(1, round(height * CORNER)), max(1, round(width * CORNER))
    ends = [
        small[rows, columns]
        for rows in (slice(tall), slice(-tall, None))
        for columns in (slice(wide), slice(-wide, None))
    ]
    return all(float(end.mean()) < BLACK for end in ends)
