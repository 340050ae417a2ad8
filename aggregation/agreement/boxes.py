"""How far annotators agree about boxes: placement, labels and whether anything is there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations

from aggregation.agreement.alpha import NominalAlpha
from aggregation.agreement.report import Agreement, Share
from aggregation.boxes import aggregate_boxes
from aggregation.boxes.groups import group_boxes
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, prepare
from aggregation.core.answers import ImageAnswers
from aggregation.core.geometry import Corners, best_matching, iou_matrix
from aggregation.core.sums import Mean

DEFAULTS = BoxSettings()


def pair_agreement(first: Sequence[Corners], second: Sequence[Corners]) -> float:
    """Return the IoU of two annotators on one image: summed over the best matching, by the larger count.

    Both empty: 1; one empty: 0.
    """
    if not first or not second:
        return 1.0 if not first and not second else 0.0
    scores = iou_matrix(first, second)
    return float(sum(sorted(scores[i, j] for i, j in best_matching(scores))) / max(len(first), len(second)))


def agreement_with_others(image: ImageAnswers, settings: BoxSettings = DEFAULTS) -> dict[str, float]:
    """Return each annotator's IoU to the median consensus of the others, a missing box counting 0."""
    sheet = prepare(image, settings)
    return {
        name: pair_agreement(_own(sheet, i), _others(image, name, settings)) for i, name in enumerate(sheet.annotators)
    }


def _others(image: ImageAnswers, name: str, settings: BoxSettings) -> list[Corners]:
    rest = tuple(answer for answer in image.annotations if answer.annotator != name)
    without = ImageAnswers(image.image, rest, image.width, image.height)
    agreed = aggregate_boxes(without, replace(settings, min_answers=1), "median")
    return [box.corners for box in agreed.boxes]


def _own(sheet: Sheet, index: int) -> list[Corners]:
    return [sheet.corners[box] for box, owner in enumerate(sheet.owners) if owner == index]


@dataclass(slots=True)
class BoxAgreement:
    """Collects images one by one; the order of the images cannot show in the result."""

    settings: BoxSettings = DEFAULTS
    _images: int = 0
    _pool: Mean = field(default_factory=Mean)
    _workers: dict[str, Mean] = field(default_factory=dict)
    _answers: Counter[str] = field(default_factory=Counter)
    _worker_labels: dict[str, Share] = field(default_factory=dict)
    _class_labels: dict[str, Share] = field(default_factory=dict)
    _labels: NominalAlpha = field(default_factory=NominalAlpha)
    _existence: NominalAlpha = field(default_factory=NominalAlpha)
    _both: NominalAlpha = field(default_factory=NominalAlpha)

    def add(self, image: ImageAnswers) -> None:
        """Compare every two annotators of one image."""
        sheet = prepare(image, self.settings)
        self._images += 1
        self._answers.update(sheet.annotators)
        self._place(sheet)
        groups = group_boxes(sheet, range(len(sheet.owners)), self.settings)
        for group in groups:
            self._name(sheet, group)
        if not groups:
            self._count([None] * len(sheet.annotators))

    def _place(self, sheet: Sheet) -> None:
        boxes = [_own(sheet, index) for index in range(len(sheet.annotators))]
        image = Mean()
        for a, b in combinations(range(len(boxes)), 2):
            value = pair_agreement(boxes[a], boxes[b])
            image.add(value)
            for index in (a, b):
                self._workers.setdefault(sheet.annotators[index], Mean()).add(value)
        if image.value is not None:
            self._pool.add(image.value)

    def _name(self, sheet: Sheet, group: Sequence[int]) -> None:
        said = {sheet.owners[box]: sheet.labels[box] for box in group}
        self._count([said.get(index) for index in range(len(sheet.annotators))])
        for a, b in permutations(sorted(said), 2):
            equal = said[a] == said[b]
            self._worker_labels.setdefault(sheet.annotators[a], Share()).add(yes=equal)
            self._class_labels.setdefault(said[a], Share()).add(yes=equal)

    def _count(self, values: Sequence[str | None]) -> None:
        self._labels.add([value for value in values if value is not None])
        self._existence.add([None if value is None else "drawn" for value in values])
        self._both.add(values)

    def report(self) -> Agreement:
        """Return the figures of the pool, of each annotator and of each class."""
        return Agreement(
            counts={"images": self._images, "answers": sum(self._answers.values())},
            pool={"mean_iou": self._pool.value},
            alpha={"labels": self._labels.value, "existence": self._existence.value, "both": self._both.value},
            workers={name: self._worker(name) for name in sorted(self._answers)},
            classes={
                label: {"label_agreement": share.value, "pairs": share.of}
                for label, share in sorted(self._class_labels.items())
            },
        )

    def _worker(self, name: str) -> dict[str, float | None]:
        return {
            "n": self._answers[name],
            "mean_iou": self._workers.get(name, Mean()).value,
            "label_agreement": self._worker_labels.get(name, Share()).value,
        }
