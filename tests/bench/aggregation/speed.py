"""Images a second on one core: synthetic answers, hard alone, mixed, and every method."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from aggregation import BOX_METHODS, Box, BoxAnswer, BoxSettings, ImageAnswers, aggregate_boxes, aggregate_many
from aggregation.__main__ import main
from aggregation.agreement import BoxAgreement

ANSWERS, BOXES = 5, 2
WIDTH, HEIGHT = 1280, 720
REPEATS = 5
SETTINGS = BoxSettings()


def crowd(count: int, noise: float, seed: int = 0) -> list[ImageAnswers]:
    """Return images with two objects drawn by five of forty people; an edge is off by `noise` of the side."""
    rng = np.random.default_rng(seed)
    people = [f"w{number:02}" for number in range(40)]
    return [
        _image(f"i{number}", [people[who] for who in rng.choice(40, ANSWERS, False)], noise, rng)
        for number in range(count)
    ]


def _image(name: str, people: Sequence[str], noise: float, rng: np.random.Generator) -> ImageAnswers:
    sizes = rng.uniform(80, 240, (BOXES, 2))
    corners = np.array([(60.0, 60.0), (700.0, 300.0)]) + rng.uniform(0, 100, (BOXES, 2))
    drawn = rng.normal(0, noise, (len(people), BOXES, 4)) * np.tile(sizes, 2)
    answers = [
        BoxAnswer(person, tuple(_box(corners[b], sizes[b], shift[b]) for b in range(BOXES)))
        for person, shift in zip(people, drawn, strict=True)
    ]
    return ImageAnswers(name, tuple(answers), WIDTH, HEIGHT)


def _box(corner: np.ndarray, size: np.ndarray, shift: np.ndarray) -> Box:
    x, y, w, h = (round(float(value), 2) for value in (*(corner + shift[:2]), *(size - shift[:2] + shift[2:])))
    return Box(x, y, w, h, "pedestrian")


def mixed(images: Sequence[ImageAnswers], seed: int = 1) -> list[ImageAnswers]:
    """Return the images with every fifth in dispute: somebody missed a box or drew one more."""
    rng = np.random.default_rng(seed)
    return [_disputed(image, rng) if number % 5 == 0 else image for number, image in enumerate(images)]


def _disputed(image: ImageAnswers, rng: np.random.Generator) -> ImageAnswers:
    answers = list(image.annotations)
    for who in rng.choice(ANSWERS, 2, False):
        boxes = answers[who].boxes
        more = (*boxes, Box(float(rng.uniform(0, 1000)), 20.0, 40.0, 40.0, "pedestrian"))
        answers[who] = replace(answers[who], boxes=boxes[:1] if rng.integers(2) else more)
    return replace(image, annotations=tuple(answers))


def rate(work: Callable[[], object], images: int) -> int:
    """Return images per second of one core: the median of five runs, in time of this process alone."""
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return round(images / median(spent))


def speeds(scale: float = 1.0) -> dict[str, int]:
    """Return images a second by kind of input and way."""
    alike, usual = crowd(round(20_000 * scale), 0.02), crowd(round(2_000 * scale), 0.05)
    blended = mixed(alike)
    some = usual[: len(usual) // 4]
    found = {
        "hard path": rate(lambda: aggregate_many(alike, SETTINGS), len(alike)),
        "hard path, one by one": rate(lambda: [aggregate_boxes(image) for image in alike[:1000]], len(alike[:1000])),
        "a fifth in dispute": rate(lambda: aggregate_many(blended, SETTINGS), len(blended)),
        "edges off by 5 %": rate(lambda: aggregate_many(usual, SETTINGS), len(usual)),
        "edges off by 5 %, one by one": rate(lambda: [aggregate_boxes(image) for image in some], len(some)),
    }
    for name in BOX_METHODS:
        found[f"method {name}"] = rate(partial(aggregate_many, usual, SETTINGS, method=name), len(usual))
    found["agreement"] = rate(partial(_agreement, usual), len(usual))
    found["command boxes, everybody agrees"] = _command(alike)
    return found


def _agreement(images: Sequence[ImageAnswers]) -> None:
    collected = BoxAgreement(SETTINGS)
    for image in images:
        collected.add(image)
    collected.report()


def _command(images: Sequence[ImageAnswers]) -> int:
    """Return lines a second of the command: read, decided, written."""
    with TemporaryDirectory() as folder:
        file, out = Path(folder, "answers.jsonl"), Path(folder, "agreed.jsonl")
        file.write_text("".join(f"{json.dumps(asdict(image))}\n" for image in images), encoding="utf-8")
        return rate(lambda: main(["boxes", str(file), "--out", str(out)]), len(images))
