"""Disguises that dishonest workers put over a photo, for pictures of any size; chance is an argument."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from tests.planted import cropped, exif_with, framed, stored_for

Pixels = np.ndarray
Draw = np.random.Generator


@dataclass(frozen=True)
class Disguise:
    """A way to send a photo again: its file, the turn from the photo to it, and a template copy's words.

    `undisguised` marks the ways that leave the picture as it was, so that any of them may represent the others.
    """

    make: Callable[[Pixels, Draw], bytes]
    turn: str = "none"
    words: str = "none"
    undisguised: bool = False


def encoded(pixels: Pixels, quality: int = 89, exif: bytes | None = None) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.save(out, "JPEG", quality=quality, **({} if exif is None else {"exif": exif}))
    return out.getvalue()


def crop(pixels: Pixels, side: float, rng: Draw) -> Pixels:
    """Cut a window of this share of the sides out, off the centre."""
    height, width = pixels.shape[:2]
    tall, wide = int(height * side), int(width * side)
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    return np.ascontiguousarray(pixels[top : top + tall, left : left + wide])


def mirrored(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def turned_by(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(pixels, move, (width, height), flags=cv2.INTER_CUBIC)


def brighter(pixels: Pixels, levels: int) -> Pixels:
    return np.clip(pixels.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def gamma(pixels: Pixels, power: float) -> Pixels:
    table = (255 * (np.arange(256) / 255.0) ** power).astype(np.uint8)
    return cv2.LUT(pixels, table)


def contrast(pixels: Pixels, gain: float) -> Pixels:
    table = np.clip((np.arange(256) - 128) * gain + 128, 0, 255).astype(np.uint8)
    return cv2.LUT(pixels, table)


def grey(pixels: Pixels) -> Pixels:
    return cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def hue(pixels: Pixels, degrees: int) -> Pixels:
    colours = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    colours[..., 0] = (colours[..., 0].astype(np.int16) + degrees // 2) % 180
    return cv2.cvtColor(colours, cv2.COLOR_HSV2RGB)


def noisy(pixels: Pixels, deviation: float, rng: Draw) -> Pixels:
    noise = rng.standard_normal(pixels.shape, np.float32) * deviation
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def watermarked(pixels: Pixels, rng: Draw) -> Pixels:
    """Lay a translucent word over the picture: once across the middle, or tiled."""
    height, width = pixels.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    if rng.random() < 0.6:
        size = width / 210
        thick = max(4, int(width / 90))
        cv2.putText(layer, "SAMPLE", (int(width * 0.15), int(height * 0.6)), 0, size, 255, thick, cv2.LINE_AA)
    else:
        thick = max(3, int(width / 300))
        for line, top in enumerate(range(120, height, 260)):
            for left in range(-200 + 150 * (line % 2), width, 620):
                cv2.putText(layer, "stock photo", (left, top), 0, width / 900, 255, thick, cv2.LINE_AA)
    tone = 255.0 if rng.random() < 0.75 else 0.0
    share = (layer.astype(np.float32) / 255 * rng.uniform(0.3, 0.55))[..., None]
    return (pixels * (1 - share) + tone * share).astype(np.uint8)


def barred(pixels: Pixels) -> Pixels:
    """Show the picture as a phone's screenshot does: shrunk, between flat bars."""
    height, width = pixels.shape[:2]
    wide = 1080
    tall = round(height * wide / width)
    shown = cv2.resize(pixels, (wide, tall), interpolation=cv2.INTER_AREA)
    bar = max(200, (2000 - tall) // 2)
    return cv2.copyMakeBorder(shown, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(12, 12, 14))


def shrunk(pixels: Pixels, factor: float) -> Pixels:
    height, width = pixels.shape[:2]
    return cv2.resize(pixels, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)


def cropped_turn(pixels: Pixels, degrees: float, rng: Draw) -> Pixels:
    """Turn by some degrees and cut the inside out, so that no corner is empty."""
    del rng
    return cropped(turned_by(pixels, degrees), 0.7)


DISGUISES: dict[str, Disguise] = {
    "byte copy": Disguise(lambda a, _: encoded(a), undisguised=True),
    "other metadata": Disguise(lambda a, _: encoded(a, exif=exif_with(model="Galaxy")), undisguised=True),
    "EXIF turn": Disguise(lambda a, _: encoded(stored_for(6, a), exif=exif_with(6)), undisguised=True),
    "re-encode q40": Disguise(lambda a, _: encoded(a, 40)),
    "resize 1/3": Disguise(lambda a, _: encoded(shrunk(a, 1 / 3))),
    "crop .95": Disguise(lambda a, rng: encoded(crop(a, 0.95, rng)), words="crop"),
    "crop .9": Disguise(lambda a, rng: encoded(crop(a, 0.9, rng)), words="crop"),
    "crop .8": Disguise(lambda a, rng: encoded(crop(a, 0.8, rng)), words="crop"),
    "mirror": Disguise(lambda a, _: encoded(mirrored(a)), "mirror", "mirror"),
    "rot90": Disguise(lambda a, _: encoded(np.rot90(a)), "rot90", "rot90"),
    "rot180": Disguise(lambda a, _: encoded(a[::-1, ::-1]), "rot180", "rot180"),
    "3 degrees": Disguise(lambda a, _: encoded(turned_by(a, 3)), words="rotate"),
    "brightness +60": Disguise(lambda a, _: encoded(brighter(a, 60)), words="tone"),
    "gamma 2": Disguise(lambda a, _: encoded(gamma(a, 2)), words="tone"),
    "contrast 1.6": Disguise(lambda a, _: encoded(contrast(a, 1.6)), words="tone"),
    "grey": Disguise(lambda a, _: encoded(grey(a))),
    "hue 60": Disguise(lambda a, _: encoded(hue(a, 60))),
    "blur 8 px": Disguise(lambda a, _: encoded(cv2.GaussianBlur(a, (0, 0), 8))),
    "noise 25": Disguise(lambda a, rng: encoded(noisy(a, 25, rng))),
    "watermark": Disguise(lambda a, rng: encoded(watermarked(a, rng))),
    "screenshot bars": Disguise(lambda a, _: encoded(barred(a)), words="frame"),
    "white frame": Disguise(lambda a, _: encoded(framed(a, 90)), words="frame"),
    "mirror + crop .9 + gamma 1.6": Disguise(
        lambda a, rng: encoded(gamma(crop(mirrored(a), 0.9, rng), 1.6)), "mirror", "mirror+crop+tone"
    ),
}
"""Name -> what a dishonest worker does to a photo that was sent before."""

TEMPLATE_DISGUISES: dict[str, Disguise] = {
    **DISGUISES,
    "crop .6": Disguise(lambda a, rng: encoded(crop(a, 0.6, rng)), words="crop"),
    "10 degrees + crop": Disguise(lambda a, rng: encoded(cropped_turn(a, 10, rng)), words="rotate+crop"),
}
