"""Votes as arrays in a fixed order, for the methods that learn workers and labels together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aggregation.core.arrays import Floats, Indices
from aggregation.core.reading import Vote
from aggregation.labels.result import LabelVote, decided, known_label
from aggregation.labels.settings import LabelSettings

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class VoteTable:
    """Indices of task, worker and label, one entry a vote; `classes` may exceed the labels that were seen.

    `truth` is the index of the known label of each task, or UNKNOWN.
    """

    tasks: tuple[str, ...]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    classes: int
    task: Indices
    worker: Indices
    label: Indices
    truth: Indices

    def shares(self) -> Floats:
        """Return the vote shares, known tasks as they are known, shape (tasks, classes)."""
        counts = self.tally(self.task, self.label, len(self.tasks))
        return self.corrected(np.asarray(counts / counts.sum(axis=1, keepdims=True)))

    def corrected(self, chances: Floats) -> Floats:
        """Return the chances with every known task put right, shape (tasks, classes)."""
        known = self.truth != UNKNOWN
        if not known.any():
            return chances
        chances = chances.copy()
        chances[known] = np.eye(self.classes)[self.truth[known]]
        return chances

    def tally(self, rows: Indices, columns: Indices, height: int, weights: Floats | None = None) -> Floats:
        """Return the summed weights by row and class, shape (height, classes)."""
        flat = np.bincount(rows * self.classes + columns, weights, height * self.classes)
        return flat.reshape(height, self.classes).astype(np.float64)

    def votes_by_worker(self) -> Floats:
        return np.bincount(self.worker, minlength=len(self.workers)).astype(np.float64)

    def prior_of(self, chances: Floats) -> Floats:
        """Return the pool's share of each class, shape (classes,).

        No class is taken to be rarer than one task more of each class would show it (the rule of succession): in a
        pool of a few tasks rounds of EM would else talk themselves into its being impossible.
        """
        tasks = len(self.tasks)
        shares = np.maximum(chances.sum(axis=0) / tasks, 1 / (tasks + self.classes))
        return np.asarray(shares / shares.sum())


def tabulate(votes: Sequence[Vote], settings: LabelSettings, known: Mapping[str, str]) -> VoteTable:
    """Return the votes as arrays, sorted by task, worker and label; `known` gives the label of tasks with a truth."""
    ordered = sorted((item.task, item.worker, item.label) for item in votes)
    columns = tuple(zip(*ordered, strict=True))
    tasks, workers, said = (tuple(sorted(set(column))) for column in columns)
    labels = tuple(sorted({*said, *(known[task] for task in tasks if task in known)}))
    named = {label: i for i, label in enumerate(labels)}
    truth = [named[known[task]] if task in known else UNKNOWN for task in tasks]
    task, worker, label = (_indices(c, n) for c, n in zip(columns, (tasks, workers, labels), strict=True))
    classes = max(len(labels), settings.label_count)
    return VoteTable(tasks, workers, labels, classes, task, worker, label, np.array(truth, np.intp))


def _indices(column: Sequence[str], names: Sequence[str]) -> Indices:
    return np.fromiter(map({name: i for i, name in enumerate(names)}.__getitem__, column), np.intp, len(column))


def normalised(logarithms: Floats) -> Floats:
    """Return the chances whose logarithms, up to a constant a row, are given."""
    chances = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def labelled(table: VoteTable, chances: Floats, settings: LabelSettings) -> dict[str, LabelVote]:
    """Return the decision of every task from chances of shape (tasks, classes)."""
    counts: list[dict[str, int]] = [{} for _ in table.tasks]
    for task, label in zip(table.task.tolist(), map(table.labels.__getitem__, table.label.tolist()), strict=True):
        own = counts[task]
        own[label] = own.get(label, 0) + 1
    rows, truth = chances.tolist(), table.truth.tolist()
    return {
        name: decided(_named(table, rows[i]), counts[i], settings)
        if truth[i] == UNKNOWN
        else known_label(table.labels[truth[i]], counts[i])
        for i, name in enumerate(table.tasks)
    }


def _named(table: VoteTable, row: Sequence[float]) -> dict[str | None, float]:
    """Name the chances; all classes that nobody ever named share the name None."""
    named: dict[str | None, float] = dict(zip(table.labels, row, strict=False))
    if len(row) > len(named):
        named[None] = max(row[len(table.labels) :])
    return named
