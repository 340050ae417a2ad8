"""Buying one answer more only where it is worth it: the curve of answers an image against quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aggregation import BoxSettings, Consensus, ImageAnswers, aggregate_many
from tests.aggregation import judging
from tests.aggregation.judging import Sample
from tests.bench.aggregation import figures

START, MOST = 2, 7
THETAS = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)

Policy = Callable[[Sequence[ImageAnswers], Sequence[Consensus]], set[str]]


def below(theta: float) -> Policy:
    """Buy for every image whose confidence is below `theta`."""
    return lambda _images, results: {result.image for result in results if result.confidence < theta}


def replay(
    images: Sequence[ImageAnswers], policy: Policy, method: str, settings: BoxSettings
) -> tuple[list[Consensus], float]:
    """Return the results and the mean number of answers when `policy` buys in rounds, refitting after each."""
    given = {image.image: START for image in images}
    while True:
        seen = [judging.first(image, given[image.image]) for image in images]
        results = aggregate_many(seen, settings, method=method)
        wanted = policy(seen, results)
        more = [image.image for image in images if image.image in wanted and given[image.image] < MOST]
        if not more:
            return results, sum(given.values()) / len(given)
        for name in more:
            given[name] += 1


def curve(sample: Sample, methods: Sequence[str], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return a row for each method and threshold: answers an image, exact@.5, F1@.75; means over random orders."""
    return [
        _row(sample, method, f"confidence < {theta}", below(theta), seeds) for method in methods for theta in THETAS
    ]


def _row(sample: Sample, method: str, rule: str, policy: Policy, seeds: Sequence[int]) -> dict[str, Any]:
    settings = BoxSettings(min_answers=START, max_answers=MOST, label_count=figures.label_count(sample))
    runs = []
    for seed in seeds:
        images = judging.in_random_order(sample.images, seed)
        results, answers = replay(images, policy, method, settings)
        verdicts = [judging.judge(result, sample) for result in results if result.image in sample.truth]
        runs.append({"answers": answers, **figures.quality(verdicts)})
    return {"method": method, "rule": rule, **figures.mean_of(runs)}


def cheapest(rows: Sequence[Mapping[str, Any]], as_good_as: Mapping[str, Any]) -> float | None:
    """Return the fewest answers an image among the rows that find and place as well as the given one."""
    enough = [row for row in rows if all(row[key] >= as_good_as[key] for key in ("exact_50", "f1_75"))]
    return min((row["answers"] for row in enough), default=None)
