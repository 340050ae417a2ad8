"""One accuracy a worker, learnt together with the labels (Dawid and Skene 1979 with a single parameter each).

The Beta(8, 2) prior keeps a newcomer near the crowd, which is what makes it better than a full confusion matrix
when votes a worker are few.
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

LEAST, MOST = 0.05, 0.99


def one_coin(votes: Sequence[Vote], settings: LabelSettings, known: Mapping[str, str]) -> LabelOutcome:
    """Label all tasks by EM from the vote shares, each vote weighing what its worker has shown to be worth."""
    if not votes:
        return LabelOutcome({}, ())
    table = tabulate(votes, settings, known)
    chances = expected(table, lambda now: _scores(table, now, settings.prior_votes), settings.rounds)
    return LabelOutcome(labelled(table, chances, settings), tuple(_skills(table, chances)))


def _scores(table: VoteTable, chances: Floats, prior_votes: float) -> Floats:
    """Return the summed weights of every task's votes by class, shape (tasks, classes)."""
    accuracies = _accuracies(table, chances, prior_votes)
    weights = np.log(accuracies * (table.classes - 1) / (1 - accuracies))
    return table.tally(table.task, table.label, len(table.tasks), weights[table.worker])


def _right(table: VoteTable, chances: Floats) -> Floats:
    return np.bincount(table.worker, chances[table.task, table.label], len(table.workers)).astype(np.float64)


def _accuracies(table: VoteTable, chances: Floats, prior_votes: float) -> Floats:
    right = _right(table, chances) + PRIOR_ACCURACY * prior_votes
    return np.asarray(np.clip(right / (table.votes_by_worker() + prior_votes), LEAST, MOST))


def _skills(table: VoteTable, chances: Floats) -> list[WorkerSkill]:
    right, judged = _right(table, chances).tolist(), table.votes_by_worker().tolist()
    found = [accuracy_of(r, n) for r, n in zip(right, judged, strict=True)]
    return [
        WorkerSkill(name, int(n), accuracy, lower, upper, adversarial=accuracy < 0.5)
        for name, n, (accuracy, lower, upper) in zip(table.workers, judged, found, strict=True)
    ]
