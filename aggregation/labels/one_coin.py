"""One accuracy a worker, learnt together with the labels (Dawid and Skene 1979 with a single parameter each).

The Beta(8, 2) prior keeps a newcomer near the crowd, which is what makes it better than a full confusion matrix
when votes a worker are few.
"""

from collections.abc import Sequence

import numpy as np

from aggregation.core.reading import Vote
from aggregation.core.skills import PRIOR_RIGHT, PRIOR_WRONG, WorkerSkill, accuracy_of
from aggregation.labels.result import LabelOutcome
from aggregation.labels.settings import LabelSettings
from aggregation.labels.table import Floats, VoteTable, labelled, normalised, prior_of, tabulate

LEAST, MOST = 0.05, 0.99


def one_coin(votes: Sequence[Vote], settings: LabelSettings) -> LabelOutcome:
    """Label all tasks by EM from the vote shares, each vote weighing what its worker has shown to be worth."""
    if not votes:
        return LabelOutcome({}, ())
    table = tabulate(votes, settings)
    chances = table.shares()
    for _ in range(settings.rounds):
        chances = _expected(table, prior_of(chances), _accuracies(table, chances))
    return LabelOutcome(labelled(table, chances, settings), tuple(_skills(table, chances)))


def _right(table: VoteTable, chances: Floats) -> Floats:
    return np.bincount(table.worker, chances[table.task, table.label], len(table.workers)).astype(np.float64)


def _accuracies(table: VoteTable, chances: Floats) -> Floats:
    judged = table.votes_by_worker() + PRIOR_RIGHT + PRIOR_WRONG
    return np.asarray(np.clip((_right(table, chances) + PRIOR_RIGHT) / judged, LEAST, MOST))


def _expected(table: VoteTable, prior: Floats, accuracies: Floats) -> Floats:
    """Return the chances of shape (tasks, classes): prior times the weight of every vote for the class."""
    weights = np.log(accuracies * (table.classes - 1) / (1 - accuracies))
    scores = table.tally(table.task, table.label, len(table.tasks), weights[table.worker])
    return normalised(scores + np.log(prior))


def _skills(table: VoteTable, chances: Floats) -> list[WorkerSkill]:
    right, judged = _right(table, chances).tolist(), table.votes_by_worker().tolist()
    found = [accuracy_of(r, n) for r, n in zip(right, judged, strict=True)]
    return [
        WorkerSkill(name, int(n), accuracy, lower, adversarial=accuracy < 0.5)
        for name, n, (accuracy, lower) in zip(table.workers, judged, found, strict=True)
    ]
