"""Answers in few words: two places on a picture of 1000 x 1000, with people who draw a little to the side."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from aggregation import Box, BoxAnswer, Consensus, ImageAnswers

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("WINNOW_SAMPLE_DATA") or ROOT.parent / "shared" / "data") / "boxes"

A = Box(100, 100, 200, 200, "x")
B = Box(600, 600, 200, 200, "x")
DOT = Box(500, 500, 0.5, 0.5, "x")
SHIFTS = ((0, 0), (5, 0), (0, 5), (2, 2), (3, 0), (0, 3), (1, 1))


def moved(box: Box, dx: float, dy: float = 0.0, label: str | None = None) -> Box:
    """The same box somewhere else, with another label if one is given."""
    return replace(box, x=box.x + dx, y=box.y + dy, label=label or box.label)


def seen(*answers: Sequence[Box] | BoxAnswer, width: float | None = 1000, height: float | None = 1000) -> ImageAnswers:
    """An image with one answer a person, called u1, u2, … in the order given."""
    people = [
        item if isinstance(item, BoxAnswer) else BoxAnswer(f"u{number}", tuple(item))
        for number, item in enumerate(answers, start=1)
    ]
    return ImageAnswers("i", tuple(people), width, height)


def crowd(count: int, *boxes: Box) -> list[list[Box]]:
    """Answers of so many people who all see these boxes, each a few pixels beside the others."""
    return [[moved(box, *SHIFTS[person]) for box in boxes] for person in range(count)]


def summary(result: Consensus) -> tuple[str, str, str]:
    """Status, reason or labels in order, and what to do next."""
    words = result.reason or " ".join(box.label for box in result.boxes)
    return result.status, words, result.next


def people(result: Consensus) -> dict[str, tuple[str, ...]]:
    return {"used": result.used, "dropped": result.dropped}


_WHERE = st.floats(-40, 1040).map(lambda value: round(value, 2))
_SIZE = st.one_of(st.floats(0, 4), st.floats(20, 400), st.floats(-200, -20)).map(lambda value: round(value, 2))
_LABELS = st.sampled_from(("x", "y", "z"))
_STRAY = st.builds(Box, _WHERE, _WHERE, _SIZE, _SIZE, _LABELS)


@st.composite
def _answer(draw: st.DrawFn, name: str, objects: list[Box]) -> BoxAnswer:
    boxes: list[Box] = []
    for thing in objects:
        if draw(st.integers(0, 4)):
            dx, dy = draw(st.integers(-25, 25)), draw(st.integers(-25, 25))
            label = thing.label if draw(st.integers(0, 5)) else draw(_LABELS)
            boxes += [moved(thing, dx, dy, label=label)] * draw(st.sampled_from((1, 1, 1, 1, 2)))
    boxes += draw(st.lists(_STRAY, max_size=2))
    flags = draw(st.sampled_from(((), (), (), ("no_hands",), ("blurred",))))
    return BoxAnswer(name, tuple(boxes), flags)


@st.composite
def answered_images(draw: st.DrawFn) -> ImageAnswers:
    """Nobody to seven people on shared objects with jitter, dots, doubles, empties, flags and boxes outside."""
    objects = draw(st.lists(st.builds(Box, _WHERE, _WHERE, st.just(150.0), st.just(150.0), _LABELS), max_size=3))
    names = [f"u{number}" for number in range(draw(st.integers(0, 7)))]
    sizes = draw(st.sampled_from(((1000.0, 1000.0), (640.0, 480.0), (None, None))))
    return ImageAnswers("i", tuple(draw(_answer(name, objects)) for name in names), *sizes)


@st.composite
def clear_images(draw: st.DrawFn, *, slips: bool = True) -> ImageAnswers:
    """Two to six people on up to three objects far apart, in whole pixels; some miss, misname or invent one."""
    objects = [
        Box(100 + 300 * at, 120, draw(st.sampled_from((80, 200))), 160, "x") for at in range(draw(st.integers(0, 3)))
    ]
    answers = []
    for number in range(draw(st.integers(2, 6))):
        boxes = [moved(thing, draw(st.integers(-16, 16)), draw(st.integers(-16, 16))) for thing in objects]
        if slips and draw(st.integers(0, 3)) == 0:
            boxes = [replace(box, label=draw(_LABELS)) for box in boxes if draw(st.integers(0, 4))]
            boxes += [Box(120.0 * number, 600, 60, 60, "x")] if draw(st.booleans()) else []
        answers.append(BoxAnswer(f"u{number}", tuple(boxes)))
    return ImageAnswers("i", tuple(answers), 1024.0, 1024.0)


def shuffled(image: ImageAnswers, order: Iterable[int]) -> ImageAnswers:
    """The same answers in another order of people and of boxes."""
    rank = list(order)
    answers = [replace(answer, boxes=answer.boxes[::-1]) for answer in image.annotations]
    return replace(image, annotations=tuple(answers[index] for index in rank))
