"""A confusion matrix a worker, learnt together with the labels (Dawid and Skene, 1979), hierarchically.

Each row is drawn towards the pool's confusion by ten pseudo-votes: without that, workers with few votes make the
result worse than a majority.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from aggregation.core.arrays import Floats
from aggregation.core.reading import Vote
from aggregation.core.skills import PRIOR_ACCURACY, WorkerSkill, accuracy_of
from aggregation.labels.result import LabelOutcome
from aggregation.labels.rounds import expected
from aggregation.labels.settings import LabelSettings
from aggregation.labels.table import VoteTable, labelled, tabulate

LEAST = 1e-6


def dawid_skene(votes: Sequence[Vote], settings: LabelSettings, known: Mapping[str, str]) -> LabelOutcome:
    """Label all tasks by EM from the vote shares with one confusion matrix a worker."""
    if not votes:
        return LabelOutcome({}, ())
    table = tabulate(votes, settings, known)
    chances = expected(table, lambda now: _scores(table, _confusions(table, now, settings)), settings.rounds)
    workers = _skills(table, _counts(table, chances), _confusions(table, chances, settings))
    return LabelOutcome(labelled(table, chances, settings), tuple(workers), _caution(table))


def _caution(table: VoteTable) -> str | None:
    """Say when workers are too new for a matrix each: not below the square of the classes a worker."""
    least, usual = table.classes**2, float(np.median(table.votes_by_worker()))
    if usual > least:
        return None
    votes = "1 vote" if usual == 1 else f"{usual:g} votes"
    return (
        f"the median worker has {votes}, more than {least} are needed to learn {table.classes} classes"
        " against each other: one-coin is the safer method"
    )


def _counts(table: VoteTable, chances: Floats) -> Floats:
    """Return the expected votes, shape (workers, true class, class said)."""
    by_class = [
        table.tally(table.worker, table.label, len(table.workers), chances[table.task, true])
        for true in range(table.classes)
    ]
    return np.stack(by_class, axis=1)


def _confusions(table: VoteTable, chances: Floats, settings: LabelSettings) -> Floats:
    """Return the workers' confusions drawn towards the pool's, shape (workers, true, said), rows summing to 1."""
    counts = _counts(table, chances)
    pooled = counts.sum(axis=0) + _usual_row(table.classes)
    pooled /= pooled.sum(axis=1, keepdims=True)
    rows = counts + settings.prior_votes * pooled
    return np.asarray(np.maximum(rows / rows.sum(axis=2, keepdims=True), LEAST))


def _usual_row(classes: int) -> Floats:
    """Return one vote a class by a newcomer: without it a class that nobody named would be anybody's."""
    wrong = (1 - PRIOR_ACCURACY) / (classes - 1)
    return np.full((classes, classes), wrong) + (PRIOR_ACCURACY - wrong) * np.eye(classes)


def _scores(table: VoteTable, confusions: Floats) -> Floats:
    """Return the log likelihood of every task's votes by class, shape (tasks, classes)."""
    weights = np.log(confusions)[table.worker, :, table.label]
    scores = [np.bincount(table.task, weights[:, true], len(table.tasks)) for true in range(table.classes)]
    return np.stack(scores, axis=1).astype(np.float64)


def _skills(table: VoteTable, counts: Floats, confusions: Floats) -> list[WorkerSkill]:
    return [
        _skill(table, name, own, matrix) for name, own, matrix in zip(table.workers, counts, confusions, strict=True)
    ]


def _skill(table: VoteTable, name: str, own: Floats, matrix: Floats) -> WorkerSkill:
    accuracy, lower, upper = accuracy_of(float(np.trace(own)), float(own.sum()))
    seen = range(len(table.labels))
    confusion = {table.labels[true]: {table.labels[said]: float(matrix[true, said]) for said in seen} for true in seen}
    n = round(float(own.sum()))
    return WorkerSkill(name, n, accuracy, lower, upper, confusion=confusion, adversarial=accuracy < 0.5)
