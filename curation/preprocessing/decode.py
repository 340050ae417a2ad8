"""From the bytes of a stranger's picture to measurements: a gate on the header, then one decode."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import imagehash
import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from . import hashes, quality
from .limits import MEGABYTE, PICTURE_LIMITS, Limits, Unreadable
from .pixels import EXIF_TURNS, Grey, bounded, resized, turned
from .preview import LONGEST, Preview
from .verify import Sighting

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_TEXT = 255

_DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, KeyError, TypeError)
_NAMED = (
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"BM", "a BMP picture"),
)
_FTYP_PICTURES = (b"heic", b"heix", b"mif1", b"msf1", b"avif")


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


def open_gated(data: bytes, limits: Limits = PICTURE_LIMITS) -> Image.Image:
    """Open a picture after a look at its header alone; no pixel is decoded. Raises Unreadable."""
    if not data:
        raise Unreadable("empty", "the file is empty")
    if len(data) > limits.max_bytes:
        raise Unreadable(
            "too_large",
            f"the file has {len(data) / MEGABYTE:.0f} MB; at most {limits.max_bytes // MEGABYTE} MB are accepted",
        )
    image = _identified(data)
    width, height = image.size
    if width * height > limits.max_pixels:
        raise _too_many_pixels(f"{width}x{height} pixels", limits)
    if max(width, height) > limits.max_side:
        raise Unreadable(
            "too_many_pixels", f"a side of {max(width, height)} pixels is longer than {limits.max_side}, the limit"
        )
    return image


def _identified(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise _too_many_pixels("far too many pixels", PICTURE_LIMITS) from error
        except UnidentifiedImageError as error:
            raise _not_a_picture(data) from error
        except _DECODE_ERRORS as error:
            raise _broken(data) from error


def _too_many_pixels(what: str, limits: Limits) -> Unreadable:
    return Unreadable(
        "too_many_pixels",
        f"the header announces {what}; at most {limits.max_pixels // 1_000_000} million are accepted",
    )


def _not_a_picture(data: bytes) -> Unreadable:
    if _looks_like_picture(data):
        return _broken(data)
    accepted = "JPEG, PNG and WEBP pictures are accepted"
    found = _name_of(data)
    if found is None:
        return Unreadable("not_an_image", f"the file is not a picture; {accepted}")
    return Unreadable("not_an_image", f"the file is {found}, not a picture we take; {accepted}")


def _looks_like_picture(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _name_of(data: bytes) -> str | None:
    for magic, name in _NAMED:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF picture" if data[8:12] in _FTYP_PICTURES else "a video"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")) or b"<html" in head or b"<body" in head:
        return "an HTML page"
    return "an XML document" if head.startswith(b"<?xml") else None


def _broken(data: bytes) -> Unreadable:
    if _ends_early(data):
        return Unreadable("truncated", "the file ends early")
    return Unreadable("damaged", "the picture is damaged and cannot be decoded")


def _ends_early(data: bytes) -> bool:
    if data.startswith(b"\xff\xd8"):
        return not data.rstrip(b"\0").endswith(b"\xff\xd9")
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-64:]
    if data[:4] == b"RIFF" and len(data) >= 8:
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    return False


@contextmanager
def _decoding(data: bytes) -> Iterator[None]:
    try:
        yield
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_many_pixels("far too many pixels", PICTURE_LIMITS) from error
    except _DECODE_ERRORS as error:
        raise _broken(data) from error


def analyse(data: bytes, *, compat: bool = True, limits: Limits = PICTURE_LIMITS) -> Analysis:
    """Measure a picture in one decode; pure and safe in a child process. Raises Unreadable.

    `compat=False` leaves the 64-bit hash for other tools out.
    """
    image = open_gated(data, limits)
    exif, form = _exif_of(image), image.format or ""
    with _decoding(data):
        stored_size = image.size
        grey = _grey(image)
    turn = EXIF_TURNS.get(_number(exif.get(ExifTags.Base.Orientation)), "none")
    width, height = stored_size if turn in ("none", "mirror", "flip", "rot180") else stored_size[::-1]
    upright = turned(grey, turn)
    half = upright if max(upright.shape) < max(stored_size) else _halved(upright)
    preview = Preview(bounded(upright, LONGEST))
    brightness, contrast = quality.light(preview.small)
    trimmed = preview.trimmed_turns
    return Analysis(
        sha256=hashlib.sha256(data).digest(),
        hash256=preview.turns[0],
        hash256_trimmed=None if trimmed is None else trimmed[0],
        low_information=contrast < hashes.LOW_CONTRAST,
        preview=preview,
        width=width,
        height=height,
        format="JPEG" if form == "MPO" else form,
        phash64=compat_hash(grey) if compat else None,
        sharpness=quality.sharpness(half),
        brightness=brightness,
        contrast=contrast,
        camera=_camera_of(exif),
    )


def compat_hash(grey: Grey) -> int:
    """Return `imagehash.phash` of stored pixels as an unsigned 64-bit number (within 4 bits of a full decode)."""
    small = bounded(grey, 2 * hashes.WIDTH)
    return int(str(imagehash.phash(Image.fromarray(small))), 16)


def _grey(image: Image.Image) -> Grey:
    """Decode to grey, at half size where the format can do that cheaply and the picture is large enough."""
    width, height = image.size
    if max(width, height) >= 2 * LONGEST and min(width, height) > 1:
        image.draft("L", (width // 2, height // 2))
    if image.mode.startswith("I;16"):
        return np.asarray(np.asarray(image) >> 8, np.uint8)
    return np.asarray(flattened(image).convert("L"), np.uint8)


def flattened(image: Image.Image) -> Image.Image:
    """Lay a picture with transparency on white, as a browser page shows it; others come back as they are."""
    if not image.has_transparency_data:
        image.load()
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")


def _halved(grey: Grey) -> Grey:
    return resized(grey, max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))


def _exif_of(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except _DECODE_ERRORS:
        return Image.Exif()  # a broken EXIF block says nothing; the picture may still be good


def _camera_of(exif: Image.Exif) -> Camera:
    try:
        details = exif.get_ifd(ExifTags.IFD.Exif)
    except _DECODE_ERRORS:
        details = {}
    taken = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    return Camera(_text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model)), _text(taken))


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    clean = "".join(letter for letter in value if letter.isprintable()).strip()
    return clean[:MAX_TEXT] or None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 1


def derivative(data: bytes, longest: int, quality: int = 85, form: Literal["WEBP", "JPEG"] = "WEBP") -> bytes:
    """Re-encode a picture to show or export: upright, sRGB, no metadata at all, never enlarged. Raises Unreadable."""
    image = open_gated(data)
    profile = image.info.get("icc_profile")
    orientation = _number(_exif_of(image).get(ExifTags.Base.Orientation))
    factor = min(1.0, longest / max(image.size))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    with _decoding(data):
        if image.mode == "RGB":
            image.draft("RGB", size)
        colours = _srgb(flattened(image), profile).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        upright = _upright(colours, orientation)
    out = io.BytesIO()
    Image.fromarray(np.asarray(upright)).save(out, form, quality=quality)  # from bare pixels: nothing rides along
    return out.getvalue()


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray(np.asarray(np.asarray(image) >> 8, np.uint8)).convert("RGB")
    if profile:
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            fit = image if image.mode in ("RGB", "CMYK", "L") else image.convert("RGB")
            converted = ImageCms.profileToProfile(fit, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, *_DECODE_ERRORS):
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
