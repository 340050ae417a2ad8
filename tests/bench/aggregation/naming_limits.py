"""How near the naming of `reliability` comes to what anybody could name from the same answers.

The ceiling knows what no method is told: each worker's true share of wrong labels, how many objects pull people to one
wrong label, how strongly, and where mistakes on each label go. It is read from the truth about the synthetic crowd.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest import mock

import numpy as np

from aggregation.boxes.reliability import lures
from aggregation.boxes.reliability.table import NOBODY
from tests.aggregation import judging
from tests.aggregation.judging import Sample
from tests.bench.aggregation import figures, limits
from tests.bench.aggregation.limits import Draw

TRAPS, PULL = 0.05, 0.4  # of the generator: objects that pull, and the chance with which they do
HONEST = 0.5  # who errs more often says nothing of where objects pull

Votes = Sequence[tuple[str, str]]  # worker and label


@dataclass(frozen=True)
class Truth:
    """What is true of a crowd: mistakes by worker, the frequency of labels, where mistakes on a label go."""

    wrong: Mapping[str, float]
    frequency: Mapping[str, float]
    mistakes: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, cases: Sequence[tuple[Votes, str]], wrong: Mapping[str, float]) -> Truth:
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        frequency = Counter(true for _, true in cases)
        for votes, true in cases:
            seen[true].update(said for who, said in votes if said != true and wrong[who] < HONEST)
        shares = {
            true: {said: (seen[true][said] + 1) / (seen[true].total() + len(frequency) - 1) for said in frequency}
            for true in frequency
        }
        return cls(wrong, {label: count / len(cases) for label, count in frequency.items()}, shares)

    def most_probable(self, votes: Votes) -> tuple[str, float]:
        """Return the label that is most probably true, and its chance."""
        chances = {label: share * self._likelihood(votes, label) for label, share in self.frequency.items()}
        best = max(sorted(chances), key=chances.__getitem__)
        return best, chances[best] / sum(chances.values())

    def _likelihood(self, votes: Votes, true: str) -> float:
        goes = self.mistakes[true]
        lure = max(sorted(label for label in goes if label != true), key=goes.__getitem__)
        own = [1 - self.wrong[who] if said == true else self.wrong[who] * goes[said] for who, said in votes]
        pulled = [PULL * (said == lure) + (1 - PULL) * chance for (_, said), chance in zip(votes, own, strict=True)]
        return (1 - TRAPS) * prod(own) + TRAPS * prod(pulled)


def ceiling(drawn: Sequence[Draw], workers: Path) -> dict[str, float]:
    """Return the share of the found objects whose label this truth names, and the share it expects to."""
    rows = map(json.loads, workers.read_text(encoding="utf-8").splitlines())
    wrong = {row["annotator"]: float(row["label_error"]) for row in rows}
    cases = [case for draw in drawn for case in _cases(draw)]
    truth = Truth.of(cases, wrong)
    named = [(truth.most_probable(votes), true) for votes, true in cases]
    return {
        "named": round(fmean(best == true for (best, _), true in named), 4),
        "expected": round(fmean(chance for (_, chance), _ in named), 4),
    }


def _cases(draw: Draw) -> list[tuple[Votes, str]]:
    table = draw.table
    return [
        (
            [
                (table.workers[who], table.labels[said])
                for who, said in zip(table.by[group].tolist(), table.label[group].tolist(), strict=True)
                if said != NOBODY
            ],
            draw.object_of(group)[1],
        )
        for group in np.flatnonzero(draw.met & draw.said.groups.kept).tolist()
    ]


def measured(
    sample: Sample, drawn: Mapping[int, Sequence[Draw]], seeds: Sequence[int], workers: Path
) -> dict[str, dict[str, Any]]:
    """Return labels and promises as they are, when nothing is thought of objects that pull people, and the ceiling."""
    found: dict[str, dict[str, Any]] = {}
    for count, some in drawn.items():
        found[f"as it is, {count} answers"] = _promises(some)
        with mock.patch.object(lures, "TRAPS", 0.0):
            found[f"without traps, {count} answers"] = _promises(limits.draws(sample, count, seeds))
        found[f"ceiling, {count} answers"] = ceiling(some, workers)
    return found


def _promises(drawn: Sequence[Draw]) -> dict[str, Any]:
    runs = [list(limits.verdicts(draw, limits.as_it_is(draw)).values()) for draw in drawn]
    return figures.mean_of([_kept(run) for run in runs])


def _kept(run: Sequence[judging.Verdict]) -> dict[str, float | None]:
    kept = judging.promises(run)
    box, image = kept["confidence"], kept["image"]
    return {
        "label": judging.label_accuracy(run),
        "label_surest_80": _surest(run, 0.8),
        "box_brier": box.brier if box else None,
        "box_ece": box.ece if box else None,
        "image_ece": image.ece if image else None,
    }


def _surest(run: Sequence[judging.Verdict], share: float) -> float:
    """Return the share of right labels among the boxes on an object that the model is surest of."""
    hits = [(sure, same) for one in run for sure, _, overlap, same in one.boxes if overlap >= judging.HIT]
    hits.sort(key=lambda hit: hit[0], reverse=True)
    return fmean(same for _, same in hits[: round(share * len(hits))])
