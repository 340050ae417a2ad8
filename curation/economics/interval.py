"""Between which prices one delivered image will probably end up, from what each stage has let through so far."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS, SEED = 4_000, 20_181_018


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the way: the price of an item that enters it, and how many it let through and dropped.

    `is_certain`: it can drop nothing, so what it lets through is known before it has begun. `entered`: how many went
    in where one becomes many, as a video becomes frames.
    """

    unit_micro: float
    passed: int
    dropped: int
    is_certain: bool = False
    entered: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """Micro-units: one case in twenty lies under `low`, half of them under `middle`, one in twenty over `high`."""

    low: float
    middle: float
    high: float


def price_interval(steps: Sequence[Step]) -> Interval | None:
    """Draw the share each stage lets through from Beta(passed + 1, dropped + 1) and price one delivered image.

    What comes of one item that becomes many is drawn from Gamma(passed + 1) for all that entered.
    An image pays at every stage for those that are lost from there on. Seeded: the same counts give the same interval.
    None while a stage has let nothing through: then nobody knows.
    """
    if not steps or any(step.passed <= 0 for step in steps):
        return None
    chance = np.random.default_rng(SEED)
    needed, price = np.ones(DRAWS), np.zeros(DRAWS)
    for step in reversed(steps):
        if step.entered:
            needed = needed * step.entered / chance.gamma(step.passed + 1, size=DRAWS)
        elif not step.is_certain:
            needed = needed / chance.beta(step.passed + 1, step.dropped + 1, DRAWS)
        price += step.unit_micro * needed
    low, middle, high = (float(one) for one in np.percentile(price, [5, 50, 95]))
    return Interval(low, middle, high)
