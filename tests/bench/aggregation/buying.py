"""Buying one answer more only where it is worth it: the curve of answers an image against quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest import mock

from aggregation import AdaptSettings
from aggregation.adapt import simulate
from tests.aggregation import judging
from tests.aggregation.judging import Sample
from tests.bench.aggregation import figures

DEFAULTS = AdaptSettings()
REPLAY = import_module("aggregation.adapt.simulate")


@dataclass(frozen=True)
class Plan:
    """One way of buying: the method, the rule in words, its settings, a budget in answers an image."""

    method: str
    words: str
    settings: AdaptSettings = DEFAULTS
    budget: float | None = None
    spent_a_round: float = REPLAY.SPENT_A_ROUND  # of what is left of the budget


def plans() -> list[Plan]:
    by_confidence = [
        Plan(method, "image confidence < 0.85", AdaptSettings(rule="threshold", theta=0.85))
        for method in ("median", "reliability")
    ]
    by_budget = [Plan("reliability", f"budget {budget}", budget=budget) for budget in (2.5, 2.75, 3.0, 3.5)]
    by_rounds = [
        Plan("reliability", "budget 2.75, all in one round", budget=2.75, spent_a_round=1.0),
        Plan("reliability", "budget 2.75, a quarter of the rest a round", budget=2.75, spent_a_round=0.25),
    ]
    by_gain = [Plan("reliability", f"gain > price, value {value}", AdaptSettings(value=value)) for value in (0.1, 0.2)]
    return [*by_confidence, *by_budget, *by_rounds, *by_gain]


def curve(sample: Sample, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return a row for each plan: answers an image and quality; means over random orders of the same answers."""
    return [{"method": plan.method, "rule": plan.words, **_mean(plan, sample, seeds)} for plan in plans()]


def _mean(plan: Plan, sample: Sample, seeds: Sequence[int]) -> dict[str, object]:
    settings = figures.everything_published(sample)
    runs = []
    for seed in seeds:
        with mock.patch.object(REPLAY, "SPENT_A_ROUND", plan.spent_a_round):
            replay = simulate(sample.images, plan.method, plan.settings, settings, seed=seed, budget=plan.budget)
        verdicts = [judging.judge(result, sample) for result in replay.results if result.image in sample.truth]
        runs.append({"answers": replay.mean_answers, **figures.quality(verdicts)})
    return figures.mean_of(runs)


def cheapest(rows: Sequence[Mapping[str, Any]], as_good_as: Mapping[str, Any]) -> float | None:
    """Return the fewest answers an image among the rows that find and place as well as the given one."""
    enough = [row for row in rows if all(row[key] >= as_good_as[key] for key in ("exact_50", "f1_75"))]
    return min((row["answers"] for row in enough), default=None)
