"""What settings make of stored answers, and what that changes: functions over values, without the database."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from aggregation import Box, BoxSettings, Consensus, ImageAnswers
from aggregation.core.geometry import best_matching, iou_matrix
from curation.services.quality_facts.comparing import compare
from curation.services.quality_facts.estimates import jeffreys

Resolve = Callable[[Sequence[ImageAnswers], BoxSettings], Sequence[Consensus]]

STATUSES = ("hard", "soft", "drop")
CURVE_IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(9))
SAME_PLACE = 0.98  # above this IoU nobody sees that a box has moved


@dataclass(frozen=True, slots=True)
class Drawn:
    """An agreed box in pixels, origin top left."""

    x: float
    y: float
    w: float
    h: float
    label: str
    confidence: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.w, self.y + self.h


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands, or would stand, about one image. `question` is the first of the hard questions that failed."""

    status: str
    boxes: tuple[Drawn, ...] = ()
    confidence: float = 0.0
    question: str = ""
    reason: str = ""
    trace: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    lowest_iou: float | None = None
    next_step: str = "none"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, with the 95 % interval (Jeffreys') that it has when the whole is a sample."""

    n: int
    of: int
    is_sample: bool = False

    @property
    def share(self) -> float:
        return self.n / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.is_sample or not self.of:
            return None
        found = jeffreys(self.n, self.of)
        return found.low, found.high


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over the outcomes of many images."""

    images: int
    statuses: Mapping[str, int]
    questions: Mapping[str, int]
    reasons: Mapping[str, int]
    exact: float | None

    def share(self, status: str, *, is_sample: bool = False) -> Share:
        return Share(self.statuses.get(status, 0), self.images, is_sample)


@dataclass(frozen=True, slots=True)
class Change:
    """An image that other settings would treat otherwise. `kind` says what is most telling about it."""

    image: str
    kind: str
    before: Outcome
    after: Outcome


@dataclass(frozen=True, slots=True)
class Point:
    """One place of the curve over the least IoU."""

    iou: float
    hard: float
    soft: float
    drop: float


@dataclass(frozen=True, slots=True)
class Bought:
    """How many answers a buying rule takes when the stored ones come again in the order they came."""

    images: int
    answers: int
    stored: int
    short: int = field(default=0)  # images that want one more answer than was ever given

    @property
    def mean(self) -> float:
        return self.answers / self.images if self.images else 0.0

    @property
    def given(self) -> float:
        """Return the answers an image that there are."""
        return self.stored / self.images if self.images else 0.0


def outcome_of(result: Consensus) -> Outcome:
    return Outcome(
        status=result.status,
        boxes=tuple(Drawn(box.x, box.y, box.w, box.h, box.label, box.confidence) for box in result.boxes),
        confidence=result.confidence,
        question=result.failed_question or "",
        reason=result.reason or "",
        trace=tuple(step.text for step in result.trace),
        dropped=result.dropped,
        lowest_iou=result.lowest_iou,
        next_step=result.next,
    )


def summary(outcomes: Iterable[Outcome]) -> Summary:
    """Count statuses, failed questions and reasons; `exact` is the mean confidence of the images that are kept."""
    rows = list(outcomes)
    kept = [row.confidence for row in rows if row.status != "drop"]
    return Summary(
        images=len(rows),
        statuses=Counter(row.status for row in rows),
        questions=Counter(row.question for row in rows if row.question),
        reasons=Counter(row.reason for row in rows if row.status == "drop"),
        exact=math.fsum(kept) / len(kept) if kept else None,
    )


def curve(images: Sequence[ImageAnswers], settings: BoxSettings, resolve: Resolve) -> list[Point]:
    """Return the shares of hard, soft and drop over the least IoU, all other settings as they are."""
    points = []
    for iou in CURVE_IOUS:
        found = Counter(result.status for result in resolve(images, replace(settings, iou=iou)))
        points.append(Point(iou, *(found[status] / max(1, len(images)) for status in STATUSES)))
    return points


def bought(images: Sequence[ImageAnswers], settings: BoxSettings, resolve: Resolve, *, start: int) -> Bought:
    """Replay the stored answers: begin with `start` of each image, add the next one while the rule asks for it."""
    given = {at: min(start, len(image.annotations)) for at, image in enumerate(images)}
    short, asking = 0, list(given)
    while asking:
        seen = [replace(images[at], annotations=images[at].annotations[: given[at]]) for at in asking]
        wants = [at for at, result in zip(asking, resolve(seen, settings), strict=True) if result.next == "buy"]
        asking = [at for at in wants if given[at] < len(images[at].annotations)]
        short += len(wants) - len(asking)
        for at in asking:
            given[at] += 1
    stored = sum(len(image.annotations) for image in images)
    return Bought(images=len(images), answers=sum(given.values()), stored=stored, short=short)


KINDS = ("comes_back", "leaves", "boxes", "labels", "status", "moved")


def change_of(before: Outcome, after: Outcome) -> str:
    """Name the most telling difference; nothing when a person would see none."""
    if (before.status == "drop") != (after.status == "drop"):
        return "leaves" if after.status == "drop" else "comes_back"
    if len(before.boxes) != len(after.boxes):
        return "boxes"
    pairs = best_matching(_ious(before.boxes, after.boxes))
    if any(before.boxes[i].label != after.boxes[j].label for i, j in pairs):
        return "labels"
    if before.status != after.status:
        return "status"
    near = sum(_ious((before.boxes[i],), (after.boxes[j],))[0, 0] >= SAME_PLACE for i, j in pairs)
    return "moved" if near < len(before.boxes) else ""


def changes(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> list[Change]:
    """Return every image that stands in both and differs."""
    kinds = ((name, change_of(before[name], after[name])) for name in after if name in before)
    return [Change(name, kind, before[name], after[name]) for name, kind in kinds if kind]


def most_telling(changed: Sequence[Change], *, n: int, seed: int) -> list[Change]:
    """Choose n changes: the most telling kinds first, some of each, images of a kind by a seeded lot."""
    drawn = sorted(changed, key=lambda change: lot(change.image, seed))
    each = max(1, math.ceil(n / 3))
    by_kind = {kind: [change for change in drawn if change.kind == kind] for kind in KINDS}
    first = [change for kind in KINDS for change in by_kind[kind][:each]]
    rest = [change for kind in KINDS for change in by_kind[kind][each:]]
    chosen = (first + rest)[:n]
    return sorted(chosen, key=lambda change: KINDS.index(change.kind))


def lot(name: str, seed: int) -> bytes:
    """Return a number drawn for a name: the same in every process."""
    return hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()


def is_right(outcome: Outcome, truth: Sequence[Box]) -> bool:
    """Tell whether every true box is met at IoU 0.5 by one agreed box with its label, and nothing else is there."""
    if outcome.status == "drop":
        return False
    agreed = [(box.corners, box.label) for box in outcome.boxes]
    return compare(agreed, [((box.x, box.y, box.x + box.w, box.y + box.h), box.label) for box in truth]).is_right


def _ious(first: Sequence[Drawn], second: Sequence[Drawn]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return iou_matrix([box.corners for box in first], [box.corners for box in second])
