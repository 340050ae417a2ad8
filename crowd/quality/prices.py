"""Which of several prices gets the work: Thompson sampling over acceptance and arrivals (Thompson 1933).

Each arm is the same work at another price. For each arm the acceptance is drawn from its Beta posterior and the
arrivals from their Gamma posterior; among the arms whose drawn finish meets the deadline the cheapest for an accepted
page is chosen, and the fastest where none does. The chosen arm gets all but a small share for each other arm, so that
what is known of them stays alive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

LEAST_SHARE: Final = 0.05
MOST_ARMS: Final = 4
HOURLY_NOISE: Final = 0.25  # how far hours differ from each other, on the log scale
A_MOMENT: Final = 1 / 60  # hours


@dataclass(frozen=True, slots=True)
class Arm:
    """A price of a page, pages handed in so far, those accepted of those judged, and hours on offer.

    `hours` counts each hour by the share of the work the arm had in it, so pages ÷ hours is what it would bring alone.
    """

    price_micro: int
    pages: int = 0
    accepted: int = 0
    judged: int = 0
    hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn for an arm: acceptance (0 to 1), pages an hour, hours to the end, price of an accepted page."""

    acceptance: float
    rate: float
    hours: float
    cost_micro: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The arm that is chosen (from 0), whether any arm meets the deadline, the share of each, and what was drawn."""

    arm: int
    in_time: bool
    shares: tuple[float, ...]
    drawn: tuple[Drawn, ...]


def choose(arms: Sequence[Arm], *, remaining: int, hours_left: float, rng: np.random.Generator) -> Choice:
    """Choose the arm for the next hour; `remaining` accepted pages are wanted within `hours_left`."""
    if not 2 <= len(arms) <= MOST_ARMS:
        raise ValueError(f"A trial has 2 to {MOST_ARMS} prices, not {len(arms)}.")
    usual = remaining / max(hours_left, A_MOMENT)
    drawn = tuple(_draw(arm, remaining, usual, rng) for arm in arms)
    in_time = [number for number, one in enumerate(drawn) if one.hours <= hours_left]
    if in_time:
        best = min(in_time, key=lambda number: (drawn[number].cost_micro, drawn[number].hours))
    else:
        best = min(range(len(arms)), key=lambda number: drawn[number].hours)
    return Choice(best, bool(in_time), shares(len(arms), best), drawn)


def shares(arms: int, best: int | None) -> tuple[float, ...]:
    """Return what part of the work each arm gets; the same for all while none is chosen."""
    if best is None:
        return (1 / arms,) * arms
    rest = 1 - LEAST_SHARE * (arms - 1)
    return tuple(rest if number == best else LEAST_SHARE for number in range(arms))


def _draw(arm: Arm, remaining: int, usual: float, rng: np.random.Generator) -> Drawn:
    acceptance = float(rng.beta(1 + arm.accepted, 1 + arm.judged - arm.accepted))
    rate = _rate(arm, usual, rng)
    pace = rate * acceptance
    return Drawn(
        acceptance=acceptance,
        rate=rate,
        hours=remaining / pace if pace > 0 else inf,
        cost_micro=arm.price_micro / acceptance if acceptance > 0 else inf,
    )


def _rate(arm: Arm, usual: float, rng: np.random.Generator) -> float:
    """Draw pages an hour: Gamma(A / D, s / D), D = 1 + A σ² / s; before any page what the deadline asks for, ±."""
    if arm.pages == 0:
        return float(rng.gamma(1.0, usual / (1 + usual * arm.hours)))
    hours = max(arm.hours, A_MOMENT)
    spread = 1 + arm.pages * HOURLY_NOISE**2 / hours
    return float(rng.gamma(arm.pages / spread, spread / hours))
