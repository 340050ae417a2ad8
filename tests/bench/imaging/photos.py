"""The photos that all tools look at: FullHD JPEG made from sample photographs and drawings, and disguised copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import skimage
from PIL import Image

from tests.planted import HEIGHT, WIDTH, cropped, framed, jpeg, scene

SAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "hubble_deep_field.jpg", "retina.jpg", "ihc.png")
COPIES = 0.4
Pixels = np.ndarray
DISGUISES: dict[str, Callable[[Pixels], bytes]] = {
    "other quality": lambda a: jpeg(a, 60),
    "smaller": lambda a: jpeg(cv2.resize(a, (1280, 720), interpolation=cv2.INTER_AREA)),
    "crop .9": lambda a: jpeg(cropped(a, 0.9)),
    "mirror": lambda a: jpeg(np.ascontiguousarray(a[:, ::-1])),
    "quarter turn": lambda a: jpeg(np.ascontiguousarray(np.rot90(a))),
    "brighter": lambda a: jpeg(np.clip(a.astype(np.int16) + 40, 0, 255).astype(np.uint8)),
    "darker curve": lambda a: jpeg((255 * (a / 255.0) ** 1.8).astype(np.uint8)),
    "grey": lambda a: jpeg(np.repeat(cv2.cvtColor(a, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)),
    "blur": lambda a: jpeg(cv2.GaussianBlur(a, (0, 0), 4)),
    "white frame": lambda a: jpeg(framed(a, 90)),
}


def make_photos(folder: Path, count: int, seed: int = 1) -> dict[str, str]:
    """Write `count` photos, two in five of them disguised copies, once; return which file copies which."""
    truth = folder / "truth.json"
    photos = folder / "photos"
    if not truth.exists():
        photos.mkdir(parents=True, exist_ok=True)
        truth.write_text(json.dumps(_write(photos, count, seed)), encoding="utf-8")
    found: dict[str, str] = json.loads(truth.read_text(encoding="utf-8"))
    return found


def _write(photos: Path, count: int, seed: int) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    copies = int(count * COPIES)
    samples = [_sample(name) for name in SAMPLES]
    kinds = list(DISGUISES)
    truth = {}
    for number in range(count - copies):
        name = f"{number:05}.jpg"
        pixels = _photo(samples[number % len(samples)], seed * 100_000 + number, rng)
        (photos / name).write_bytes(jpeg(pixels, int(rng.integers(88, 91))))
        if number < copies:
            copy = f"{number:05} {kinds[number % len(kinds)]}.jpg"
            (photos / copy).write_bytes(DISGUISES[kinds[number % len(kinds)]](pixels))
            truth[copy] = name
    return truth


def _sample(name: str) -> Pixels:
    path = Path(skimage.__file__).parent / "data" / name
    return np.asarray(Image.open(path).convert("RGB"))


def _photo(sample: Pixels, seed: int, rng: np.random.Generator) -> Pixels:
    """Lay a part of a photograph, enlarged, half over a drawing of its own: no two have a scene in common."""
    height, width = sample.shape[:2]
    side = rng.uniform(0.5, 0.9)
    top, left = int(rng.uniform(0, 1 - side) * height), int(rng.uniform(0, 1 - side) * width)
    part = sample[top : top + int(side * height), left : left + int(side * width)]
    enlarged = cv2.resize(np.ascontiguousarray(part), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return cv2.addWeighted(enlarged, 0.4, scene(seed), 0.6, 0)
