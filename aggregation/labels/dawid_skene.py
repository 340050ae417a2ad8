"""A confusion matrix a worker, learnt together with the labels (Dawid and Skene, 1979), hierarchically.

Each row is drawn towards the pool's confusion by ten pseudo-votes: without that, workers with few votes make the
result worse than a majority.
"""

from collections.abc import Sequence

import numpy as np

from aggregation.core.reading import Vote
from aggregation.core.skills import WorkerSkill, accuracy_of
from aggregation.labels.result import LabelOutcome
from aggregation.labels.settings import LabelSettings
from aggregation.labels.table import Floats, VoteTable, labelled, normalised, prior_of, tabulate

PSEUDO_VOTES = 10.0
LEAST = 1e-6


def dawid_skene(votes: Sequence[Vote], settings: LabelSettings) -> LabelOutcome:
    """Label all tasks by EM from the vote shares with one confusion matrix a worker."""
    if not votes:
        return LabelOutcome({}, ())
    table = tabulate(votes, settings)
    chances = table.shares()
    for _ in range(settings.rounds):
        chances = _expected(table, prior_of(chances), _confusions(_counts(table, chances)))
    return LabelOutcome(labelled(table, chances, settings), tuple(_skills(table, _counts(table, chances))))


def _counts(table: VoteTable, chances: Floats) -> Floats:
    """Return the expected votes, shape (workers, true class, class said)."""
    by_class = [
        table.tally(table.worker, table.label, len(table.workers), chances[table.task, true])
        for true in range(table.classes)
    ]
    return np.stack(by_class, axis=1)


def _confusions(counts: Floats) -> Floats:
    """Return the worker's confusions drawn towards the pool's, same shape as the counts, rows summing to 1."""
    classes = counts.shape[1]
    pooled = counts.sum(axis=0) + 1 / classes
    pooled /= pooled.sum(axis=1, keepdims=True)
    rows = counts + PSEUDO_VOTES * pooled
    return np.asarray(np.maximum(rows / rows.sum(axis=2, keepdims=True), LEAST))


def _expected(table: VoteTable, prior: Floats, confusions: Floats) -> Floats:
    weights = np.log(confusions)[table.worker, :, table.label]
    scores = [np.bincount(table.task, weights[:, true], len(table.tasks)) for true in range(table.classes)]
    return normalised(np.stack(scores, axis=1).astype(np.float64) + np.log(prior))


def _skills(table: VoteTable, counts: Floats) -> list[WorkerSkill]:
    return [
        _skill(table, name, own, matrix)
        for name, own, matrix in zip(table.workers, counts, _confusions(counts), strict=True)
    ]


def _skill(table: VoteTable, name: str, own: Floats, matrix: Floats) -> WorkerSkill:
    accuracy, lower = accuracy_of(float(np.trace(own)), float(own.sum()))
    seen = range(len(table.labels))
    confusion = {table.labels[true]: {table.labels[said]: float(matrix[true, said]) for said in seen} for true in seen}
    n = round(float(own.sum()))
    return WorkerSkill(name, n, accuracy, lower, confusion=confusion, adversarial=accuracy < 0.5)
