"""When a pool will be done: its pace, taken with the hours of the week it was seen in, drawn forward. Pure.

Results of an hour are Poisson counts around `pace x worth of the hour x noise`. What is known of the pace after some
hours is a Gamma distribution, wider than its counts alone would make it, because whole hours are better and worse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from curation.economics.week import Floats, Week

NOISE = 0.25  # standard deviation of the logarithm of an hour
DRAWS, SEED = 300, 20_181_018
LONGEST = 24 * 90  # hours that are looked ahead
ENOUGH = 0.97  # draws that have ended: what the others do changes no quantile that is told


@dataclass(frozen=True, slots=True)
class Pace:
    """Results in a usual hour: Gamma(shape, rate)."""

    shape: float
    rate: float

    @property
    def mean(self) -> float:
        return self.shape / self.rate


def pace_of(*, results: int, hours: float, worth: float, usual: float | None = None, doubt: float = 0.0) -> Pace | None:
    """Return what is known of the pace after so many hours that were worth so many usual ones.

    `doubt` is how far that worth may be off, as a variance in shares: it widens what is known. Without a result it is
    what such pools `usual`ly have an hour, weighed as one result; None = nobody can say.
    """
    if results <= 0:
        return Pace(1.0, 1 / usual + max(0.0, worth)) if usual else None
    if hours <= 0 or worth <= 0:
        return None
    spread = 1 + results * (NOISE**2 / hours + doubt)
    return Pace(results / spread, worth / spread)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is missing: accepted results. `accepted` and `rejected` were judged so far, `in_check` wait for it.

    Of `weight` more results the share `usual` counts as accepted, the rest as refused: what is known beforehand.
    """

    left: int
    accepted: int = 0
    rejected: int = 0
    in_check: int = 0
    usual: float = 0.5
    weight: float = 2.0

    @property
    def likely_accepted(self) -> float:
        return self.accepted + self.weight * self.usual

    @property
    def likely_rejected(self) -> float:
        return self.rejected + self.weight * (1 - self.usual)

    def draw(self, draws: int, chance: np.random.Generator) -> Floats:
        """Draw how many results must still be sent: the share that is accepted from its Beta, then those refused."""
        if self.rejected == 0 and self.in_check == 0:
            return np.full(draws, float(self.left))
        share = chance.beta(self.likely_accepted, self.likely_rejected, draws)
        passing = chance.binomial(self.in_check, share)
        missing = np.maximum(0, self.left - passing)
        refused = chance.negative_binomial(np.maximum(missing, 1), share)
        return np.where(missing > 0, missing + refused, 0).astype(float)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Numbers that 5, 50, 90 and 95 of 100 such cases stay under; infinite where they never end."""

    p5: float
    p50: float
    p90: float
    p95: float

    @classmethod
    def of(cls, draws: Floats) -> "Quantiles":
        return cls(*(float(one) for one in np.quantile(draws, [0.05, 0.5, 0.9, 0.95], method="closest_observation")))


def is_never(*, capacity: int | None, left: int) -> bool:
    """Whether the people who may work can never give what is missing, whatever time they have."""
    return capacity is not None and capacity < left


def draw_hours(
    *,
    goal: Goal,
    pace: Pace,
    week: Week,
    now: datetime,
    capacity: int | None = None,
    draws: int = DRAWS,
    chance: np.random.Generator | None = None,
) -> Floats:
    """Draw the hours until the goal is reached; infinite where 90 days are too short or the crowd is used up.

    With a `capacity`, results that the people who may work can still give in all, the pace falls as it is used up.
    The last hour is divided evenly. Seeded: the same numbers have the same answer.
    """
    chance = chance or np.random.default_rng(SEED)
    needed, rates = goal.draw(draws, chance), chance.gamma(pace.shape, 1 / pace.rate, draws)
    lengths, worths = week.ahead(now, LONGEST)
    done, ended, at = np.zeros(draws), np.where(needed > 0, np.inf, 0.0), 0.0
    for length, worth in zip(lengths, worths, strict=True):
        running = np.isinf(ended)
        if running.mean() <= 1 - ENOUGH:
            break
        fresh = rates * _left_share(done, capacity)
        noise = chance.lognormal(-(NOISE**2) / 2, NOISE, draws)  # mean one: the pace was measured with its noise
        came = chance.poisson(fresh * worth * noise).astype(float)
        ends = running & (done + came >= needed)
        ended[ends] = at + length * (needed[ends] - done[ends]) / came[ends]
        done, at = done + came, at + float(length)
    return ended


def _left_share(done: Floats, capacity: int | None) -> Floats | float:
    return 1.0 if not capacity else np.maximum(0.0, 1 - done / capacity)


def point_hours(*, left: float, rate: float, week: Week, now: datetime) -> float:
    """Return the hours at one certain pace, the last one divided evenly; infinite after 90 days."""
    lengths, worths = week.ahead(now, LONGEST)
    after = np.cumsum(rate * worths)
    place = int(np.searchsorted(after, left))
    if place == len(after):
        return math.inf
    before = float(after[place - 1]) if place else 0.0
    inside = (left - before) / (float(after[place]) - before)
    return float(np.sum(lengths[:place])) + inside * float(lengths[place])


@dataclass(frozen=True, slots=True)
class Finite:
    """A crowd of so many people of whom each gives one result: N(t) = people (1 - exp(-per_hour t))."""

    people: int
    per_hour: float

    @classmethod
    def seen(cls, *, people: int, results: int, hours: float) -> "Finite":
        return cls(people, -math.log1p(-results / people) / hours)

    def after(self, hours: float) -> float:
        return -self.people * math.expm1(-self.per_hour * hours)

    def hours_to(self, results: int) -> float:
        """Return when so many are there; infinite for as many as there are people, or more."""
        return -math.log1p(-results / self.people) / self.per_hour if results < self.people else math.inf


def worth_with_capacity(*, counts: Sequence[int], worths: Sequence[float], capacity: int) -> float:
    """Return what the hours seen were worth to a crowd that was being used up, beside its present size.

    `counts` are the results of each hour, the last one last; `capacity` is what can still be given now.
    """
    left, total = float(capacity), 0.0
    for n, worth in zip(reversed(counts), reversed(worths), strict=True):
        total += worth * (left + n / 2) / max(1, capacity)
        left += n
    return total
