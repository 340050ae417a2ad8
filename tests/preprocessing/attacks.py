"""Disguises that dishonest workers put over a photo, each with what must be said of the pair."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from tests.planted import HEIGHT, WIDTH, cropped, exif_with, framed, jpeg, recoloured, stored_for

Attack = Callable[[np.ndarray], bytes]


def _darker(pixels: np.ndarray, gamma: float) -> np.ndarray:
    return (255 * (pixels / 255.0) ** gamma).astype(np.uint8)


def _contrast(pixels: np.ndarray) -> np.ndarray:
    return np.clip((pixels.astype(np.float32) - 128) * 1.6 + 128, 0, 255).astype(np.uint8)


def _turned_by(pixels: np.ndarray, degrees: float) -> np.ndarray:
    move = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 1.0)
    return cv2.warpAffine(pixels, move, (WIDTH, HEIGHT))


def _noisy(pixels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 25, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _bars(pixels: np.ndarray) -> np.ndarray:
    shown = cv2.resize(pixels, (1080, 608), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(shown, 300, 300, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def _watermark(pixels: np.ndarray) -> np.ndarray:
    marked = pixels.copy()
    cv2.putText(marked, "SAMPLE", (350, 620), cv2.FONT_HERSHEY_SIMPLEX, 10, (255, 255, 255), 22, cv2.LINE_AA)
    return cv2.addWeighted(pixels, 0.6, marked, 0.4, 0)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _mirrored(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels[:, ::-1])


def _third(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, (640, 360), interpolation=cv2.INTER_AREA)


ATTACKS: dict[str, tuple[Attack, str]] = {
    "other metadata": (lambda a: jpeg(a, exif=exif_with(model="Galaxy")), "none"),
    "EXIF turn": (lambda a: jpeg(stored_for(6, a), exif=exif_with(6)), "none"),
    "re-encode q40": (lambda a: jpeg(a, 40), "none"),
    "resize 1/3": (lambda a: jpeg(_third(a)), "none"),
    "crop .95": (lambda a: jpeg(cropped(a, 0.95)), "none"),
    "crop .9": (lambda a: jpeg(cropped(a, 0.9)), "none"),
    "crop .8": (lambda a: jpeg(cropped(a, 0.8)), "none"),
    "mirror": (lambda a: jpeg(_mirrored(a)), "mirror"),
    "rot90": (lambda a: jpeg(np.ascontiguousarray(np.rot90(a))), "rot90"),
    "rot180": (lambda a: jpeg(np.ascontiguousarray(a[::-1, ::-1])), "rot180"),
    "3 degrees": (lambda a: jpeg(_turned_by(a, 3)), "none"),
    "brightness +60": (lambda a: jpeg(np.clip(a.astype(np.int16) + 60, 0, 255).astype(np.uint8)), "none"),
    "gamma 2": (lambda a: jpeg(_darker(a, 2)), "none"),
    "contrast 1.6": (lambda a: jpeg(_contrast(a)), "none"),
    "grey": (lambda a: jpeg(cv2.cvtColor(cv2.cvtColor(a, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)), "none"),
    "blur 8 px": (lambda a: jpeg(cv2.GaussianBlur(a, (0, 0), 8)), "none"),
    "noise 25": (lambda a: jpeg(_noisy(a)), "none"),
    "watermark": (lambda a: jpeg(_watermark(a)), "none"),
    "screenshot bars": (lambda a: jpeg(_bars(a)), "none"),
    "white frame": (lambda a: jpeg(framed(a, 90)), "none"),
    "recoloured": (lambda a: jpeg(recoloured(a, 3)), "none"),
    "mirror + crop .9 + gamma 1.6": (lambda a: jpeg(_darker(cropped(_mirrored(a), 0.9), 1.6)), "mirror"),
}
"""Name -> the disguise, and the turn from the photo to it."""

OFTEN_ONLY_THE_SCENE = frozenset({"watermark", "blur 8 px"})
"""Disguises that pixels cannot prove beyond doubt: `same_scene` is the right answer too."""
