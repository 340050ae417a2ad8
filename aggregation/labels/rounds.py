"""Rounds of EM over a table of votes, the same for every method that learns workers and labels together."""

from collections.abc import Callable

import numpy as np

from aggregation.core.arrays import Floats
from aggregation.labels.table import VoteTable, normalised

SETTLED = 1e-6  # no chance moves by more: the rest of the rounds would change nothing that is printed

Scores = Callable[[Floats], Floats]


def expected(table: VoteTable, scores: Scores, rounds: int) -> Floats:
    """Return the chances of shape (tasks, classes) after so many rounds, fewer when nothing moves any more.

    `scores` gives, for the chances of one round, the summed log likelihood of each task's votes by class.
    """
    chances = table.shares()
    for _ in range(rounds):
        before = chances
        chances = table.corrected(normalised(scores(before) + np.log(table.prior_of(before))))
        if np.abs(chances - before).max() < SETTLED:
            break
    return chances
