"""How sure an aggregated answer is: weighted votes, and the model of Dawid and Skene. Pure arithmetic."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Answer = TypeVar("Answer", bound=Hashable)

SMOOTHING = 0.5
ROUNDS = 50
_SURE = 0.99


def accuracy(correct: float, total: int) -> float:
    """Return how often a worker is right, from control answers: one half when there were none."""
    return (SMOOTHING + correct) / (2 * SMOOTHING + total)


def bounded(share: float) -> float:
    """Keep an accuracy away from certainty, which no further answer could correct."""
    return min(_SURE, max(1 - _SURE, share))


def weighted(votes: Sequence[tuple[Answer, float]], options: int) -> tuple[Answer, float]:
    """Return the leading answer and its confidence.

    Args:
        votes: each answer with the accuracy q of who gave it; at least one.
        options: how many answers are possible. The likelihood of an answer is the product of q where it was given
            and of (1 - q) / (options - 1) where another one was; answers that nobody gave are counted too.
    """
    sums: dict[Answer, float] = {}
    for answer, q in votes:
        sums[answer] = sums.get(answer, 0.0) + q
    leader = max(sums, key=lambda answer: sums[answer])
    possible = max(options, len(sums), 2)
    logs = {answer: _log_likelihood(votes, answer, possible) for answer in sums}
    nobody = sum(math.log((1 - q) / (possible - 1)) for _, q in votes)
    top = max(*logs.values(), nobody)
    others = sum(math.exp(value - top) for value in logs.values())
    total = others + (possible - len(sums)) * math.exp(nobody - top)
    return leader, math.exp(logs[leader] - top) / total


def _log_likelihood(votes: Sequence[tuple[Answer, float]], answer: Answer, possible: int) -> float:
    return sum(math.log(q if given == answer else (1 - q) / (possible - 1)) for given, q in votes)


Votes = Mapping[str, Sequence[tuple[str, Answer]]]
"""By task: who answered what."""


def dawid_skene(votes: Mapping[str, Sequence[tuple[str, Answer]]]) -> dict[str, tuple[Answer, float]]:
    """Return the answer to each task and its probability, by expectation and maximisation from the shares of votes."""
    labels = list(dict.fromkeys(answer for given in votes.values() for _, answer in given))
    beliefs = {task: _shares([answer for _, answer in given], labels) for task, given in votes.items()}
    for _ in range(ROUNDS):
        prior, confusion = _model(votes, beliefs, labels)
        beliefs = {task: _belief(given, prior, confusion, labels) for task, given in votes.items()}
    best = {task: max(belief, key=lambda label: belief[label]) for task, belief in beliefs.items()}
    return {task: (label, beliefs[task][label]) for task, label in best.items()}


def _shares(answers: Sequence[Answer], labels: Sequence[Answer]) -> dict[Answer, float]:
    return {label: answers.count(label) / len(answers) for label in labels}


def _model(
    votes: Mapping[str, Sequence[tuple[str, Answer]]],
    beliefs: Mapping[str, Mapping[Answer, float]],
    labels: Sequence[Answer],
) -> tuple[dict[Answer, float], dict[str, dict[Answer, dict[Answer, float]]]]:
    prior = {label: sum(belief[label] for belief in beliefs.values()) / len(beliefs) for label in labels}
    counts: dict[str, dict[Answer, dict[Answer, float]]] = {}
    for task, given in votes.items():
        for worker, answer in given:
            rows = counts.setdefault(worker, {label: dict.fromkeys(labels, 0.01) for label in labels})
            for label in labels:
                rows[label][answer] += beliefs[task][label]
    confusion = {
        worker: {label: {said: n / sum(row.values()) for said, n in row.items()} for label, row in rows.items()}
        for worker, rows in counts.items()
    }
    return prior, confusion


def _belief(
    given: Sequence[tuple[str, Answer]],
    prior: Mapping[Answer, float],
    confusion: Mapping[str, Mapping[Answer, Mapping[Answer, float]]],
    labels: Sequence[Answer],
) -> dict[Answer, float]:
    logs = {
        label: math.log(max(prior[label], 1e-12)) + sum(math.log(confusion[who][label][said]) for who, said in given)
        for label in labels
    }
    top = max(logs.values())
    odds = {label: math.exp(value - top) for label, value in logs.items()}
    return {label: value / sum(odds.values()) for label, value in odds.items()}
