"""Results against truth: one-to-one matching, the rule for small boxes, exact images, calibration.

Figures are in the words of docs/aggregation.md. A drop counts as "no boxes, not exact".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from aggregation import Consensus, ImageAnswers, parse_image
from aggregation.adapt import in_random_order
from aggregation.core.geometry import Corners, best_matching, iou_matrix
from tests.aggregation.drawing import SAMPLES

SMALL = 30  # pixels wide: the crowd was never asked for people that far away
HIT, PLACED, TIGHT = 0.5, 0.75, 0.9
BINS = 10

Object = tuple[Corners, str]


@dataclass(frozen=True)
class Sample:
    """A set of answers with truth; `ignores_small` says that the truth holds objects nobody was asked for."""

    name: str
    images: tuple[ImageAnswers, ...]
    truth: Mapping[str, tuple[Object, ...]]
    ignores_small: bool

    @property
    def judged(self) -> list[ImageAnswers]:
        return [image for image in self.images if image.image in self.truth]


def pedestrians(folder: Path = SAMPLES, half: str = "dev") -> Sample:
    """Return the real crowd; needs the sample data."""
    return _sample(folder, f"pedestrians-{half}", ignores_small=True)


def gestures(folder: Path = SAMPLES, half: str = "dev") -> Sample:
    """Return the synthetic crowd with several labels; needs the sample data."""
    return _sample(folder, f"gestures-synthetic-{half}", ignores_small=False)


@cache
def _sample(folder: Path, stem: str, *, ignores_small: bool) -> Sample:
    answers, gold = ((folder / f"{stem}.{kind}.jsonl").read_text().splitlines() for kind in ("answers", "gold"))
    rows = map(json.loads, gold)
    truth = {row["image"]: tuple(_object(box) for box in row["boxes"]) for row in rows}
    return Sample(stem, tuple(parse_image(json.loads(line)) for line in answers), truth, ignores_small)


def _object(box: Mapping[str, float | str]) -> Object:
    x, y, w, h = (float(box[key]) for key in "xywh")
    return (x, y, x + w, y + h), str(box["label"])


def first(image: ImageAnswers, count: int) -> ImageAnswers:
    return replace(image, annotations=image.annotations[:count])


def drawn(sample: Sample, count: int, seed: int) -> list[ImageAnswers]:
    """So many answers of every image at random, of those without truth too: they tell about people."""
    return [first(image, count) for image in in_random_order(sample.images, seed)]


@dataclass(frozen=True)
class Verdict:
    """One image of a result against its truth."""

    overlaps: tuple[float, ...]  # IoU of every matched pair
    same_label: tuple[bool, ...]  # of the same pairs
    boxes: tuple[tuple[float, float | None, float, bool], ...]  # confidence, confidence_75, IoU, label right
    truth: int
    dropped: bool
    confidence: float

    def exact(self, least: float) -> bool:
        """Tell whether every box is hit with its label, none is missing and none too many."""
        found = sum(value >= least and same for value, same in zip(self.overlaps, self.same_label, strict=True))
        return not self.dropped and found == len(self.boxes) == self.truth


def judge(result: Consensus, sample: Sample) -> Verdict:
    """Match the result with the truth, by the rule for small boxes where the sample has it."""
    boxes, gold = list(result.boxes), list(sample.truth[result.image])
    if sample.ignores_small:
        ours, theirs = _considered([box.corners for box in boxes], [corners for corners, _ in gold])
        boxes, gold = [boxes[i] for i in ours], [gold[j] for j in theirs]
    pairs = matched([box.corners for box in boxes], [corners for corners, _ in gold])
    met = {i: (value, boxes[i].label == gold[j][1]) for i, j, value in pairs}
    return Verdict(
        overlaps=tuple(value for value, _ in met.values()),
        same_label=tuple(same for _, same in met.values()),
        boxes=tuple((box.confidence, box.confidence_75, *met.get(i, (0.0, False))) for i, box in enumerate(boxes)),
        truth=len(gold),
        dropped=result.status == "drop",
        confidence=result.confidence,
    )


def matched(result: Sequence[Corners], gold: Sequence[Corners]) -> list[tuple[int, int, float]]:
    """Return the one-to-one pairs with the largest sum of IoU, each with its IoU."""
    if not result or not gold:
        return []
    scores = iou_matrix(result, gold)
    return [(i, j, float(scores[i, j])) for i, j in best_matching(scores)]


def _considered(result: Sequence[Corners], gold: Sequence[Corners]) -> tuple[list[int], list[int]]:
    """Return which boxes count: small ones that met nothing, and pairs of two small ones, do not."""
    hits = [(i, j) for i, j, value in matched(result, gold) if value >= HIT]
    met = {i for i, _ in hits}, {j for _, j in hits}
    both = [(i, j) for i, j in hits if _small(result[i]) and _small(gold[j])]
    ours = {i for i, box in enumerate(result) if _small(box) and i not in met[0]} | {i for i, _ in both}
    theirs = {j for j, box in enumerate(gold) if _small(box) and j not in met[1]} | {j for _, j in both}
    return [i for i in range(len(result)) if i not in ours], [j for j in range(len(gold)) if j not in theirs]


def _small(box: Corners) -> bool:
    return box[2] - box[0] <= SMALL


def f1(verdicts: Sequence[Verdict], least: float) -> float:
    """Return the harmonic mean of precision and recall at this IoU, labels not asked."""
    hits = sum(value >= least for verdict in verdicts for value in verdict.overlaps)
    return 2 * hits / max(sum(len(verdict.boxes) + verdict.truth for verdict in verdicts), 1)


def exact(verdicts: Sequence[Verdict], least: float) -> float:
    return float(np.mean([verdict.exact(least) for verdict in verdicts])) if verdicts else float("nan")


def exact_on_most_confident(verdicts: Sequence[Verdict], share: float = 0.9, least: float = HIT) -> float:
    """Return `exact` on the most confident images; those tied at the border count in equal parts."""
    room = total = share * len(verdicts)
    right = 0.0
    for confidence in sorted({verdict.confidence for verdict in verdicts}, reverse=True):
        tied = [verdict.exact(least) for verdict in verdicts if verdict.confidence == confidence]
        right += sum(tied) * min(1.0, room / len(tied))
        room -= min(room, len(tied))
        if not room:
            break
    return right / total if total else float("nan")


def mean_overlap(verdicts: Sequence[Verdict]) -> float:
    """Return the mean IoU of the pairs that hit."""
    return _mean([value for verdict in verdicts for value in verdict.overlaps if value >= HIT])


def label_accuracy(verdicts: Sequence[Verdict]) -> float:
    pairs = [pair for verdict in verdicts for pair in zip(verdict.overlaps, verdict.same_label, strict=True)]
    return _mean([same for value, same in pairs if value >= HIT])


@dataclass(frozen=True)
class Promise:
    """How well a probability keeps what it promises: kept when `ece` is small and `brier` below `constant`."""

    ece: float
    brier: float
    constant: float
    count: int


def promise(pairs: Sequence[tuple[float, bool]]) -> Promise | None:
    """Return expected calibration error (10 equal bins, weighted by count) and Brier score of (chance, came true)."""
    if not pairs:
        return None
    chances, outcomes = np.array([p for p, _ in pairs]), np.array([float(came) for _, came in pairs])
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=chances - outcomes, minlength=BINS)
    rate = outcomes.mean()
    return Promise(
        ece=float(np.abs(gaps).sum() / len(pairs)),
        brier=float(((chances - outcomes) ** 2).mean()),
        constant=float(rate * (1 - rate)),
        count=len(pairs),
    )


def promises(verdicts: Sequence[Verdict]) -> dict[str, Promise | None]:
    """Return the three promises: of a box at IoU .5 with its label, of a box at .75, of a resolved image."""
    boxes = [box for verdict in verdicts for box in verdict.boxes]
    resolved = [(verdict.confidence, verdict.exact(HIT)) for verdict in verdicts if not verdict.dropped]
    return {
        "confidence": promise([(chance, value >= HIT and same) for chance, _, value, same in boxes]),
        "confidence_75": promise([(placed, value >= PLACED) for _, placed, value, _ in boxes if placed is not None]),
        "image": promise(resolved),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
