"""Results of images on which everybody agrees, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter

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

Answers = Sequence[BoxAnswer]

_ANNOTATOR, _FLAGS = attrgetter("annotator"), attrgetter("flags")


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
    if boxes:
        results = _found(images, answers, boxes, writer)
    else:
        results = [
            writer.write(image, own, [], None, writer.nothing) for image, own in zip(images, answers, strict=True)
        ]
    if any(map(_FLAGS, chain.from_iterable(answers))):
        return [_with_flags(result, own, boxes, way.settings) for result, own in zip(results, answers, strict=True)]
    return results


def _found(
    images: Sequence[ImageAnswers], answers: Sequence[Answers], boxes: int, writer: "_Writer"
) -> list[Consensus | None]:
    answered = stack(images, answers, boxes, writer.settings)
    found = measure(answered, writer.settings)
    names, step = answered.names, close_enough(writer.settings)
    results: list[Consensus | None] = [
        writer.write(
            image,
            own,
            [(*place, names[at], mean) for place, at, mean in zip(corners, labels, means, strict=True)],
            lowest,
            step(worst),
        )
        if sure
        else None
        for image, own, sure, corners, labels, means, lowest, worst in zip(
            images,
            answers,
            found.sure.tolist(),
            found.corners.T.tolist(),
            found.label.T.tolist(),
            found.mean.T.tolist(),
            found.lowest.tolist(),
            found.worst.tolist(),
            strict=True,
        )
    ]
    for at in answered.changed.nonzero()[0].tolist():
        result = results[at]
        if result is not None:
            results[at] = replace(result, trace=(*preparation(answers[at], images[at]), *result.trace))
    return results


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
        self.nothing = iou_step("hard.iou", None, way.settings)
        self._method, self._people = way.method, people
        self._enough = enough_step(people, way.settings)
        self._count = equal_counts(people, boxes)
        self._groups = groups_step((people,) * boxes, people)
        self._last = (clean_step(0, 0, ()), *way.steps)
        self._sure = box_confidence(people, 0) * label_confidence({"": people}, "", way.settings.label_count)
        self._confidence = image_confidence([self._sure] * boxes, ())

    def write(
        self,
        image: ImageAnswers,
        answers: Answers,
        found: Sequence[tuple[float, float, float, float, str, float]],
        lowest: float | None,
        iou: TraceStep,
    ) -> Consensus:
        """Return the result; `found` holds corners, label and mean IoU of every group in reading order."""
        names = tuple(map(_ANNOTATOR, answers))
        sure, people = self._sure, self._people
        return Consensus(
            image.image,
            "hard",
            tuple(
                [
                    ConsensusBox(x1, y1, x2 - x1, y2 - y1, label, sure, box_confidence_75(people, 0, mean), names)
                    for x1, y1, x2, y2, label, mean in found
                ]
            ),
            names,
            (),
            (self._enough, self._count(names), self._groups, EQUAL_LABELS, iou, *self._last),
            "none",
            self._confidence,
            lowest,
            (),
            self._method,
        )
