"""A judged set: a folder of photos, disguised copies, honest work, template copies and broken files, with its truth."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from tests.disguises import DISGUISES, TEMPLATE_DISGUISES, Disguise, Pixels, encoded, noisy

SHARES = (0.01, 0.03, 0.06, 0.12)
STRONG_BLUR = 6
OBJECTS = 4


@dataclass(frozen=True)
class Entry:
    """One file of the set: what it is (`kind`), how it was made (`detail`), from what, and what must be said."""

    name: str
    kind: str
    detail: str = ""
    source: str | None = None
    turn: str = "none"
    words: str = "none"
    undisguised: bool = True


@dataclass(frozen=True)
class Sizes:
    """How many photos get which treatment."""

    fully: int = 6
    partly: int = 12
    copies_of_a_part: int = 3
    scenes: int = 12
    blurred: int = 6
    strangers: int = 30
    templates: int = 3


Base = Callable[[], Pixels]


def judged_set(
    folder: Path, bases: Sequence[Base], sizes: Sizes, seed: int, *, photographs: int
) -> tuple[list[Path], list[Entry]]:
    """Write the set into `folder`/photos and the templates beside it; return the templates and the truth.

    The first `photographs` of `bases` are real: templates are drawn among them.
    """
    photos = folder / "photos"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    examples = rng.permutation(photographs)[: sizes.templates]
    others = [index for index in rng.permutation(len(bases)) if index not in examples]
    order = [bases[index] for index in [*examples, *others]]
    templates, truth = [], []
    for number in range(sizes.templates):
        pixels = order[number]()
        path = folder / f"template-{number}.jpg"
        path.write_bytes(encoded(pixels, 90))
        templates.append(path)
        truth += _write(photos, _template_copies(pixels, str(path), rng))
    truth += _write(photos, _photos(order[sizes.templates :], sizes, rng))
    truth += _write(photos, _broken(rng))
    return templates, truth


def _write(photos: Path, files: Iterator[tuple[Entry, bytes]]) -> list[Entry]:
    written = []
    for entry, data in files:
        (photos / entry.name).write_bytes(data)
        written.append(entry)
    return written


def _name(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(1 << 40)):010x}.jpg"


def _template_copies(pixels: Pixels, template: str, rng: np.random.Generator) -> Iterator[tuple[Entry, bytes]]:
    for detail, disguise in TEMPLATE_DISGUISES.items():
        yield _entry(rng, "template", detail, template, disguise), disguise.make(pixels, rng)


def _entry(rng: np.random.Generator, kind: str, detail: str, source: str, disguise: Disguise) -> Entry:
    return Entry(_name(rng), kind, detail, source, disguise.turn, disguise.words, disguise.undisguised)


def _photos(bases: Sequence[Base], sizes: Sizes, rng: np.random.Generator) -> Iterator[tuple[Entry, bytes]]:
    objects, rest = bases[:OBJECTS], iter(bases[OBJECTS:])
    for _ in range(sizes.fully):
        yield from _disguised(next(rest)(), list(DISGUISES), rng)
    for _ in range(sizes.partly):
        some = rng.choice(list(DISGUISES), sizes.copies_of_a_part, replace=False)
        yield from _disguised(next(rest)(), [str(one) for one in some], rng)
    for number in range(sizes.scenes):
        shown = [objects[(number + step) % OBJECTS]() for step in range(2)]
        yield from _scene(next(rest)(), shown, SHARES[number % len(SHARES)], rng)
    for _ in range(sizes.blurred):
        smeared = cv2.GaussianBlur(next(rest)(), (0, 0), STRONG_BLUR)
        yield Entry(_name(rng), "blurred"), encoded(smeared)
    for _, base in zip(range(sizes.strangers), rest, strict=False):
        yield Entry(_name(rng), "stranger"), encoded(base())


def _disguised(pixels: Pixels, details: Sequence[str], rng: np.random.Generator) -> Iterator[tuple[Entry, bytes]]:
    original = Entry(_name(rng), "photo")
    whole = encoded(pixels)
    yield original, whole
    for detail in details:
        disguise = DISGUISES[detail]
        entry, data = _entry(rng, "copy", detail, original.name, disguise), disguise.make(pixels, rng)
        yield replace(entry, undisguised=disguise.undisguised or data == whole), data


def _scene(
    pixels: Pixels, objects: Sequence[Pixels], share: float, rng: np.random.Generator
) -> Iterator[tuple[Entry, bytes]]:
    """Honest work: the same place in almost the same light, but another object, elsewhere or in the same spot."""
    first = Entry(_name(rng), "photo")
    spot = rng.random(2)
    yield first, encoded(_with_object(pixels, objects[0], share, spot, rng))
    elsewhere = spot if rng.random() < 0.5 else rng.random(2)
    shown = _with_object(pixels, objects[1], share, elsewhere, rng)
    exposed = np.clip(noisy(shown, 3, rng) * rng.uniform(0.92, 1.08), 0, 255).astype(np.uint8)
    yield Entry(_name(rng), "scene", f"{share:.0%}", first.name), encoded(exposed)


def _with_object(pixels: Pixels, other: Pixels, share: float, spot: np.ndarray, rng: np.random.Generator) -> Pixels:
    """Put a piece of another photo into a picture, with an outline as round as a hand's."""
    height, width = pixels.shape[:2]
    side = int((share * height * width / 0.86) ** 0.5)
    left, top = int(spot[0] * (width - side)), int(spot[1] * (height - side))
    x, y = (int(rng.integers(0, max(1, limit - side))) for limit in (other.shape[1], other.shape[0]))
    piece = cv2.resize(other[y : y + side, x : x + side], (side, side))
    outline = np.zeros((side, side), np.uint8)
    cv2.ellipse(outline, (side // 2, side // 2), (side // 2, side // 2), 0, 0, 360, 255, -1)
    outline[side // 5 : 4 * side // 5] = 255
    mask = (cv2.GaussianBlur(outline, (0, 0), 1.5) / 255.0)[..., None]
    shown = pixels.copy()
    window = shown[top : top + side, left : left + side]
    shown[top : top + side, left : left + side] = (window * (1 - mask) + piece * mask).astype(np.uint8)
    return shown


def _broken(rng: np.random.Generator) -> Iterator[tuple[Entry, bytes]]:
    whole = encoded(rng.integers(0, 255, (300, 400, 3)).astype(np.uint8))
    header = struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    vast = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    files = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "html": b"<!doctype html><html><body>not found</body></html>",
        "noise": rng.bytes(20_000),
        "4 gigapixels": vast,
    }
    for detail, data in files.items():
        yield Entry(_name(rng), "broken", detail), data
