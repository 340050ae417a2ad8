"""How far annotators agree about boxes: placement, labels and whether anything is there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from aggregation.agreement.alpha import NominalAlpha
from aggregation.agreement.bootstrap import interval_of_mean
from aggregation.agreement.classes import ClassTally
from aggregation.agreement.placement import PlacementAlpha
from aggregation.agreement.report import Agreement, Share
from aggregation.boxes import aggregate_boxes
from aggregation.boxes.groups import group_boxes
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, prepare
from aggregation.core.answers import ImageAnswers
from aggregation.core.geometry import Corners, best_matching, iou_matrix
from aggregation.core.sums import Mean

DEFAULTS = BoxSettings()
DRAWS = 400


def pair_agreement(first: Sequence[Corners], second: Sequence[Corners]) -> float:
    """Return the IoU of two annotators on one image: summed over the best matching, by the larger count.

    Both empty: 1; one empty: 0.
    """
    if not first or not second:
        return 1.0 if not first and not second else 0.0
    return _matched(iou_matrix(first, second).tolist())


def _matched(scores: list[list[float]]) -> float:
    """Return the largest sum of one-to-one scores by the larger side; most rows have one candidate of their own."""
    candidates = [[(column, score) for column, score in enumerate(row) if score > 0] for row in scores]
    single = [own[0] for own in candidates if own]
    plain = all(len(own) < 2 for own in candidates) and len({column for column, _ in single}) == len(single)
    sums = [score for _, score in single] if plain else [scores[i][j] for i, j in best_matching(scores)]
    return sum(sorted(sums)) / max(len(scores), len(scores[0]))


def agreement_with_others(image: ImageAnswers, settings: BoxSettings = DEFAULTS) -> dict[str, float]:
    """Return each annotator's IoU to the median consensus of the others, a missing box counting 0."""
    sheet = prepare(image, settings)
    own = _by_owner(sheet)
    return {
        name: pair_agreement([sheet.corners[box] for box in own[i]], _others(image, name, settings))
        for i, name in enumerate(sheet.annotators)
    }


def _others(image: ImageAnswers, name: str, settings: BoxSettings) -> list[Corners]:
    rest = tuple(answer for answer in image.annotations if answer.annotator != name)
    without = ImageAnswers(image.image, rest, image.width, image.height)
    agreed = aggregate_boxes(without, replace(settings, min_answers=1), "median")
    return [box.corners for box in agreed.boxes]


def _by_owner(sheet: Sheet) -> list[list[int]]:
    own: list[list[int]] = [[] for _ in sheet.annotators]
    for box, owner in enumerate(sheet.owners):
        own[owner].append(box)
    return own


@dataclass(slots=True)
class _Worker:
    answers: int = 0
    overlap: Mean = field(default_factory=Mean)
    existence: Share = field(default_factory=Share)
    labels: Share = field(default_factory=Share)
    placement: Mean = field(default_factory=Mean)

    def figures(self) -> dict[str, float | None]:
        return {
            "n": self.answers,
            "mean_iou": self.overlap.value,
            "existence_agreement": self.existence.value,
            "label_agreement": self.labels.value,
            "placement_iou": self.placement.value,
        }


@dataclass(slots=True)
class BoxAgreement:
    """Collects images one by one; the order of the images cannot show in the result."""

    settings: BoxSettings = DEFAULTS
    seed: int = 0
    _images: int = 0
    _pool: Mean = field(default_factory=Mean)
    _means: list[float] = field(default_factory=list)
    _workers: dict[str, _Worker] = field(default_factory=dict)
    _classes: ClassTally = field(default_factory=ClassTally)
    _places: dict[str, Mean] = field(default_factory=dict)
    _labels: NominalAlpha = field(default_factory=NominalAlpha)
    _existence: NominalAlpha = field(default_factory=NominalAlpha)
    _both: NominalAlpha = field(default_factory=NominalAlpha)
    _placement: PlacementAlpha = field(init=False)

    def __post_init__(self) -> None:
        self._placement = PlacementAlpha(self.seed)

    def add(self, image: ImageAnswers) -> None:
        """Compare every two annotators of one image."""
        sheet = prepare(image, self.settings)
        workers = [self._workers.setdefault(name, _Worker()) for name in sheet.annotators]
        self._images += 1
        for worker in workers:
            worker.answers += 1
        self._overlap(sheet, workers)
        groups = group_boxes(sheet, range(len(sheet.owners)), self.settings)
        for group in groups:
            self._object(sheet, group, workers)
        self._values(sheet, groups)

    def _overlap(self, sheet: Sheet, workers: Sequence[_Worker]) -> None:
        own = _by_owner(sheet)
        image = Mean()
        for a, b in combinations(range(len(own)), 2):
            value = _pair(sheet, own[a], own[b])
            image.add(value)
            workers[a].overlap.add(value)
            workers[b].overlap.add(value)
        if image.value is not None:
            self._pool.add(image.value)
            self._means.append(image.value)

    def _object(self, sheet: Sheet, group: Sequence[int], workers: Sequence[_Worker]) -> None:
        answers, drawn = len(workers), len(group)
        owners = {sheet.owners[box] for box in group}
        for index, worker in enumerate(workers):
            worker.existence.add((drawn if index in owners else answers - drawn) - 1, answers - 1)
        counts = Counter(sheet.labels[box] for box in group)
        self._classes.add(counts)
        for box in group:
            workers[sheet.owners[box]].labels.add(counts[sheet.labels[box]] - 1, drawn - 1)
            self._place(sheet, group, box, workers[sheet.owners[box]])
        people = [(sheet.annotators[sheet.owners[box]], sheet.corners[box]) for box in group]
        self._placement.add(sheet.image, people, [sheet.iou[a][b] for a, b in combinations(group, 2)])

    def _place(self, sheet: Sheet, group: Sequence[int], box: int, worker: _Worker) -> None:
        if len(group) > 1:
            row = sheet.iou[box]
            mean = sum(sorted(row[other] for other in group if other != box)) / (len(group) - 1)
            worker.placement.add(mean)
            self._places.setdefault(sheet.labels[box], Mean()).add(mean)

    def _values(self, sheet: Sheet, groups: Sequence[Sequence[int]]) -> None:
        everybody = range(len(sheet.annotators))
        said = [{sheet.owners[box]: sheet.labels[box] for box in group} for group in groups] or [{}]
        self._labels.add(*(list(unit.values()) for unit in said))
        self._existence.add(*([("drawn" if i in unit else None) for i in everybody] for unit in said))
        self._both.add(*([unit.get(i) for i in everybody] for unit in said))

    def report(self, *, draws: int = DRAWS) -> Agreement:
        """Return the figures of the pool, of each annotator and of each class.

        `draws` pools are drawn again, from the seed, for the intervals.
        """
        alphas = {"labels": self._labels, "existence": self._existence, "both": self._both}
        return Agreement(
            counts={"images": self._images, "answers": sum(worker.answers for worker in self._workers.values())},
            pool={"mean_iou": self._pool.value},
            pool_interval={"mean_iou": interval_of_mean(self._means, draws, self.seed)},
            alpha={**{name: alpha.value for name, alpha in alphas.items()}, "placement": self._placement.value},
            alpha_interval={name: alpha.interval(draws, self.seed) for name, alpha in alphas.items()},
            per_worker={name: self._workers[name].figures() for name in sorted(self._workers)},
            per_class=self._by_class(),
        )

    def _by_class(self) -> dict[str, dict[str, float | None]]:
        return {
            label: {**figures, "placement_iou": self._places[label].value}
            for label, figures in self._classes.figures().items()
        }


def _pair(sheet: Sheet, first: Sequence[int], second: Sequence[int]) -> float:
    if not first or not second:
        return 1.0 if not first and not second else 0.0
    return _matched([[sheet.iou[a][b] for b in second] for a in first])
