"""From the bytes of a stranger's picture to measurements: a gate on the header, then one decode."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import ExifTags, Image

from . import hashes, quality
from .gate import DECODE_ERRORS, decoding, ends_early, open_gated, require_whole
from .large import alone_if_large
from .limits import MEGABYTE, PICTURE_LIMITS, Limits
from .pixels import EXIF_TURNS, Grey, bounded, resized, turned
from .preview import LONGEST, Preview
from .verify import Sighting

MAX_TEXT = 255
SMALL_BYTES, BAND_BYTES = 16 * MEGABYTE, 4 * MEGABYTE
_FILLING = 128
_MORE_DATA = bytes(range(1, 65))


@dataclass(frozen=True, slots=True)
class Camera:
    """What EXIF says of the camera, kept privately for fraud checks; coordinates are never read."""

    make: str | None = None
    model: str | None = None
    taken_at: str | None = None


@dataclass(frozen=True, eq=False)
class Analysis(Sighting):
    """Everything one decode tells about a picture; sizes, hashes and preview are of the *displayed* picture.

    `phash64` (and its text `phash`) is the hash other tools print: of the stored pixels, EXIF orientation ignored.
    """

    width: int
    height: int
    format: str
    phash64: int | None
    sharpness: float
    brightness: float
    contrast: float
    camera: Camera

    @property
    def phash(self) -> str | None:
        return None if self.phash64 is None else hashes.as_text(self.phash64)


def analyse(data: bytes, *, compat: bool = True, limits: Limits = PICTURE_LIMITS) -> Analysis:
    """Measure a picture in one decode; pure and safe in a child process. Raises Unreadable.

    `compat=False` leaves the 64-bit hash for other tools out.
    """
    image = open_gated(data, limits)
    form, stored_size = image.format or "", image.size
    with alone_if_large(decoded_bytes(image)), decoding(data):
        require_whole(data, form)
        exif = exif_of(image)
        grey = _halved_jpeg(data, image)
        if grey is None:
            grey = _grey(image)
        del image
        if form in ("JPEG", "MPO") and _is_filled_up(data, grey, limits):
            raise ends_early()
    turn = EXIF_TURNS.get(number(exif.get(ExifTags.Base.Orientation)), "none")
    width, height = stored_size if turn in ("none", "mirror", "flip", "rot180") else stored_size[::-1]
    upright = turned(grey, turn)
    half = upright if max(upright.shape) < max(stored_size) else _halved(upright)
    preview = Preview(bounded(upright, LONGEST))
    brightness, contrast = quality.light(preview.small)
    return Analysis(
        sha256=hashlib.sha256(data).digest(),
        hash256=preview.turns[0],
        low_information=contrast < hashes.LOW_CONTRAST,
        preview=preview,
        width=width,
        height=height,
        format="JPEG" if form == "MPO" else form,
        phash64=hashes.phash64(preview.small if turn == "none" else _small(grey)) if compat else None,
        sharpness=quality.sharpness(half),
        brightness=brightness,
        contrast=contrast,
        camera=_camera_of(exif),
    )


def _small(grey: Grey) -> Grey:
    """Return stored pixels as the compatible hash takes them: it knows of no orientation."""
    return hashes.hash_width(bounded(grey, LONGEST))


def decoded_bytes(image: Image.Image) -> int:
    """Estimate, from the header, what a decoder will hold of a picture at once."""
    pixels = image.width * image.height
    if image.format == "WEBP":  # its decoder keeps two canvases of its own
        return 16 * pixels
    if image.format == "PNG":
        return 4 * pixels
    return 3 * pixels if image.info.get("progressive") else pixels // 2


def _halved_jpeg(data: bytes, image: Image.Image) -> Grey | None:
    """Decode an ordinary JPEG to half size: Pillow's pixels, without its copies of them. None for whatever else."""
    return whole_jpeg(data, image, cv2.IMREAD_REDUCED_GRAYSCALE_2) if _is_halved(image) else None


def whole_jpeg(data: bytes, image: Image.Image, way: int) -> Grey | None:
    """Decode an ordinary JPEG with its end mark in one of OpenCV's ways, as it is stored (colours: blue first).

    None for whatever else it is, and for what cannot be decoded: Pillow then says why.
    """
    if image.format != "JPEG" or image.mode not in ("L", "RGB") or not data.endswith(b"\xff\xd9"):
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), way | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _is_halved(image: Image.Image) -> bool:
    return max(image.size) >= 2 * LONGEST and min(image.size) > 1


def _grey(image: Image.Image) -> Grey:
    """Decode to grey, at half size where the format can do that cheaply or the picture is large."""
    if _is_halved(image):
        image.draft("L", (image.width // 2, image.height // 2))
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image, np.uint8)
    if 4 * image.width * image.height <= SMALL_BYTES:
        return np.asarray(flattened(image).convert("L"), np.uint8)
    return np.concatenate([np.asarray(flattened(band).convert("L").reduce(2), np.uint8) for band in bands(image, 2)])


def _is_filled_up(data: bytes, grey: Grey, limits: Limits) -> bool:
    """Tell whether the data of a JPEG end before its last block, although an end mark follows.

    The decoder then fills up with mid-grey and says nothing. A picture that is so in truth stays the same when there
    are more data before the end mark; one that was filled up goes on.
    """
    if (grey[-4:, -4:] != _FILLING).any():
        return False
    end = data.rfind(b"\xff\xd9")
    with open_gated(data[:end] + _MORE_DATA + data[end:], replace(limits, max_bytes=limits.max_bytes + 64)) as longer:
        return not np.array_equal(_grey(longer), grey)


def bands(image: Image.Image, rows_together: int = 1) -> Iterator[Image.Image]:
    """Yield a picture in bands of some MB, each a multiple of so many rows high: it is never in memory twice."""
    rows = max(1, BAND_BYTES // (4 * image.width * rows_together)) * rows_together
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(image.height, top + rows)))


def flattened(image: Image.Image) -> Image.Image:
    """Return 8 bits a channel without palette or transparency, laid on white, as a browser page shows it."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(np.asarray(np.asarray(image) >> 8, np.uint8))
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    if image.mode in ("L", "RGB", "CMYK"):
        image.load()
        return image
    return image.convert("RGB")


def _halved(grey: Grey) -> Grey:
    return resized(grey, max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))


def exif_of(image: Image.Image) -> Image.Exif:
    """Return what there is of EXIF. For a PNG this decodes the pixels: the block may follow them."""
    try:
        return image.getexif()
    except DECODE_ERRORS:
        return Image.Exif()  # a broken EXIF block says nothing; the picture may still be good


def _camera_of(exif: Image.Exif) -> Camera:
    try:
        details = exif.get_ifd(ExifTags.IFD.Exif)
    except DECODE_ERRORS:
        details = {}
    taken = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    return Camera(_text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model)), _text(taken))


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    clean = "".join(letter for letter in value if letter.isprintable()).strip()
    return clean[:MAX_TEXT] or None


def number(value: object) -> int:
    return value if isinstance(value, int) else 1
