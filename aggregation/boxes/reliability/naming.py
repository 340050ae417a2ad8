"""Which label an object has, and how well each worker names: expectation maximisation over the same groups.

A worker says the true label with the chance a_w; a mistake of anybody goes to another label as mistakes of the whole
crowd do (`palm` for `stop` rather than for `fist`). So a worker with few votes needs one number, not a matrix, and the
pool's confusion is still used: on votes of a few hundred objects this named more labels right than a matrix a
worker drawn towards the pool's, on both halves tried. Votes weigh by the chance that the object exists.

Source: Dawid and Skene, 1979, with one accuracy a worker (Beta(8, 2), see `aggregation.labels`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from aggregation.boxes.reliability.lures import Lures, Said
from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.core.arrays import Floats, Indices, Mask
from aggregation.core.skills import PRIOR_RIGHT, PRIOR_WRONG

LEAST, MOST = 0.02, 0.995
ROUNDS, STILL = 20, 1e-4
PSEUDO_OBJECTS = 1.0  # of each label
PSEUDO_MISTAKES = 1.0  # of each label, spread over the others


@dataclass(frozen=True, slots=True)
class Naming:
    """What is known of the naming of W workers, with L labels."""

    workers: tuple[str, ...]  # (W,) sorted
    labels: tuple[str, ...]  # (L,) sorted
    right: Floats  # (W,)
    votes: Floats  # (W,)
    mistakes: Floats  # (L, L) true label by label said or lured to, nothing on the diagonal
    objects: Floats  # (L,)

    @classmethod
    def of(cls, workers: tuple[str, ...], labels: tuple[str, ...]) -> "Naming":
        """Return what is thought before anything was seen."""
        count, size = len(workers), len(labels)
        return cls(workers, labels, np.zeros(count), np.zeros(count), np.zeros((size, size)), np.zeros(size))

    @property
    def accuracy(self) -> Floats:
        """Return the chance that a worker's label is right, (W,)."""
        mean = (self.right + PRIOR_RIGHT) / (self.votes + PRIOR_RIGHT + PRIOR_WRONG)
        return np.asarray(np.clip(mean, LEAST, MOST))

    def confusions(self) -> Iterator[Floats]:
        """Yield for each worker the chance of each label said for each true one, (L, L); rows sum to 1."""
        shares = _where_mistakes_go(self, len(self.labels))
        right = np.eye(len(self.labels), dtype=bool)
        for accuracy in self.accuracy.tolist():
            yield np.where(right, accuracy, (1 - accuracy) * shares)

    def aligned(self, workers: tuple[str, ...], labels: tuple[str, ...]) -> "Naming":
        """Return the same for exactly these workers, and for these labels and those known before."""
        every = tuple(sorted({*self.labels, *labels}))
        fresh = Naming.of(workers, every)
        row = {name: index for index, name in enumerate(self.workers)}
        for index, name in enumerate(workers):
            if name in row:
                fresh.right[index], fresh.votes[index] = self.right[row[name]], self.votes[row[name]]
        at = np.array([every.index(name) for name in self.labels], np.intp)
        fresh.mistakes[np.ix_(at, at)] = self.mistakes
        fresh.objects[at] = self.objects
        return fresh


@dataclass(frozen=True, slots=True)
class _Votes:
    """One entry a label said, sorted by group and label: the group, the worker, the label; with the labels known."""

    group: Indices
    worker: Indices
    label: Indices
    known: Indices  # (G,) the true label or NOBODY
    possible: Mask  # (G, L) labels known to the naming or said of the group
    classes: int  # labels of the project, also those nobody has said yet
    said: Said

    @classmethod
    def of(cls, table: Table, labels: tuple[str, ...], familiar: frozenset[str], label_count: int) -> "_Votes":
        at = np.array([labels.index(name) for name in table.labels] + [NOBODY], np.intp)
        group, slot = np.nonzero(table.drawn)
        label = at[table.label[group, slot]]
        order = np.lexsort((label, group))
        group, slot, label = group[order], slot[order], label[order]
        possible = np.zeros((len(table.image), len(labels)), bool)
        possible[:, [name in familiar for name in labels]] = True
        possible[group, label] = True
        classes = max(len(familiar), label_count)
        worker, said = table.worker[table.image[group], slot], Said.of(group, label, len(table.image))
        return cls(group, worker, label, at[table.true_label], possible, classes, said)


def name_groups(table: Table, naming: Naming, label_count: int) -> Floats:
    """Return the chances of the table's labels, (G, L); what is missing to 1 is for labels nobody has said.

    A label that `naming` does not know is possible only where somebody says it, so that groups do not depend on
    each other.
    """
    every = naming.aligned(table.workers, table.labels)
    votes = _Votes.of(table, every.labels, frozenset(naming.labels), label_count)
    return _chances(votes, every)[:, [every.labels.index(name) for name in table.labels]]


def learn(table: Table, exists: Floats, prior: Naming, label_count: int) -> Naming:
    """Return what the table says of naming on top of `prior` (which holds exactly the table's workers)."""
    votes = _Votes.of(table, prior.labels, frozenset(prior.labels), label_count)
    if len(votes.group) == 0:
        return prior
    naming = prior
    chances = _chances(votes, naming)
    for _ in range(ROUNDS):
        naming = maximise(votes, exists, chances, naming, prior)
        before, chances = chances, _chances(votes, naming)
        if np.abs(chances - before).max() < STILL:
            break
    return naming


def maximise(votes: _Votes, exists: Floats, chances: Floats, naming: Naming, prior: Naming) -> Naming:
    """Return the naming that the expected labels speak for; `chances` are what `naming` says."""
    size, workers = len(prior.labels), len(prior.workers)
    weights = exists[votes.group]
    right = weights * chances[votes.group, votes.label]
    drawn, mistakes = np.zeros(len(weights)), np.zeros((size, size))
    for true, lures in enumerate(_lures(votes, naming)):
        weight = exists * chances[:, true]
        pulled, traps = lures.expected(weight)
        drawn += pulled
        if true < size:
            mistakes[true] = traps + np.bincount(votes.label, weight[votes.group] - pulled, size)
    np.fill_diagonal(mistakes, 0.0)
    return replace(
        prior,
        right=prior.right + np.bincount(votes.worker, right, workers),
        votes=prior.votes + np.bincount(votes.worker, weights - drawn, workers),
        mistakes=prior.mistakes + mistakes,
        objects=prior.objects + _column_sums(exists[:, None] * chances[:, :size]),
    )


def _column_sums(values: Floats) -> Floats:
    return np.asarray(values.sum(axis=0))


def _chances(votes: _Votes, naming: Naming) -> Floats:
    """Return the chances of the labels and, last, of all labels nobody has said; (G, L + 1)."""
    logs = _logs(votes, naming)
    known = votes.known != NOBODY
    logs[known] = -np.inf
    logs[known, votes.known[known]] = 0.0
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    total = np.zeros(len(shares))
    for column in range(shares.shape[1]):
        total += shares[:, column]
    return np.asarray(shares / total[:, None])


def _logs(votes: _Votes, naming: Naming) -> Floats:
    size, count = len(naming.labels), len(votes.known)
    pool = _total(naming.objects) + PSEUDO_OBJECTS * votes.classes
    right, wrong = np.log(naming.accuracy)[votes.worker], np.log(1 - naming.accuracy)[votes.worker]
    logs = np.empty((count, size + 1))
    towards = np.log(_shares(votes, naming))
    for true, lures in enumerate(_lures(votes, naming)):
        said = np.where(votes.label == true, right, wrong + towards[true, votes.label])
        logs[:, true] = np.bincount(votes.group, said, count) + np.log(lures.factor)
    logs[:, :size] += np.log((naming.objects + PSEUDO_OBJECTS) / pool)
    logs[:, :size][~votes.possible] = -np.inf
    silent = np.maximum(votes.classes - votes.possible.sum(axis=1), 0) * PSEUDO_OBJECTS
    logs[:, size] += np.log(np.maximum(silent, PSEUDO_OBJECTS) / pool)
    logs[silent == 0, size] = -np.inf
    return logs


def _lures(votes: _Votes, naming: Naming) -> Iterator[Lures]:
    """Yield the lures of every label and, last, of a label nobody has said."""
    wrong = (1 - naming.accuracy)[votes.worker]
    for true, shares in enumerate(_shares(votes, naming)):
        others = np.where(np.arange(len(shares)) == true, 0.0, shares)
        yield Lures.of(votes.said, wrong * shares[votes.label], others)


def _shares(votes: _Votes, naming: Naming) -> Floats:
    """Return where mistakes go on every label, 1 on the diagonal, and on a label nobody has said; (L + 1, L)."""
    silent = np.full((1, len(naming.labels)), 1 / max(votes.classes - 1, 1))
    return np.concatenate([_where_mistakes_go(naming, votes.classes), silent])


def _total(values: Floats) -> float:
    """Return the sum, added one by one: labels that do not occur change no bit."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0


def _where_mistakes_go(naming: Naming, classes: int) -> Floats:
    """Return the share of the mistakes on a true label that say another, (L, L); 1 on the diagonal."""
    others = max(classes - 1, 1)
    total = np.array([_total(row) for row in naming.mistakes])[:, None] + PSEUDO_MISTAKES
    shares = (naming.mistakes + PSEUDO_MISTAKES / others) / total
    np.fill_diagonal(shares, 1.0)
    return np.asarray(shares)
