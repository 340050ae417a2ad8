"""Results of images on which everybody agrees, many at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

from numpy.typing import NDArray

from aggregation.boxes.confidence import box_confidence, box_confidence_75, image_confidence, label_confidence
from aggregation.boxes.fast import measure, stack
from aggregation.boxes.hard import (
    EQUAL_LABELS,
    clean_step,
    close_enough,
    enough_step,
    equal_counts,
    groups_step,
    iou_step,
)
from aggregation.boxes.result import common_flags
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import preparation
from aggregation.core.answers import BoxAnswer, Consensus, ConsensusBox, ImageAnswers, TraceStep
from aggregation.core.arrays import Floats

Answers = Sequence[BoxAnswer]

_ANNOTATOR, _FLAGS, _IMAGE = attrgetter("annotator"), attrgetter("flags"), attrgetter("image")


@dataclass(frozen=True, slots=True)
class Agreeing:
    """What a method makes of images on which everybody agrees; `steps` come after the six questions."""

    method: str
    settings: BoxSettings
    steps: tuple[TraceStep, ...] = ()


def agreed(images: Sequence[ImageAnswers], boxes: int, way: Agreeing) -> list[Consensus | None]:
    """Return the results of images on which everybody agrees beyond doubt, and null for the others.

    All images have the same number of answers, at least two and `min_answers`, of `boxes` boxes each.
    """
    answers = [sorted(image.annotations, key=_ANNOTATOR) for image in images]
    writer = _Writer(len(answers[0]), boxes, way)
    results = _found(images, answers, boxes, writer) if boxes else _nothing(images, answers, writer)
    if any(map(_FLAGS, chain.from_iterable(answers))):
        return [_with_flags(result, own, boxes, way.settings) for result, own in zip(results, answers, strict=True)]
    return results


def _nothing(images: Sequence[ImageAnswers], answers: Sequence[Answers], writer: "_Writer") -> list[Consensus | None]:
    step = iou_step("hard.iou", None, writer.settings)
    return [*writer.results(images, _names(answers), repeat(()), repeat(None), [step] * len(images))]


def _found(
    images: Sequence[ImageAnswers], answers: Sequence[Answers], boxes: int, writer: "_Writer"
) -> list[Consensus | None]:
    answered = stack(images, answers, boxes, writer.settings)
    found = measure(answered, writer.settings)
    places = found.sure.nonzero()[0].tolist()
    people = _names([answers[at] for at in places])
    labels = [answered.names[at] for at in _flat(found.label[:, places])]
    drawn = writer.boxes(found.corners[:, :, places], labels, _flat(found.mean[:, places]), people)
    each = zip(*[iter(drawn)] * boxes, strict=True)
    steps = map(close_enough(writer.settings), found.worst[places].tolist())
    sure = writer.results([images[at] for at in places], people, each, found.lowest[places].tolist(), steps)
    results: list[Consensus | None] = [None] * len(images)
    for at, result in zip(places, sure, strict=True):
        notes = preparation(answers[at], images[at]) if answered.changed[at] else ()
        results[at] = replace(result, trace=(*notes, *result.trace)) if notes else result
    return results


def _names(answers: Iterable[Answers]) -> list[tuple[str, ...]]:
    return [tuple(map(_ANNOTATOR, own)) for own in answers]


def _flat(values: NDArray[Any]) -> list[Any]:
    """Return an array of boxes by images as one list, image by image."""
    return list(values.T.ravel().tolist())


def _with_flags(result: Consensus | None, answers: Answers, boxes: int, settings: BoxSettings) -> Consensus | None:
    """Return the result with the flags of most; null where somebody says "nothing there" and draws."""
    given = [frozenset(answer.flags) for answer in answers]
    if result is None or (boxes and any(not flags.isdisjoint(settings.empty_flags) for flags in given)):
        return None
    return replace(result, flags=common_flags(given, settings))


class _Writer:
    """Writes results of images of one shape: what is the same for all of them is worked out once."""

    def __init__(self, people: int, boxes: int, way: Agreeing) -> None:
        self.settings = way.settings
        self._method, self._people = way.method, people
        self._enough = enough_step(people, way.settings)
        self._count = equal_counts(people, boxes)
        self._groups = groups_step((people,) * boxes, people)
        self._last = (clean_step(0, 0, ()), *way.steps)
        self._sure = box_confidence(people, 0) * label_confidence({"": people}, "", way.settings.label_count)
        self._confidence = image_confidence([self._sure] * boxes, ())

    def boxes(
        self, corners: Floats, labels: Sequence[str], means: Sequence[float], people: Sequence[tuple[str, ...]]
    ) -> Iterator[ConsensusBox]:
        """Yield the boxes of all images, image by image; corners have shape (4, boxes, images)."""
        x1, y1, x2, y2 = corners
        each = len(x1)
        return map(
            ConsensusBox,
            *(_flat(values) for values in (x1, y1, x2 - x1, y2 - y1)),
            labels,
            repeat(self._sure),
            [box_confidence_75(self._people, 0, mean) for mean in means],
            [names for names in people for _ in range(each)],
        )

    def results(
        self,
        images: Sequence[ImageAnswers],
        people: Sequence[tuple[str, ...]],
        boxes: Iterable[tuple[ConsensusBox, ...]],
        lowest: Iterable[float | None],
        closeness: Iterable[TraceStep],
    ) -> Iterator[Consensus]:
        """Yield one result an image."""
        counts = map(self._count, people)
        return map(
            Consensus,
            map(_IMAGE, images),
            repeat("hard"),
            boxes,
            people,
            repeat(()),
            [
                (self._enough, count, self._groups, EQUAL_LABELS, iou, *self._last)
                for count, iou in zip(counts, closeness, strict=True)
            ],
            repeat("none"),
            repeat(self._confidence),
            lowest,
            repeat(()),
            repeat(self._method),
        )
