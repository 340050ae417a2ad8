"""A simulated crowd of label voters: few who do much, many who do little, some who click blindly."""

from dataclasses import dataclass

import numpy as np

from aggregation import LabelOutcome, Vote


@dataclass(frozen=True)
class Crowd:
    """Honest skills are Beta(18, 2); activity is lognormal, so the median worker has far fewer votes than the mean.

    Clickers do `lazy` of an honest worker's share: they are caught before they get far.
    """

    tasks: int = 20_000
    workers: int = 2_000
    classes: int = 5
    overlap: int = 3
    clickers: float = 0.12
    lazy: float = 0.15
    spread: float = 2.0


def simulated(seed: int, crowd: Crowd) -> tuple[list[Vote], list[str]]:
    """Return the votes and the true label of every task, in the order of the tasks."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(crowd.classes, size=crowd.tasks)
    clicks = rng.random(crowd.workers) < crowd.clickers
    skill = np.where(clicks, 1 / crowd.classes, rng.beta(18, 2, crowd.workers))
    who = _assigned(rng, crowd, np.where(clicks, crowd.lazy, 1.0))
    right = rng.random(who.shape) < skill[who]
    wrong = (truth[:, None] + rng.integers(1, crowd.classes, who.shape)) % crowd.classes
    said = np.where(right, truth[:, None], wrong)
    votes = [
        Vote(f"t{task:06}", f"w{worker:05}", f"c{label}")
        for task, row in enumerate(zip(who.tolist(), said.tolist(), strict=True))
        for worker, label in zip(*row, strict=True)
    ]
    return votes, [f"c{label}" for label in truth.tolist()]


def _assigned(rng: np.random.Generator, crowd: Crowd, eager: np.ndarray) -> np.ndarray:
    """Return different workers for every task, shape (tasks, overlap), the busy ones more often."""
    busy = eager * rng.lognormal(0, crowd.spread, crowd.workers)
    who = rng.choice(crowd.workers, (crowd.tasks, crowd.overlap), p=busy / busy.sum())
    while (twice := (np.diff(np.sort(who, axis=1), axis=1) == 0).any(axis=1)).any():
        who[twice] = rng.choice(crowd.workers, (int(twice.sum()), crowd.overlap), p=busy / busy.sum())
    return who


def share_right(outcome: LabelOutcome, truth: list[str]) -> float:
    """Return the share of right labels; where votes tie, the share a fair coin would get right."""
    return sum(
        _right(vote.label, vote.counts, true) for vote, true in zip(outcome.tasks.values(), truth, strict=True)
    ) / len(truth)


def _right(label: str | None, counts: dict[str, int], true: str) -> float:
    if label is not None:
        return float(label == true)
    leading = [name for name, count in counts.items() if count == max(counts.values())]
    return (true in leading) / len(leading)
