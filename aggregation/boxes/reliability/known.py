"""Truth from control tasks and reviews, laid beside the groups of its image."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.boxes.reliability.tabulate import medians
from aggregation.core.answers import Box
from aggregation.core.arrays import Floats, Indices
from aggregation.core.geometry import TOLERANCE, Corners, best_matching, iou_matrix

HIT = 0.5  # IoU from which a group is taken to be the known object


def with_truth(table: Table, known: Mapping[str, Sequence[Box]]) -> Table:
    """Return the table with what is known of its images: which groups are objects, and objects nobody drew."""
    rows = [row for row, name in enumerate(table.images) if name in known]
    if not rows:
        return table
    table = _with_labels(table, sorted({box.label for row in rows for box in known[table.images[row]]}))
    middles = medians(table.corners, table.drawn)
    truth, real, label = table.truth.copy(), table.real.copy(), table.true_label.copy()
    missed: list[tuple[int, Floats, int]] = []
    for row in rows:
        boxes = sorted(known[table.images[row]], key=lambda box: (box.x, box.y, box.w, box.h, box.label))
        groups = np.flatnonzero(table.image == row)
        corners = np.array([corners_of(box) for box in boxes]).reshape(-1, 4)
        names = [table.labels.index(box.label) for box in boxes]
        real[groups] = 0.0
        home = dict(_pairs(corners, middles[groups]))
        for index, place in enumerate(corners):
            if index in home:
                at = groups[home[index]]
                truth[at], real[at], label[at] = place, 1.0, names[index]
            else:
                missed.append((row, place, names[index]))
    return _with_missed(replace(table, truth=truth, real=real, true_label=label), missed)


def corners_of(box: Box) -> Corners:
    """Return the corners of a box, however it was drawn."""
    (x1, x2), (y1, y2) = sorted((box.x, box.x + box.w)), sorted((box.y, box.y + box.h))
    return x1, y1, x2, y2


def _pairs(truth: Floats, middles: Floats) -> list[tuple[int, int]]:
    if len(truth) == 0 or len(middles) == 0:
        return []
    scores = iou_matrix(truth, middles)
    scores[scores < HIT - TOLERANCE] = 0.0
    return best_matching(scores)


def _with_labels(table: Table, names: Sequence[str]) -> Table:
    labels = tuple(sorted({*table.labels, *names}))
    at = np.array([labels.index(name) for name in table.labels] + [NOBODY], np.intp)
    return replace(table, labels=labels, label=at[table.label], true_label=at[table.true_label])


def _with_missed(table: Table, missed: Sequence[tuple[int, Floats, int]]) -> Table:
    """Add known objects that nobody drew as groups without boxes, behind the groups of their image."""
    if not missed:
        return table
    count, width = len(missed), table.worker.shape[1]
    image: Indices = np.concatenate([table.image, np.array([row for row, _, _ in missed], np.intp)])
    order = np.argsort(image, kind="stable")
    return replace(
        table,
        image=image[order],
        corners=np.concatenate([table.corners, np.zeros((count, width, 4))])[order],
        label=np.concatenate([table.label, np.full((count, width), NOBODY)])[order],
        truth=np.concatenate([table.truth, np.array([place for _, place, _ in missed])])[order],
        real=np.concatenate([table.real, np.ones(count)])[order],
        true_label=np.concatenate([table.true_label, np.array([name for _, _, name in missed], np.intp)])[order],
    )
