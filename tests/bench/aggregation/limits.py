"""Where the limits of `reliability` are: its figures if one of its decisions were perfect, on halves, against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from statistics import fmean
from typing import Any

import numpy as np
from scipy.optimize import minimize

from aggregation import Consensus
from aggregation.boxes.reliability.cells import LIES, cells_of
from aggregation.boxes.reliability.fit import fit_table, in_order
from aggregation.boxes.reliability.judging import DISCOUNT, Judgement, judge
from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.boxes.reliability.tabulate import tabulate
from aggregation.core.answers import ConsensusBox
from aggregation.core.arrays import Floats, Indices, Mask
from tests.aggregation import judging
from tests.aggregation.judging import HIT, SMALL, Sample, Verdict
from tests.bench.aggregation import figures

FOUND = 0.25  # IoU from which a box is meant to be somewhere on its object
HALVES = (0, 1)
SURE = 1e-9


@dataclass(frozen=True)
class Draw:
    """One draw of answers: what the model says of G groups, and which object each of them meets."""

    sample: Sample
    table: Table
    said: Judgement
    sizes: tuple[float, ...]  # that part small, middle and large
    home: Indices  # (G,) place of the object in the truth of its image, or NOBODY
    overlap: Floats  # (G,) IoU with it

    @property
    def met(self) -> Mask:
        return np.asarray(self.overlap >= HIT)

    @property
    def asked(self) -> Mask:
        """Tell which groups say anything about finding: with truth, and not too small to have been asked for, (G,)."""
        known = np.array([self.table.images[row] in self.sample.truth for row in self.table.image.tolist()])
        corners = self.said.groups.placed.corners
        small = (corners[:, 2] - corners[:, 0] <= SMALL) & self.sample.ignores_small
        return np.asarray(known & ~(small & ~self.met))

    def object_of(self, group: int) -> judging.Object:
        return self.sample.truth[self.table.images[self.table.image[group]]][self.home[group]]


@dataclass(frozen=True)
class Decided:
    """What becomes of the groups: kept or not, where, with which label."""

    kept: Mask
    corners: Floats
    label: list[str]
    confidence: list[float]


def draws(sample: Sample, count: int, seeds: Sequence[int]) -> list[Draw]:
    """Learn each random draw of `count` answers of every image and hold its groups against the truth."""
    return [_draw(sample, count, seed) for seed in seeds]


def _draw(sample: Sample, count: int, seed: int) -> Draw:
    settings = figures.everything_published(sample)
    table = tabulate(in_order(judging.drawn(sample, count, seed)), settings).table
    state = fit_table(table, settings)
    said = judge(table, state, settings)
    home, overlap = _objects(table, said.groups.placed.corners, sample)
    return Draw(sample, table, said, state.edges, home, overlap)


def _objects(table: Table, corners: Floats, sample: Sample) -> tuple[Indices, Floats]:
    home, overlap = np.full(len(corners), NOBODY), np.zeros(len(corners))
    for row, name in enumerate(table.images):
        groups = np.flatnonzero(table.image == row)
        objects = [place for place, _ in sample.truth.get(name, ())]
        for mine, theirs, value in judging.matched([tuple(c) for c in corners[groups].tolist()], objects):
            home[groups[mine]], overlap[groups[mine]] = theirs, value
    return home, overlap


def as_it_is(draw: Draw) -> Decided:
    groups, names = draw.said.groups, draw.table.labels
    labels = [names[at] for at in groups.label.tolist()]
    return Decided(groups.kept, groups.placed.corners, labels, draw.said.confidence.tolist())


def objects_known(draw: Draw) -> Decided:
    return replace(as_it_is(draw), kept=draw.met)


def places_known(draw: Draw) -> Decided:
    corners = draw.said.groups.placed.corners.copy()
    for group in np.flatnonzero(draw.overlap >= FOUND).tolist():
        corners[group] = draw.object_of(group)[0]
    return replace(as_it_is(draw), corners=corners)


def labels_known(draw: Draw) -> Decided:
    decided = as_it_is(draw)
    true = [draw.object_of(at)[1] if met else decided.label[at] for at, met in enumerate(draw.met.tolist())]
    return replace(decided, label=true)


ORACLES: dict[str, Callable[[Draw], Decided]] = {
    "nothing, as it is": as_it_is,
    "which candidates are objects": objects_known,
    "where they are": places_known,
    "labels": labels_known,
}


def verdicts(draw: Draw, decided: Decided) -> dict[str, Verdict]:
    """Judge every image with truth, as sure as the model was of it."""
    found = {}
    for row, name in enumerate(draw.table.images):
        if name in draw.sample.truth:
            groups = np.flatnonzero((draw.table.image == row) & decided.kept).tolist()
            boxes = tuple(_box(decided, group) for group in groups)
            sure = float(draw.said.image[row])
            result = Consensus(name, "soft", boxes, (), (), (), "none", sure, None, (), "reliability")
            found[name] = judging.judge(result, draw.sample)
    return found


def _box(decided: Decided, group: int) -> ConsensusBox:
    x1, y1, x2, y2 = decided.corners[group].tolist()
    box = decided.label[group], decided.confidence[group]
    return ConsensusBox(x1, y1, x2 - x1, y2 - y1, *box, None, ())


def figures_of(found: Sequence[Verdict]) -> dict[str, float]:
    return {**figures.quality(found), "exact90": judging.exact_on_most_confident(found)}


def oracles(drawn: Sequence[Draw]) -> list[dict[str, Any]]:
    """Return a row for each decision that might be perfect: means over the draws, and the range of `exact90`."""
    rows = []
    named = any(len(draw.table.labels) > 1 for draw in drawn)
    for name, oracle in ORACLES.items():
        if oracle is labels_known and not named:
            continue
        runs = [figures_of(list(verdicts(draw, oracle(draw)).values())) for draw in drawn]
        surest = [run["exact90"] for run in runs]
        rows.append({"perfect": name, **figures.mean_of(runs), "exact90_range": [min(surest), max(surest)]})
    return rows


def half_of(image: str) -> int:
    """Return 0 or 1 by a hash of the image's name, other than the one that parts the sample data."""
    return sha256(f"half {image}".encode()).digest()[0] % 2


def halves(drawn: Sequence[Draw]) -> list[dict[str, Any]]:
    """Return the figures as they are on either half of the images."""
    runs = [verdicts(draw, as_it_is(draw)) for draw in drawn]
    return [
        {
            "half": half,
            **figures.mean_of(
                [figures_of([one for image, one in run.items() if half_of(image) == half]) for run in runs]
            ),
        }
        for half in HALVES
    ]


def support(drawn: Sequence[Draw]) -> list[dict[str, Any]]:
    """Return, for every number of people who drew a candidate, how often it was an object; also inside another box."""
    marks = np.concatenate([draw.table.drawn.sum(axis=1)[draw.asked] for draw in drawn])
    real = np.concatenate([draw.met[draw.asked] for draw in drawn])
    inside = np.concatenate([(cells_of(draw.table, draw.sizes).cell % LIES == LIES - 1)[draw.asked] for draw in drawn])
    return [
        {
            "drawn_by": count,
            "candidates": int((marks == count).sum() / len(drawn)),
            "objects": _share(real[marks == count]),
            "objects_inside": _share(real[(marks == count) & inside]),
        }
        for count in range(1, int(marks.max(initial=0)) + 1)
    ]


def _share(outcomes: Mask) -> float | None:
    return round(fmean(outcomes.tolist()), 3) if len(outcomes) else None


def slopes(drawn: Sequence[Draw]) -> list[float]:
    """Return the slope of truth over the log-odds of existence as the answers alone have them, on either half."""
    found = []
    for half in HALVES:
        said, real = [], []
        for draw in drawn:
            halved = np.array([half_of(name) == half for name in draw.table.images])[draw.table.image]
            said.append(_log_odds(draw.said.groups.exists[draw.asked & halved]) / DISCOUNT)
            real.append(draw.met[draw.asked & halved])
        found.append(round(_slope(np.concatenate(said), np.concatenate(real)), 2))
    return found


def _log_odds(chances: Floats) -> Floats:
    inside = np.clip(chances, SURE, 1 - SURE)
    return np.asarray(np.log(inside / (1 - inside)))


def _slope(said: Floats, real: Mask) -> float:
    """Return the slope of a logistic regression with a level."""
    sign = np.where(real, 1.0, -1.0)
    fitted = minimize(lambda at: np.logaddexp(0.0, -sign * (at[0] + at[1] * said)).sum(), (0.0, 1.0))
    return float(fitted.x[1])
