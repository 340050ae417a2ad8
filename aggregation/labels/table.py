"""Votes as arrays in a fixed order, for the methods that learn workers and labels together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregation.core.reading import Vote
from aggregation.labels.result import LabelVote, decided
from aggregation.labels.settings import LabelSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class VoteTable:
    """Indices of task, worker and label, one entry a vote; `classes` may exceed the labels that were seen."""

    tasks: tuple[str, ...]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    classes: int
    task: Indices
    worker: Indices
    label: Indices

    def shares(self) -> Floats:
        """Return the vote shares, shape (tasks, classes)."""
        counts = self.tally(self.task, self.label, len(self.tasks))
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def tally(self, rows: Indices, columns: Indices, height: int, weights: Floats | None = None) -> Floats:
        """Return the summed weights by row and class, shape (height, classes)."""
        flat = np.bincount(rows * self.classes + columns, weights, height * self.classes)
        return flat.reshape(height, self.classes).astype(np.float64)

    def votes_by_worker(self) -> Floats:
        return np.bincount(self.worker, minlength=len(self.workers)).astype(np.float64)


def tabulate(votes: Sequence[Vote], settings: LabelSettings) -> VoteTable:
    """Return the votes as arrays, sorted by task, worker and label."""
    ordered = sorted((item.task, item.worker, item.label) for item in votes)
    task_names, worker_names, label_names = (tuple(sorted(set(column))) for column in zip(*ordered, strict=True))
    tasks, workers, labels = (
        np.fromiter(map({name: i for i, name in enumerate(names)}.__getitem__, column), np.intp, len(ordered))
        for names, column in zip((task_names, worker_names, label_names), zip(*ordered, strict=True), strict=True)
    )
    classes = max(len(label_names), settings.label_count)
    return VoteTable(task_names, worker_names, label_names, classes, tasks, workers, labels)


def prior_of(chances: Floats) -> Floats:
    """Return the pool's share of each class, with one pseudo-task spread evenly, shape (classes,)."""
    tasks, classes = chances.shape
    return np.asarray((chances.sum(axis=0) + 1 / classes) / (tasks + 1))


def normalised(logarithms: Floats) -> Floats:
    """Return the chances whose logarithms, up to a constant a row, are given."""
    chances = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def labelled(table: VoteTable, chances: Floats, settings: LabelSettings) -> dict[str, LabelVote]:
    """Return the decision of every task from chances of shape (tasks, classes)."""
    counts = [Counter[str]() for _ in table.tasks]
    for task, label in zip(table.task.tolist(), table.label.tolist(), strict=True):
        counts[task][table.labels[label]] += 1
    rows = chances.tolist()
    return {name: decided(_named(table, rows[i]), counts[i], settings) for i, name in enumerate(table.tasks)}


def _named(table: VoteTable, row: Sequence[float]) -> dict[str | None, float]:
    """Name the chances; all classes that nobody ever named share the name None."""
    named: dict[str | None, float] = dict(zip(table.labels, row, strict=False))
    if len(row) > len(named):
        named[None] = max(row[len(table.labels) :])
    return named
