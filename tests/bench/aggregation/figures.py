"""Every method on the same random draws of the same answers, against the truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any

from aggregation import BOX_METHODS, BoxSettings, Consensus, ImageAnswers, aggregate_many
from tests.aggregation import judging
from tests.aggregation.judging import HIT, PLACED, TIGHT, Sample, Verdict

Run = Callable[[Sequence[ImageAnswers]], list[Consensus]]

ONE_ANSWER = "one answer as it is"
MEAN_PAIR = "hard-soft-drop, mean pair"
REFUSING = "reliability, may refuse"


def everything_published(sample: Sample, **changes: Any) -> BoxSettings:
    """Return settings by which nothing is refused for doubt, and which tell what is too small to matter."""
    ignored = judging.SMALL if sample.ignores_small else 0
    return BoxSettings(label_count=label_count(sample), accept=0.0, ignore_px=ignored, **changes)


def runs(sample: Sample) -> dict[str, Run]:
    """Return what is compared: every method, the rule with its milder question, the model when it may refuse."""
    plain = everything_published(sample)
    known = {name: _run(plain, name) for name in BOX_METHODS}
    known[MEAN_PAIR] = _run(replace(plain, iou_rule="mean_pair"), "hard-soft-drop")
    known[REFUSING] = _run(replace(plain, accept=BoxSettings().accept), "reliability")
    return known


def _run(settings: BoxSettings, method: str) -> Run:
    return lambda images: aggregate_many(images, settings, method=method)


def table(sample: Sample, counts: Sequence[int], seeds: Sequence[int]) -> list[dict[str, object]]:
    """Return one row a method and number of answers: means over the draws."""
    plans = [(1, ONE_ANSWER, _run(everything_published(sample, min_answers=1), "median"))]
    plans += [(count, name, run) for count in counts for name, run in runs(sample).items()]
    return [_row(sample, count, name, run, seeds) for count, name, run in plans]


def label_count(sample: Sample) -> int:
    return max(2, len({label for objects in sample.truth.values() for _, label in objects}))


def _row(sample: Sample, count: int, name: str, run: Run, seeds: Sequence[int]) -> dict[str, object]:
    draws, speeds = [], []
    for seed in seeds:
        images = judging.drawn(sample, count, seed)
        start = time.process_time()
        results = run(images)
        speeds.append(len(images) / (time.process_time() - start))
        draws.append(measured([result for result in results if result.image in sample.truth], sample))
    return {"k": count, "method": name, **mean_of(draws), "images_per_second": round(fmean(speeds))}


def measured(results: Sequence[Consensus], sample: Sample) -> dict[str, object]:
    """Return all figures of one run."""
    verdicts = [judging.judge(result, sample) for result in results]
    resolved = [verdict for verdict in verdicts if not verdict.dropped]
    shares = {status: fmean(result.status == status for result in results) for status in ("hard", "soft", "drop")}
    promised = judging.promises(verdicts)
    return {
        **shares,
        **quality(verdicts),
        "exact90": judging.exact_on_most_confident(verdicts),
        "resolved": quality(resolved),
        **{name: promise and asdict(promise) for name, promise in promised.items()},
    }


def quality(verdicts: Sequence[Verdict]) -> dict[str, float]:
    return {
        "f1_50": judging.f1(verdicts, HIT),
        "f1_75": judging.f1(verdicts, PLACED),
        "f1_90": judging.f1(verdicts, TIGHT),
        "miou": judging.mean_overlap(verdicts),
        "label": judging.label_accuracy(verdicts),
        "exact_50": judging.exact(verdicts, HIT),
        "exact_75": judging.exact(verdicts, PLACED),
    }


def mean_of(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return the mean of every number in rows that look alike; null where no row has a number."""
    return {key: _mean([row[key] for row in rows]) for key in rows[0]}


def _mean(values: Sequence[object]) -> object:
    tables = [value for value in values if isinstance(value, Mapping)]
    if tables:
        return mean_of(tables)
    numbers = [float(value) for value in values if isinstance(value, int | float) and not math.isnan(value)]
    return round(fmean(numbers), 5) if numbers else None
