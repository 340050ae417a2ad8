"""Files of strangers as they come, and worse: each kind with what must be said of it. Drawn from a seed."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tests.planted import exif_with, stored_for

OK = "ok"
Bytes = Callable[[np.random.Generator], bytes]


def _pixels(rng: np.random.Generator, width: int = 960, height: int = 640) -> np.ndarray:
    coarse = rng.integers(0, 256, (height // 40, width // 40, 3), np.uint8)
    soft = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return np.clip(soft + rng.integers(-12, 13, soft.shape), 0, 255).astype(np.uint8)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _photo(rng: np.random.Generator, form: str = "JPEG", **options: object) -> bytes:
    return _saved(Image.fromarray(_pixels(rng)), form, **options)


def _cut(rng: np.random.Generator, form: str) -> bytes:
    whole = _photo(rng, form)
    return whole[: int(len(whole) * rng.uniform(0.1, 0.95))]


def _turned(rng: np.random.Generator) -> bytes:
    orientation = int(rng.integers(2, 9))
    stored = Image.fromarray(stored_for(orientation, _pixels(rng)))
    return _saved(stored, "JPEG", exif=exif_with(orientation, place=True))


def _moving(rng: np.random.Generator, form: str) -> bytes:
    first, second = (Image.fromarray(_pixels(rng, 320, 240)) for _ in range(2))
    return _saved(first, form, save_all=True, append_images=[second], duration=100)


def _sixteen_bits(rng: np.random.Generator) -> bytes:
    return _saved(Image.fromarray(_pixels(rng)[:, :, 0].astype(np.uint16) * 257), "PNG")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *chunks: bytes, colours: int = 2) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IEND", b"")


@cache
def _flat_rows(width: int, height: int, channels: int) -> bytes:
    packer, row = zlib.compressobj(1), b"\0" + b"\x7f" * (width * channels)
    return b"".join(packer.compress(row) for _ in range(height)) + packer.flush()


def _large_clear(_: np.random.Generator) -> bytes:
    """49 million pixels with transparency, which the header gate lets pass: 200 MB when decoded."""
    return _png(7000, 7000, _chunk(b"IDAT", _flat_rows(7000, 7000, 4)), colours=6)


@cache
def _large_jpeg(side: int, *, progressive: bool) -> bytes:
    return _saved(Image.new("RGB", (side, side), "teal"), "JPEG", progressive=progressive)


@cache
def _large_webp(width: int, *, lossless: bool = False) -> bytes:
    picture = Image.new("RGBA", (width, 3072), (0, 99, 99, 99))
    return _saved(picture if lossless else picture.convert("RGB"), "WEBP", quality=1, method=0, lossless=lossless)


def _lying_jpeg(rng: np.random.Generator) -> bytes:
    """A small picture whose header announces 48 million pixels."""
    whole = bytearray(_photo(rng))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", 6000, 8000)
    return bytes(whole)


def _zip(rng: np.random.Generator) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", rng.bytes(200))
    return out.getvalue()


def _scratched(rng: np.random.Generator) -> bytes:
    whole = bytearray(_photo(rng, "PNG"))
    middle = len(whole) // 2
    whole[middle : middle + 400] = rng.bytes(400)
    return bytes(whole)


@cache
def _zeros() -> bytes:
    return zlib.compress(b"\0" * 200_000_000, 1)


def _profile_bomb(rng: np.random.Generator) -> bytes:
    """A colour profile of 200 MB, packed into less than one."""
    bomb = b"x\0\0" + _zeros()
    whole = _photo(rng, "PNG")
    return whole[:33] + _chunk(b"iCCP", bomb) + whole[33:]


_PHOTO_WITH_HTML = b"<script>alert(document.domain)</script>"

KINDS: dict[str, tuple[Bytes, set[str]]] = {
    "photo.jpg": (_photo, {OK}),
    "photo.png": (lambda rng: _photo(rng, "PNG"), {OK}),
    "photo.webp": (lambda rng: _photo(rng, "WEBP"), {OK}),
    "really a png.jpg": (lambda rng: _photo(rng, "PNG"), {OK}),
    "turned.jpg": (_turned, {OK}),
    "printer colours.jpg": (lambda rng: _saved(Image.fromarray(_pixels(rng)).convert("CMYK"), "JPEG"), {OK}),
    "sixteen bits.png": (_sixteen_bits, {OK}),
    "palette.png": (lambda rng: _saved(Image.fromarray(_pixels(rng)).convert("P"), "PNG"), {OK}),
    "photo and zip.jpg": (lambda rng: _photo(rng) + _zip(rng), {OK}),
    "photo and page.jpg": (lambda rng: _photo(rng, comment=_PHOTO_WITH_HTML), {OK}),
    "broken exif.jpg": (lambda rng: _photo(rng, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + rng.bytes(40)), {OK}),
    "broken profile.jpg": (lambda rng: _photo(rng, icc_profile=rng.bytes(500)), {OK}),
    "large and clear.png": (_large_clear, {OK}),
    "large.jpg": (lambda _: _large_jpeg(7000, progressive=False), {OK}),
    "large in passes.jpg": (lambda _: _large_jpeg(7000, progressive=True), {OK}),
    "large.webp": (lambda _: _large_webp(4096), {OK}),
    "large and clear.webp": (lambda _: _large_webp(4096, lossless=True), {OK}),
    "too large.webp": (lambda _: _large_webp(4100), {"too_many_pixels"}),
    "too large and clear.webp": (lambda _: _large_webp(4100, lossless=True), {"too_many_pixels"}),
    "empty.jpg": (lambda _: b"", {"empty"}),
    "cut.jpg": (lambda rng: _cut(rng, "JPEG"), {"truncated"}),
    "cut.png": (lambda rng: _cut(rng, "PNG"), {"truncated"}),
    "cut.webp": (lambda rng: _cut(rng, "WEBP"), {"truncated"}),
    "cut and closed.jpg": (lambda rng: _photo(rng)[:20_000] + b"\xff\xd9", {"truncated"}),
    "larger than it is.jpg": (_lying_jpeg, {"truncated"}),
    "scratched.png": (_scratched, {"damaged"}),
    "profile bomb.png": (_profile_bomb, {"damaged"}),
    "announces gigapixels.png": (lambda _: _png(65_535, 65_535), {"too_many_pixels"}),
    "packed pixels.png": (lambda _: _png(10_000, 10_000, _chunk(b"IDAT", b"\0" * 99)), {"too_many_pixels"}),
    "sixty megapixels.jpg": (lambda _: _large_jpeg(7750, progressive=False), {"too_many_pixels"}),
    "hundred megapixels.jpg": (lambda _: _large_jpeg(10_000, progressive=False), {"too_many_pixels"}),
    "a thin line.png": (lambda _: _png(40_000, 10), {"too_many_pixels"}),
    "moving.png": (lambda rng: _moving(rng, "PNG"), {"animated"}),
    "moving.webp": (lambda rng: _moving(rng, "WEBP"), {"animated"}),
    "moving gif.jpg": (lambda rng: _moving(rng, "GIF"), {"not_an_image"}),
    "from an iphone.jpg": (lambda rng: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + rng.bytes(900), {"not_an_image"}),
    "avif.jpg": (lambda rng: b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + rng.bytes(900), {"not_an_image"}),
    "page.jpg": (lambda _: b"<!DOCTYPE html><html><body>404</body></html>", {"not_an_image"}),
    "drawing.png": (lambda _: b"<svg xmlns='http://www.w3.org/2000/svg'/>", {"not_an_image"}),
    "document.jpg": (lambda rng: b"%PDF-1.7\n" + rng.bytes(500), {"not_an_image"}),
    "script.jpg": (lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run", {"not_an_image"}),
    "raw.jpg": (lambda rng: b"II*\0" + rng.bytes(500), {"not_an_image"}),
    "archive.jpg": (_zip, {"not_an_image"}),
    "gif and script.jpg": (lambda _: b"GIF89a/*\0\0*/=1;" + _PHOTO_WITH_HTML, {"not_an_image"}),
    "noise.jpg": (lambda rng: rng.bytes(5000), {"not_an_image"}),
}
"""Name -> how to make it, and the refusals (or OK) that are right."""

CANNOT_BE_READ = "cannot be read.jpg"


def write_hostile(folder: Path, count: int, seed: int = 1) -> dict[str, set[str]]:
    """Write `count` files, all kinds in turn, and return what must be said of each."""
    folder.mkdir(parents=True, exist_ok=True)
    expected: dict[str, set[str]] = {}
    for number, kind in zip(range(count), _kinds(), strict=False):
        name = f"{number:04} {kind}"
        if kind == CANNOT_BE_READ:
            (folder / name).symlink_to("/proc/self/mem")  # a regular file that gives an error to anybody, even root
            expected[name] = {"not_readable"}
            continue
        make, codes = KINDS[kind]
        (folder / name).write_bytes(make(np.random.default_rng((seed, number))))
        expected[name] = codes
    return expected


def _kinds() -> Iterator[str]:
    while True:
        yield from KINDS
        yield CANNOT_BE_READ
