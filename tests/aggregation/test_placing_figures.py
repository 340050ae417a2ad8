"""Figures of placing on the sample data: objects that a majority drew, each box against the truth it meets best."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from aggregation import BoxSettings
from aggregation.boxes.reliability.placing import Placed, fit_noise, place
from aggregation.boxes.reliability.table import Table
from aggregation.boxes.reliability.tabulate import tabulate
from aggregation.core.geometry import iou_matrix
from tests.aggregation.judging import HIT, PLACED, TIGHT, drawn, gestures, matched, pedestrians, promise
from tests.aggregation.test_figures import needs_samples

FIND = {"pedestrians": pedestrians, "gestures": gestures}


@cache
def placed(name: str, seed: int) -> tuple[Table, np.ndarray, Placed]:
    """Five answers of each image at random: the groups, which of them a majority drew, and their places."""
    answers = drawn(FIND[name](), 5, seed)
    table = tabulate(answers, BoxSettings(label_count=9)).table
    exists = table.drawn.sum(axis=1) > 2
    return table, exists, place(table, fit_noise(table, exists.astype(float)))


def overlaps(name: str, table: Table, chosen: np.ndarray, corners: np.ndarray) -> dict[int, float]:
    """Return the IoU of the chosen groups that meet a true box at all."""
    truth, found = FIND[name]().truth, {}
    for row in np.unique(table.image[chosen]).tolist():
        groups = np.flatnonzero(chosen & (table.image == row))
        gold = [box for box, _ in truth.get(table.images[row], ())]
        ours = [tuple(corner) for corner in corners[groups].tolist()]
        found |= {int(groups[i]): value for i, _, value in matched(ours, gold) if value >= HIT / 2}
    return found


def medians(table: Table) -> np.ndarray:
    return np.nanmedian(np.where(table.drawn[..., None], table.corners, np.nan), axis=1)


def reached(values: dict[int, float], least: float) -> float:
    return float(np.mean([value >= least for value in values.values()]))


@needs_samples
@pytest.mark.parametrize(
    ("name", "at_75", "gain_75", "gain_90"), [("pedestrians", 0.86, 0.05, 0.08), ("gestures", 0.98, 0, 0.08)]
)
def test_people_who_draw_well_place_more_boxes_right_than_the_median(name, at_75, gain_75, gain_90):
    ours, theirs = [], []
    for seed in range(2):
        table, exists, boxes = placed(name, seed)
        ours.append(overlaps(name, table, exists, boxes.corners))
        theirs.append(overlaps(name, table, exists, medians(table)))
    share = {
        least: [np.mean([reached(run, least) for run in runs]) for runs in (ours, theirs)] for least in (PLACED, TIGHT)
    }
    assert share[PLACED][0] >= max(at_75, share[PLACED][1] + gain_75)
    assert share[TIGHT][0] >= share[TIGHT][1] + gain_90


@needs_samples
@pytest.mark.parametrize("name", ["pedestrians", "gestures"])
def test_the_chance_of_iou_75_holds(name):
    pairs = []
    for seed in range(2):
        table, exists, boxes = placed(name, seed)
        pairs += [
            (float(boxes.p75[group]), value >= PLACED)
            for group, value in overlaps(name, table, exists, boxes.corners).items()
        ]
    kept = promise(pairs)
    assert kept.ece <= 0.04
    assert kept.brier < kept.constant


@needs_samples
def test_a_few_known_boxes_show_how_much_too_large_the_whole_crowd_draws():
    gains = [gain_by_known_boxes(seed) for seed in range(3)]
    assert np.mean(gains) >= 0.01


def gain_by_known_boxes(seed: int) -> float:
    """Return how many more of the other boxes are placed tightly once one image in ten is known."""
    table, exists, blind = placed("pedestrians", seed)
    truth, shown = pedestrians().truth, table.truth.copy()
    known = exists & (table.image % 10 == 0)
    for group in np.flatnonzero(known).tolist():
        gold = [box for box, _ in truth.get(table.images[table.image[group]], ())]
        scores = iou_matrix(blind.corners[group], gold) if gold else np.zeros((1, 1))
        if scores.max() >= HIT:
            shown[group] = gold[int(scores.argmax())]
    noise = fit_noise(replace(table, truth=shown), exists.astype(float))
    others = exists & ~known
    with_known = reached(overlaps("pedestrians", table, others, place(table, noise).corners), TIGHT)
    return with_known - reached(overlaps("pedestrians", table, others, blind.corners), TIGHT)
