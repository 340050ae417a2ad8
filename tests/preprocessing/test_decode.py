"""What may come in, what is measured, and what goes out."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image

from curation.preprocessing.copies import derivative
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.gate import open_gated
from curation.preprocessing.hashes import distance
from curation.preprocessing.limits import Limits, Unreadable
from curation.preprocessing.preview import Preview
from tests.planted import exif_with, jpeg, stored_for


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"IEND"
    chunks = [(body, 13), (end, 0)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", size) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk, size in chunks
    )


def jpeg_header(width: int, height: int) -> bytes:
    whole = bytearray(jpeg(np.zeros((16, 16, 3), np.uint8)))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        analyse(data)
    return caught.value


def saved(image: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not_an_image", "an HTML page"),
        (b"\n <svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", "an SVG drawing"),
        (b"<?xml version='1.0'?><svg/>", "not_an_image", "an SVG drawing"),
        (b"%PDF-1.7 ...", "not_an_image", "a PDF document"),
        (b"GIF89a\x01\x00\x01\x00", "not_an_image", "a GIF picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not_an_image", "a PostScript file"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "not_an_image", "Most Compatible"),
        (b"any noise at all", "not_an_image", "not a picture"),
        (png_header(65_535, 65_535), "too_many_pixels", "pixels"),
        (jpeg_header(65_535, 65_535), "too_many_pixels", "pixels"),
        (png_header(9_000, 9_000), "too_many_pixels", "9000x9000"),
        (png_header(40_000, 10), "too_many_pixels", "40000"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "truncated", "ends early"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(data: bytes, code: str, words: str) -> None:
    refused = refusal(data)
    assert refused.reason_code == code
    assert words in refused.sentence


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_a_picture_that_ends_early_is_refused_and_not_filled_with_grey(
    pixels: np.ndarray, form: str, kept: float
) -> None:
    whole = saved(Image.fromarray(pixels[::4, ::4]), form)
    refused = refusal(whole[: int(len(whole) * kept)])
    assert (refused.reason_code, refused.sentence) == ("truncated", "the file ends early")


def test_a_picture_damaged_in_the_middle_is_refused() -> None:
    whole = bytearray(saved(Image.linear_gradient("L"), "PNG"))
    middle = len(whole) // 2
    whole[middle - 40 : middle + 40] = b"\xff" * 80
    assert refusal(bytes(whole)).reason_code == "damaged"


def test_a_file_over_the_limit_is_refused_before_it_is_looked_at(photo: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        open_gated(photo, Limits(max_bytes=1000))
    assert caught.value.reason_code == "too_large"


def test_the_gate_decodes_no_pixels() -> None:
    assert open_gated(png_header(5000, 5000)).size == (5000, 5000)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_upright_picture(pixels: np.ndarray, seen: Analysis, orientation: int) -> None:
    turned = analyse(jpeg(stored_for(orientation, pixels), exif=exif_with(orientation)))
    assert (turned.width, turned.height) == (1920, 1080)
    assert distance(turned.hash256, seen.hash256) <= 8
    assert np.abs(turned.preview.grey.astype(int) - seen.preview.grey).mean() < 3


def test_the_camera_is_kept_and_the_place_is_never_read(pixels: np.ndarray) -> None:
    camera = analyse(jpeg(pixels[::4, ::4], exif=exif_with(place=True))).camera
    assert (camera.make, camera.model, camera.taken_at) == ("Winnow Optics", "Pixel 9", "2024:05:01 12:00:00")
    assert not hasattr(camera, "place")


def test_hostile_text_in_exif_is_shortened_and_cleaned(pixels: np.ndarray) -> None:
    exif = exif_with(model="A\x07B\n" + "x" * 1000)
    model = analyse(jpeg(pixels[::4, ::4], exif=exif)).camera.model
    assert model is not None
    assert model.startswith("ABx")
    assert len(model) == 255


def test_broken_exif_does_not_make_a_picture_unreadable(pixels: np.ndarray) -> None:
    exif = b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40
    assert analyse(jpeg(pixels[::4, ::4], exif=exif)).camera.make is None


@pytest.mark.parametrize("form", ["WEBP", "JPEG"])
def test_a_derivative_is_upright_small_and_holds_no_metadata(pixels: np.ndarray, form: str) -> None:
    original = jpeg(stored_for(6, pixels), exif=exif_with(6, place=True))
    assert Image.open(io.BytesIO(original)).getexif().get_ifd(0x8825)
    copy = derivative(original, 640, form=form)  # type: ignore[arg-type]
    image = Image.open(io.BytesIO(copy))
    assert image.size == (640, 360)
    assert not dict(image.getexif())
    assert not {"exif", "icc_profile", "xmp", "comment"} & image.info.keys()
    assert b"Winnow Optics" not in copy
    upright = cv2.resize(pixels, (640, 360), interpolation=cv2.INTER_AREA)
    assert np.abs(np.asarray(image.convert("RGB")).astype(int) - upright).mean() < 8


def test_a_derivative_is_never_enlarged(pixels: np.ndarray) -> None:
    assert Image.open(io.BytesIO(derivative(jpeg(pixels[::10, ::10]), 4000))).size == (192, 108)


def test_a_derivative_of_a_broken_file_is_refused() -> None:
    with pytest.raises(Unreadable):
        derivative(b"<html>", 100)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_other_colour_modes_are_read_and_shown(pixels: np.ndarray, mode: str) -> None:
    grey = Image.fromarray(pixels[::4, ::4]).convert("L")
    if mode == "I;16":
        data = saved(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG")
    else:
        data = saved(grey.convert("RGB").convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    plain = analyse(saved(grey, "PNG"))
    seen = analyse(data)
    if mode != "1":  # a dithered picture is another texture
        assert distance(seen.hash256, plain.hash256) <= 8
    shown = np.asarray(Image.open(io.BytesIO(derivative(data, 480, form="JPEG"))).convert("L")).astype(int)
    assert np.abs(shown - np.asarray(grey)).mean() < ({"1": 200, "P": 25}.get(mode, 12))


def test_a_transparent_picture_lies_on_white() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert analyse(saved(clear, "PNG")).brightness == 255


@pytest.mark.parametrize("size", [(961, 541), (1921, 1081), (1000, 3), (3, 1000), (4000, 2)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_shorter_way_to_a_jpegs_pixels_leads_to_the_same_pixels(
    size: tuple[int, int], mode: str, *, progressive: bool
) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, "JPEG", progressive=progressive, exif=exif_with(6))
    short, long = analyse(out.getvalue()), analyse(out.getvalue() + b"what some telephone adds")
    assert np.array_equal(short.preview.grey, long.preview.grey)
    assert (short.sharpness, short.hash256, short.phash64) == (long.sharpness, long.hash256, long.phash64)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (2, 3), (1921, 1081)])
def test_any_shape_can_be_measured(size: tuple[int, int]) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8))
    for form in ("JPEG", "PNG", "WEBP"):
        seen = analyse(saved(image, form))
        assert (seen.width, seen.height) == size
        assert len(seen.hash256) == 32


@pytest.mark.parametrize("step", [1, 2, 4])
def test_the_compatible_hash_is_the_one_other_tools_print(pixels: np.ndarray, step: int) -> None:
    for data in (jpeg(pixels[::step, ::step]), saved(Image.fromarray(pixels[::step, ::step]), "PNG")):
        theirs = int(str(imagehash.phash(Image.open(io.BytesIO(data)))), 16)
        ours = analyse(data).phash64
        assert ours is not None
        assert (ours ^ theirs).bit_count() <= 4
        assert analyse(data, compat=False).phash is None


def test_of_two_hundred_photos_nearly_all_have_exactly_the_hash_other_tools_print() -> None:
    grain = np.random.default_rng(9).integers(0, 24, (720, 960, 3), np.uint8)
    away = [_bits_from_imagehash(seed, grain) for seed in range(200)]
    assert away.count(0) >= 170
    assert max(away) <= 2


def _bits_from_imagehash(seed: int, grain: np.ndarray) -> int:
    shapes = np.random.default_rng((9, seed)).integers(0, 231, (9, 12, 3), np.uint8)
    data = jpeg(cv2.add(cv2.resize(shapes, (960, 720), interpolation=cv2.INTER_CUBIC), grain))
    return (analyse(data).phash64 ^ int(str(imagehash.phash(Image.open(io.BytesIO(data)))), 16)).bit_count()


def test_a_covered_lens_says_it_has_no_information() -> None:
    dark = np.random.default_rng(2).normal(8, 2, (400, 600, 3)).clip(0, 255).astype(np.uint8)
    assert analyse(jpeg(dark)).low_information


@pytest.mark.parametrize("write", [Preview.to_jpeg, Preview.to_png])
def test_a_stored_preview_gives_back_what_comparisons_need(seen: Analysis, write: object) -> None:
    restored = Preview.from_bytes(write(seen.preview))  # type: ignore[operator]
    assert max(restored.grey.shape) == 480
    assert distance(restored.turns[0], seen.hash256) <= 4


def test_a_damaged_preview_says_what_to_do() -> None:
    with pytest.raises(Unreadable, match="analyse the original again"):
        Preview.from_bytes(b"nothing")
