"""The planted set: a generated folder whose truth is known, drawn from a seed, nothing binary committed.

302 files at full size; `Counts().share(8)` plants an eighth of each kind for the fast suite.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1920, 1080
TEMPLATE_SEED = 900_000


@dataclass(frozen=True)
class Counts:
    """How many files of each kind; the defaults make 302."""

    clean: int = 200
    copies: int = 10
    reencoded: int = 10
    changed: int = 10
    template: int = 5
    per_transform: int = 5
    blurred: int = 10
    small: int = 10
    turned: int = 10
    html: int = 5
    truncated: int = 5
    empty: int = 2

    def share(self, part: int) -> Counts:
        return Counts(**{one.name: max(1, getattr(self, one.name) // part) for one in fields(self)})


@dataclass(frozen=True)
class Planted:
    """One file of the set: what it is (`kind`), what it was made from, and what must be said of it."""

    name: str
    kind: str
    source: str | None = None
    transform: str | None = None
    worker: str = "wanda"
    orientation: int = 1


def noise_tile(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 7, (HEIGHT + 200, WIDTH + 200, 1)).astype(np.float32)


_TILE = noise_tile(np.random.default_rng(7))


def scene(seed: int) -> np.ndarray:
    """Draw one picture, 1080x1920x3 uint8: soft light, 60 shapes with edges and stripes, and fine grain."""
    rng = np.random.default_rng(seed)
    canvas = _clouds(rng)
    for _ in range(60):
        _shape(canvas, rng)
    top, left = rng.integers(0, 200, 2)
    grain = _TILE[top : top + HEIGHT, left : left + WIDTH]
    return np.clip(canvas + grain, 0, 255).astype(np.uint8)


def _clouds(rng: np.random.Generator) -> np.ndarray:
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells, weight in ((3, 60), (8, 30), (30, 16)):
        coarse = rng.uniform(-1, 1, (cells, cells * 2, 1)) + rng.uniform(-0.2, 0.2, (cells, cells * 2, 3))
        total += weight * cv2.resize(coarse.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return total + rng.uniform(90, 150)


def _shape(canvas: np.ndarray, rng: np.random.Generator) -> None:
    centre = rng.integers((0, 0), (WIDTH, HEIGHT))
    radius = int(rng.integers(25, 190))
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
    points = (centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1)).astype(np.int32)
    cv2.fillPoly(canvas, [points], _colour(rng), lineType=cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 6))):
        ends = (centre + rng.integers(-radius, radius, (2, 2))).tolist()
        cv2.line(canvas, ends[0], ends[1], _colour(rng), int(rng.integers(2, 9)), cv2.LINE_AA)


def _colour(rng: np.random.Generator) -> list[float]:
    """Draw a colour as muted as those of photographs: mostly light or dark, a little of a hue."""
    return [float(value) for value in rng.integers(15, 235) + rng.normal(0, 14, 3)]


def jpeg(pixels: np.ndarray, quality: int = 88, exif: bytes | None = None) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, **({} if exif is None else {"exif": exif}))
    return out.getvalue()


def exif_with(orientation: int = 1, *, place: bool = False, model: str = "Pixel 9") -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = orientation, "Winnow Optics", model
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 12:00:00"
    if place:
        exif.get_ifd(0x8825).update({1: "N", 2: (55.0, 45.0, 0.0), 3: "E", 4: (37.0, 37.0, 0.0)})
    return exif.tobytes()


def stored_for(orientation: int, upright: np.ndarray) -> np.ndarray:
    """Turn upright pixels into what a camera stores with this EXIF orientation."""
    moves: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(moves[orientation](upright))


def with_object(pixels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Put another striped object of this share of the area into a scene, with fresh grain."""
    rng = np.random.default_rng(seed)
    side = int((share * WIDTH * HEIGHT) ** 0.5)
    left, top = int(rng.integers(0, WIDTH - side)), int(rng.integers(0, HEIGHT - side))
    other = scene(seed + 5_000_000)[:side, :side]
    changed = pixels.copy()
    changed[top : top + side, left : left + side] = other
    return np.clip(changed + rng.normal(0, 3, changed.shape), 0, 255).astype(np.uint8)


def cropped(pixels: np.ndarray, side: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    top, left = int(height * (1 - side) * 0.7), int(width * (1 - side) * 0.4)
    return np.ascontiguousarray(pixels[top : top + int(height * side), left : left + int(width * side)])


def recoloured(pixels: np.ndarray, strength: int) -> np.ndarray:
    gamma = 1.5 + 0.1 * strength
    return (255 * (pixels / 255.0) ** gamma).astype(np.uint8)


def framed(pixels: np.ndarray, border: int) -> np.ndarray:
    return cv2.copyMakeBorder(pixels, border, border, border, border, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def blurred(pixels: np.ndarray, number: int) -> np.ndarray:
    if number % 3 == 2:
        kernel = np.full((1, 9), 1 / 9, np.float32)
        return cv2.filter2D(pixels, -1, kernel)
    return cv2.GaussianBlur(pixels, (0, 0), 2.0 + number % 3)


TRANSFORMS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "mirror": lambda a, _: np.ascontiguousarray(a[:, ::-1]),
    "rot90": lambda a, _: np.ascontiguousarray(np.rot90(a)),
    "crop": lambda a, _: cv2.resize(cropped(a, 0.8), (WIDTH, HEIGHT)),
    "tone": recoloured,
    "frame": lambda a, i: framed(a, 60 + 20 * i),
}


def plant(folder: Path, counts: Counts = Counts(), seed: int = 1) -> tuple[Path, list[Planted]]:
    """Write the set into `folder`/photos and the template beside it; return the template and the truth."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    template = folder / "template.jpg"
    template.write_bytes(jpeg(scene(TEMPLATE_SEED), 90))
    truth = []
    for planted, data in _files(counts, seed):
        (photos / planted.name).write_bytes(data)
        truth.append(planted)
    return template, truth


def _files(counts: Counts, seed: int) -> Iterator[tuple[Planted, bytes]]:
    names = _names(seed)
    clean = [(seed * 10_000 + number, next(names)) for number in range(counts.clean)]
    for number, name in clean:
        yield Planted(name, "clean"), jpeg(scene(number))
    yield from _relatives(counts, names, clean)
    yield from _template_copies(counts, names)
    yield from _poor(counts, names, seed)
    yield from _broken(counts, names, seed)


def _names(seed: int) -> Iterator[str]:
    rng = np.random.default_rng(seed)
    while True:
        yield f"{int(rng.integers(1 << 40)):010x}.jpg"


def _relatives(counts: Counts, names: Iterator[str], clean: list[tuple[int, str]]) -> Iterator[tuple[Planted, bytes]]:
    sources = iter(clean * 3)
    for number, (seed, name) in zip(range(counts.copies), sources, strict=False):
        worker = "wanda" if number % 2 == 0 else "charlie"
        yield Planted(next(names), "copy", name, worker=worker), jpeg(scene(seed))
    for number, (seed, name) in zip(range(counts.reencoded), sources, strict=False):
        bright = np.clip(scene(seed).astype(np.int16) + 6, 0, 255).astype(np.uint8)
        smaller = bright if number % 2 else cv2.resize(bright, (1280, 720), interpolation=cv2.INTER_AREA)
        grown = cv2.resize(smaller, (WIDTH + 160, HEIGHT + 90))
        yield Planted(next(names), "reencoded", name), jpeg(grown, 60)
    for _, (seed, name) in zip(range(counts.changed), sources, strict=False):
        yield Planted(next(names), "changed", name), jpeg(with_object(scene(seed), 0.06, seed))


def _template_copies(counts: Counts, names: Iterator[str]) -> Iterator[tuple[Planted, bytes]]:
    original = scene(TEMPLATE_SEED)
    for number in range(counts.template):
        yield Planted(next(names), "template", transform="none"), jpeg(original, 90 - 5 * number)
    for transform, change in TRANSFORMS.items():
        for number in range(counts.per_transform):
            data = jpeg(change(original, number), 90 - number)
            yield Planted(next(names), "processed", transform=transform), data


def _poor(counts: Counts, names: Iterator[str], seed: int) -> Iterator[tuple[Planted, bytes]]:
    first = seed * 10_000 + 5_000
    for number in range(counts.blurred):
        yield Planted(next(names), "blurred"), jpeg(blurred(scene(first + number), number))
    for number in range(counts.small):
        little = cv2.resize(scene(first + 100 + number), (1280, 720), interpolation=cv2.INTER_AREA)
        yield Planted(next(names), "small"), jpeg(little)
    for number in range(counts.turned):
        orientation = 2 + number % 7
        stored = stored_for(orientation, scene(first + 200 + number))
        yield Planted(next(names), "turned", orientation=orientation), jpeg(stored, exif=exif_with(orientation))


def _broken(counts: Counts, names: Iterator[str], seed: int) -> Iterator[tuple[Planted, bytes]]:
    for number in range(counts.html):
        yield Planted(next(names), "html"), f"<!doctype html><html><body>{number}</body></html>".encode()
    for number in range(counts.truncated):
        whole = jpeg(scene(seed * 10_000 + 6_000 + number))
        yield Planted(next(names), "truncated"), whole[: len(whole) // 2]
    for _ in range(counts.empty):
        yield Planted(next(names), "empty"), b""
