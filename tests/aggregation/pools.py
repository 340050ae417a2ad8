"""Small pools with known truth: objects, people of known skill, a generator with a seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aggregation import Box, BoxAnswer, ImageAnswers

WIDTH, HEIGHT = 1000, 800
LABELS = ("fist", "ok", "palm")


@dataclass(frozen=True)
class Person:
    """Finds an object, names it rightly, invents one, and is off by `noise` of the side."""

    name: str
    finds: float = 0.95
    names: float = 0.95
    invents: float = 0.02
    noise: float = 0.03


GOOD = tuple(Person(f"good{number}") for number in range(6))


def truth_of(rng: np.random.Generator, labels: Sequence[str] = LABELS) -> tuple[Box, ...]:
    """Return up to three objects, each in its own part of the picture."""
    places = [(60, 60), (400, 300), (700, 80)]
    chosen = [place for place in places if rng.random() < 0.6]
    return tuple(
        Box(x + float(rng.integers(0, 60)), y + float(rng.integers(0, 60)), 160.0, 200.0, str(rng.choice(labels)))
        for x, y in chosen
    )


def answer_of(rng: np.random.Generator, person: Person, truth: Sequence[Box], labels: Sequence[str]) -> BoxAnswer:
    boxes = [_drawn(rng, person, box, labels) for box in truth if rng.random() < person.finds]
    if rng.random() < person.invents:
        x, y = (float(value) for value in rng.uniform(0, 600, 2))
        boxes.append(Box(x, y, 90.0, 90.0, str(rng.choice(labels))))
    return BoxAnswer(person.name, tuple(boxes))


def _drawn(rng: np.random.Generator, person: Person, box: Box, labels: Sequence[str]) -> Box:
    dx, dy, dw, dh = rng.normal(0, person.noise, 4) * (box.w, box.h, box.w, box.h)
    others = [name for name in labels if name != box.label] or [box.label]
    label = box.label if rng.random() < person.names else str(rng.choice(others))
    return Box(round(box.x + dx, 2), round(box.y + dy, 2), round(box.w + dw, 2), round(box.h + dh, 2), label)


def pool(
    people: Sequence[Person], images: int, answers: int, seed: int = 0, labels: Sequence[str] = LABELS
) -> tuple[list[ImageAnswers], dict[str, tuple[Box, ...]]]:
    """Return images with so many answers each, and the truth."""
    rng = np.random.default_rng(seed)
    asked, truth = [], {}
    for number in range(images):
        name = f"i{number:04}"
        truth[name] = truth_of(rng, labels)
        some = rng.choice(len(people), answers, replace=False)
        given = tuple(answer_of(rng, people[who], truth[name], labels) for who in sorted(some.tolist()))
        asked.append(ImageAnswers(name, given, WIDTH, HEIGHT))
    return asked, truth
