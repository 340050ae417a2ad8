"""One image's answers, flipped, clipped and sorted: from here on the order of the input cannot matter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Box, BoxAnswer, ImageAnswers, TraceStep
from aggregation.core.geometry import Corners, iou_matrix


@dataclass(frozen=True, slots=True)
class Sheet:
    """Answers as tables: annotators by index, boxes by index, and the IoU of every two boxes."""

    image: str
    annotators: tuple[str, ...]
    flags: tuple[frozenset[str], ...]
    owners: tuple[int, ...]
    corners: tuple[Corners, ...]
    labels: tuple[str, ...]
    iou: Sequence[Sequence[float]]
    dots: frozenset[int]
    contradictory: frozenset[int]
    void: frozenset[int]
    notes: tuple[TraceStep, ...]
    # medians of groups already asked for: every subset of answers asks for many of the same again
    centres: dict[tuple[int, ...], Corners] = field(default_factory=dict, compare=False, repr=False)

    def names(self, annotators: Iterable[int]) -> tuple[str, ...]:
        """Return the names of annotators, sorted."""
        return tuple(self.annotators[index] for index in sorted(annotators))

    def counts(self) -> list[int]:
        """Return how many boxes each annotator drew."""
        counts = [0] * len(self.annotators)
        for owner in self.owners:
            counts[owner] += 1
        return counts

    def describe(self, box: int) -> str:
        """Name a box in words: label, place and owner."""
        x1, y1, x2, y2 = self.corners[box]
        return f"{self.labels[box]} at {x1:g},{y1:g} {x2 - x1:g}x{y2 - y1:g} by {self.annotators[self.owners[box]]}"


def prepare(image: ImageAnswers, settings: BoxSettings) -> Sheet:
    """Return the answers in the fixed order, with what may not count marked."""
    answers = sorted(image.annotations, key=lambda answer: answer.annotator)
    boxes = [_own_boxes(answer, image) for answer in answers]
    flat = [(owner, corners, label) for owner, own in enumerate(boxes) for corners, label in own]
    corners = tuple(item[1] for item in flat)
    dots = _dots(corners, image, settings)
    owners = tuple(item[0] for item in flat)
    flags = tuple(frozenset(answer.flags) for answer in answers)
    return Sheet(
        image=image.image,
        annotators=tuple(answer.annotator for answer in answers),
        flags=flags,
        owners=owners,
        corners=corners,
        labels=tuple(item[2] for item in flat),
        iou=iou_matrix(corners, corners).tolist() if corners else (),
        dots=dots,
        contradictory=frozenset(i for i, own in enumerate(boxes) if own and flags[i] & set(settings.empty_flags)),
        void=frozenset(owners) - {owner for box, owner in enumerate(owners) if box not in dots},
        notes=tuple(preparation(answers, image)),
    )


def _own_boxes(answer: BoxAnswer, image: ImageAnswers) -> list[tuple[Corners, str]]:
    return sorted((_clipped(_flipped(box), image), box.label) for box in answer.boxes)


def _flipped(box: Box) -> Corners:
    x1, y1, x2, y2 = float(box.x), float(box.y), float(box.x + box.w), float(box.y + box.h)
    return (x1 if x1 <= x2 else x2), (y1 if y1 <= y2 else y2), (x2 if x1 <= x2 else x1), (y2 if y1 <= y2 else y1)


def _clipped(corners: Corners, image: ImageAnswers) -> Corners:
    x1, y1, x2, y2 = corners
    if image.width is not None and (x1 < 0 or x2 > image.width):
        x1, x2 = (min(max(x, 0.0), float(image.width)) for x in (x1, x2))
    if image.height is not None and (y1 < 0 or y2 > image.height):
        y1, y2 = (min(max(y, 0.0), float(image.height)) for y in (y1, y2))
    return x1, y1, x2, y2


def _dots(corners: Sequence[Corners], image: ImageAnswers, settings: BoxSettings) -> frozenset[int]:
    least = settings.dot_px
    if image.width is not None and image.height is not None:
        least = max(least, settings.dot_share * min(image.width, image.height))
    return frozenset(i for i, (x1, y1, x2, y2) in enumerate(corners) if min(x2 - x1, y2 - y1) < least)


def preparation(answers: Sequence[BoxAnswer], image: ImageAnswers) -> Iterable[TraceStep]:
    """Yield a step for boxes that were flipped and one for boxes that were clipped."""
    flipped = [answer.annotator for answer in answers for box in answer.boxes if box.w < 0 or box.h < 0]
    if flipped:
        yield _note("prepare.flipped", "drawn from right to left or from below", flipped)
    clipped = [a.annotator for a in answers for box in a.boxes if _clipped(_flipped(box), image) != _flipped(box)]
    if clipped:
        yield _note("prepare.clipped", "cut at the border of the image", clipped)


def _note(key: str, what: str, owners: Sequence[str]) -> TraceStep:
    text = f"{key}: {counted(len(owners), 'box', 'boxes')} {what} ({' '.join(owners)})"
    return TraceStep(key, ok=True, text=text, data={"boxes": len(owners), "annotators": tuple(sorted(set(owners)))})


def counted(count: int, one: str, many: str) -> str:
    """Return the count with its noun."""
    return f"{count} {one if count == 1 else many}"
