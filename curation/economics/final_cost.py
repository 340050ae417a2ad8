"""What a campaign will have cost in the end: what is spent, and what the rest takes, drawn. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curation.economics.week import Floats

DRAWS, SEED = 4_000, 20_181_018
PILOT, RARE = 20.0, 0.1  # what a recipe's expectation counts for; that nothing is certain: a tenth of an item
UNEVEN, EVEN = 0.2, 0.05  # how far costs of single items differ from their mean: where unknown, and at the least


@dataclass(frozen=True, slots=True)
class StageAhead:
    """A stage and what still stands before it. Money is in micro-units.

    An item costs `entry_micro` when the stage decides about it and `pass_micro` more when it goes on. `entered` is how
    many went in where one becomes many, as a video becomes frames; `is_certain`: it drops nothing. `prepaid_micro` is
    what has been spent already on those that wait: answers about things that are not decided yet. `expected` is the
    share that a recipe lets expect, which counts as much as a pilot of 20; without it all are as likely beforehand.
    `uneven`: how far what single items cost when they are decided differs from its mean, as a share of it.
    """

    entry_micro: float
    waiting: int
    passed: int
    dropped: int
    pass_micro: float = 0.0
    is_certain: bool = False
    entered: int = 0
    prepaid_micro: float = 0.0
    expected: float | None = None
    uneven: float = UNEVEN

    def draw(self, chance: np.random.Generator, draws: int) -> Floats:
        """Draw what comes out of one item."""
        if self.entered:
            return chance.gamma(self.passed + 1, 1 / self.entered, draws)
        return np.ones(draws) if self.is_certain else chance.beta(*self._known, draws)

    @property
    def _known(self) -> tuple[float, float]:
        """Return the two counts of the Beta distribution of the share that passes."""
        if self.expected is None:
            return self.passed + 1.0, self.dropped + 1.0
        beforehand = PILOT * self.expected, PILOT * (1 - self.expected)
        return self.passed + beforehand[0] + RARE, self.dropped + beforehand[1] + RARE

    @property
    def decided(self) -> int:
        return self.entered or self.passed + self.dropped


def uneven_answers(*, mean: float, usual: int) -> float:
    """Return how far costs of items differ, as a share of their mean, that took `mean` answers each.

    Every item takes the usual number, or the whole part of the mean where that is less, as when majorities are reached
    early; then one more as long as answers disagree. These are taken as geometric: of the mean m the variance is
    m (1 + m). Where the mean is below the usual number no item takes more than that, which bounds the variance
    (Bhatia and Davis 2000). A mean under one says that nobody was asked.
    """
    if mean < 1:
        return UNEVEN
    more = mean - min(usual, math.floor(mean))
    variance = more * (1 + more)
    if mean < usual:
        variance = min(variance, more * (usual - mean))
    return max(EVEN, math.sqrt(variance) / mean)


def draw_final_cost(
    *,
    stages: Sequence[StageAhead],
    left: int,
    spent_micro: int,
    draws: int = DRAWS,
    chance: np.random.Generator | None = None,
) -> Floats | None:
    """Draw what will have been spent when `left` more are delivered; None while a stage has let nothing through.

    What waits on its way goes first, new items fill up the rest. Shares of stages are drawn as before a launch, how
    many really come through besides, and the cost of an item as the mean of so many as have been paid.
    """
    if any(stage.passed <= 0 for stage in stages):
        return None
    chance = chance or np.random.default_rng(SEED)
    shares = [stage.draw(chance, draws) for stage in stages]
    total, extra = np.full(draws, float(spent_micro)), np.zeros(draws)
    for stage, share, flow in zip(stages, shares, _flows(stages, shares, left, chance), strict=True):
        extra = extra + np.maximum(0.0, stage.waiting - flow.entering)  # more is on its way than is needed
        entering, leaving = flow.entering + extra, flow.leaving + extra * share
        decided = stage.entry_micro * entering * _unevenness(stage.uneven, stage.decided, entering, chance)
        passed = stage.pass_micro * leaving * _unevenness(EVEN, stage.passed, leaving, chance)
        total += np.maximum(0.0, decided + passed - stage.prepaid_micro)
        extra = extra * share
    return total


@dataclass(frozen=True, slots=True)
class _Flow:
    """What must still enter a stage, so that as much leaves it as is needed."""

    entering: Floats
    leaving: Floats


def _flows(
    stages: Sequence[StageAhead], shares: Sequence[Floats], left: int, chance: np.random.Generator
) -> list[_Flow]:
    """Draw from the end what each stage must be given: by its share, and by luck as of a negative binomial count."""
    flows, needed = [], np.full(len(shares[0]), float(left))
    for stage, share in zip(reversed(stages), reversed(shares), strict=True):
        spread = needed if stage.entered else needed * (1 - share)
        luck = chance.standard_normal(len(needed)) * np.sqrt(spread)
        entering = np.maximum(0.0, (needed + luck) / share)
        flows.append(_Flow(entering, needed))
        needed = np.maximum(0.0, entering - stage.waiting)
    return flows[::-1]


def _unevenness(uneven: float, seen: int, to_come: Floats, chance: np.random.Generator) -> Floats:
    """Draw by which factor the items to come cost more or less than the mean of those that were paid."""
    known = uneven / math.sqrt(max(1, seen))
    luck = uneven / np.sqrt(np.maximum(1.0, to_come))
    return np.asarray(1 + chance.standard_normal(len(to_come)) * np.hypot(known, luck))
