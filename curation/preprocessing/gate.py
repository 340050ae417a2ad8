"""The gate before any decoder: what a file is, how large it says it is, and how a refusal is worded."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from .limits import MEGABYTE, PICTURE_LIMITS, Limits, Unreadable

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_WEBP_PIXELS = 12_582_912
_MAY_MOVE = ("PNG", "WEBP")

DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, KeyError, TypeError)
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
_FTYP_PICTURES = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC picture"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture"),
}
_ADVICE = {
    "a HEIC picture": "save it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)",
}


TOO_MUCH_MEMORY = "the file needs more memory to read than is allowed; save it smaller or as an ordinary JPEG"


def read_bounded(path: Path, limits: Limits = PICTURE_LIMITS) -> bytes:
    """Read a file, but never more than one byte over the limit, which is enough to refuse it. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # room for the limit at each file would cost more than reading it
            return file.read(min(size, limits.max_bytes) + 1)
    except OSError as error:
        raise Unreadable("not_readable", f"the file cannot be read: {error.strerror}") from error


def open_gated(data: bytes, limits: Limits = PICTURE_LIMITS) -> Image.Image:
    """Open a picture after a look at its header alone; no pixel is decoded. Raises Unreadable."""
    if not data:
        raise Unreadable("empty", "the file is empty")
    if len(data) > limits.max_bytes:
        raise Unreadable(
            "too_large", f"the file has more than {limits.max_bytes // MEGABYTE} MB, the most that is accepted"
        )
    _require_modest_webp(data)
    image = _identified(data)
    width, height = image.size
    if width * height > limits.max_pixels:
        raise _too_many_pixels(f"{width}x{height} pixels", limits)
    if max(width, height) > limits.max_side:
        raise Unreadable(
            "too_many_pixels", f"a side of {max(width, height)} pixels is longer than {limits.max_side}, the limit"
        )
    if image.format in _MAY_MOVE and getattr(image, "is_animated", False):
        raise Unreadable("animated", "the file is an animation; send a single picture")
    return image


def _require_modest_webp(data: bytes) -> None:
    """Judge a WEBP by its own header: its decoder claims memory for all pixels, four times, as it opens the file."""
    size = _webp_size(data) if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
    if size is not None and size[0] * size[1] > MAX_WEBP_PIXELS:
        most = MAX_WEBP_PIXELS // 1_000_000
        raise Unreadable(
            "too_many_pixels",
            f"the header announces {size[0]}x{size[1]} pixels; as WEBP at most {most} million are accepted",
        )


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        sides = int.from_bytes(data[21:25], "little")
        return 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    if data[12:16] == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return None


def _identified(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise _too_many_pixels("far too many pixels", PICTURE_LIMITS) from error
        except UnidentifiedImageError as error:
            raise _not_a_picture(data) from error
        except DECODE_ERRORS as error:
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
    advice = _ADVICE.get(found, accepted)
    return Unreadable("not_an_image", f"the file is {found}, not a picture we take; {advice}")


def _looks_like_picture(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _name_of(data: bytes) -> str | None:
    for magic, name in _NAMED:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return _FTYP_PICTURES.get(data[8:12], "a video")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")) or b"<html" in head or b"<body" in head:
        return "an HTML page"
    return "an XML document" if head.startswith(b"<?xml") else None


def require_whole(data: bytes, form: str) -> None:
    """Compare the check sums of a PNG, which its decoder passes over. Raises Unreadable."""
    at = 8
    while form == "PNG" and data[at + 4 : at + 8] != b"IEND":
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            raise ends_early()
        if zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise damaged()
        at = end + 4


def ends_early() -> Unreadable:
    return Unreadable("truncated", "the file ends early")


def damaged() -> Unreadable:
    return Unreadable("damaged", "the picture is damaged and cannot be decoded")


def _broken(data: bytes) -> Unreadable:
    return ends_early() if _ends_early(data) else damaged()


def _ends_early(data: bytes) -> bool:
    if data.startswith(b"\xff\xd8"):
        return not data.rstrip(b"\0").endswith(b"\xff\xd9")
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-64:]
    if data[:4] == b"RIFF" and len(data) >= 8:
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    return False


@contextmanager
def decoding(data: bytes) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("far too many pixels", PICTURE_LIMITS) from error
    except MemoryError as error:
        raise Unreadable("too_much_memory", TOO_MUCH_MEMORY) from error
    except DECODE_ERRORS as error:
        raise _broken(data) from error
