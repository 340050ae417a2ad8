"""When people come: the day's curve, how price and other work draw them, and how long it takes until somebody does.

Times are hours of the week, 0 = Monday 0:00 in the workers' main time zone. Pure: no database, no clock of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import ndtri

from crowd.rehearsal.population import ELIGIBLE, Numbers, Stream, uniforms

WEEK = 168
SATURDAY = 120
HOUR = 3_600
TICK = 0.25  # hours: the step of the tables below
FAR = 400 * 24.0
HOURLY_NOISE = 0.25
# Faridani, Hartmann and Ipeirotis (2011): the chance that a visitor takes a task of so many cents.
TAKE_SPREAD, TAKE_BIAS, TAKE_OTHERS = 15.0, -0.39, 2_000.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the pace of a day and a week moves around its mean of 1.

    `weekend` is the pace of Saturday and Sunday over that of a working day. `hourly_noise` is the spread of the
    logarithm from hour to hour that no curve explains; 0 leaves it out.
    """

    amplitude: float = 0.6
    peak_hour: float = 15.0
    weekend: float = 1.0
    hourly_noise: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.amplitude < 1:
            raise ValueError(f"The amplitude of a day is from 0 to below 1, not {self.amplitude:g}.")
        if self.weekend <= 0 or self.hourly_noise < 0:
            raise ValueError("A weekend's pace is above 0, and noise is not negative.")

    def pace(self, hour: float) -> float:
        """Return the pace at an hour of the week, on average 1."""
        workday = 7 / (5 + 2 * self.weekend)
        level = workday * (self.weekend if hour % WEEK >= SATURDAY else 1.0)
        return level * (1 + self.amplitude * math.cos(2 * math.pi * (hour - self.peak_hour) / 24))


@dataclass(frozen=True, slots=True)
class Sessions:
    """How a sort of work is taken up: sessions a person and day, the share that takes it up, tasks in a session."""

    a_day: float = 2.0
    take: float = 0.123
    tasks: float = 4.0

    def __post_init__(self) -> None:
        if self.a_day <= 0 or self.take <= 0 or self.tasks < 1:
            raise ValueError("Sessions a day and take are above 0, tasks in a session at least 1.")

    @property
    def an_hour(self) -> float:
        """Sessions that an average person begins in an average hour."""
        return self.a_day / 24 * self.take

    def tasks_within(self, cap: int) -> float:
        """Return the mean tasks of a first session where one person may do at most `cap` (0 = any number)."""
        return self.tasks * (1 - (1 - 1 / self.tasks) ** cap) if cap else self.tasks


PHOTOS = Sessions()
FILMS = Sessions(a_day=1.0, take=0.197, tasks=1.0)


@dataclass(frozen=True, slots=True)
class Coming:
    """How a crowd comes by: how many could, when, what for. Judging and drawing are taken up like photos.

    The takes are those at `reference_usd` a page.
    """

    eligible: int = ELIGIBLE
    rhythm: Rhythm = field(default_factory=lambda: Rhythm(hourly_noise=HOURLY_NOISE))
    photos: Sessions = PHOTOS
    films: Sessions = FILMS
    reference_usd: float = 0.03

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Coming":
        """Read what a crowd's row or a file says; what is missing keeps its default.

        Raises:
            ValueError: an unknown key, or a number that cannot be.
        """
        unknown = set(plain) - {part.name for part in fields(cls)}
        if unknown:
            raise ValueError(
                f"no part {min(unknown)!r} of how a crowd comes; known are {[p.name for p in fields(cls)]}"
            )
        parts = {"rhythm": Rhythm, "photos": Sessions, "films": Sessions}
        return cls(**{name: parts[name](**value) if name in parts else value for name, value in plain.items()})


def take_by_price(price_usd: float, *, reference_usd: float) -> float:
    """Return how much more a page of this price is taken than one of the reference price: 1 where they are equal."""
    return _logit(price_usd) / _logit(reference_usd)


def _logit(price_usd: float) -> float:
    odds = math.exp(price_usd * 100 / TAKE_SPREAD - TAKE_BIAS)
    return odds / (odds + TAKE_OTHERS)


def competing(pools: int) -> float:
    """Return the share of its takers that a pool keeps where so many are open at once (an assumption)."""
    return 1 / math.sqrt(max(1, pools))


@dataclass(frozen=True, slots=True)
class Elapsed:
    """The integral of the pace since an opening, as a table of `hours` and `passed`."""

    hours: Numbers
    passed: Numbers

    def until(self, hours: Numbers) -> Numbers:
        return np.interp(hours, self.hours, self.passed)

    def reached(self, passed: Numbers) -> Numbers:
        """Return when so much has passed; NaN beyond the table."""
        return np.interp(passed, self.passed, self.hours, right=np.nan)


def elapsed(rhythm: Rhythm, *, opens: float, horizon: float, seed: int | None = None) -> Elapsed:
    """Integrate the pace from an hour of the week on, over `horizon` hours; with a seed, hours have their noise."""
    hours = np.arange(0, horizon + TICK / 2, TICK)
    middles = (hours[:-1] + hours[1:]) / 2
    pace = np.array([rhythm.pace(opens + middle) for middle in middles])
    if rhythm.hourly_noise and seed is not None:
        pace *= _noise(rhythm.hourly_noise, middles, seed)
    return Elapsed(hours, np.concatenate([[0.0], np.cumsum(pace * TICK)]))


def _noise(sigma: float, middles: Numbers, seed: int) -> Numbers:
    """Return a factor for each tick, the same within an hour."""
    normal = ndtri(uniforms(seed, Stream.HOURS, int(middles[-1]) + 1, 1)[:, 0])
    factors: Numbers = np.exp(sigma * normal)[middles.astype(np.int64)]
    return factors


def after(now: datetime, *, owed: float, an_hour: float, rhythm: Rhythm, seed: int | None = None) -> datetime:
    """Return when the next one comes, who is owed after so many average waits, at `an_hour` in an average hour.

    With a seed, hours have their noise.
    """
    needed, at = owed / an_hour, hour_of_week(now)
    start, passed = at, 0.0
    while at - start < FAR:
        step = TICK - math.fmod(at, TICK)
        gain = step * rhythm.pace(at + step / 2)
        if rhythm.hourly_noise and seed is not None:
            gain *= _hour_factor(
                rhythm.hourly_noise, seed, int((now + timedelta(hours=at - start)).timestamp() // HOUR)
            )
        if passed + gain >= needed:
            return now + timedelta(hours=at - start + step * (needed - passed) / gain)
        passed, at = passed + gain, at + step
    return now + timedelta(hours=FAR)


@lru_cache(maxsize=1_000)
def _hour_factor(sigma: float, seed: int, hour: int) -> float:
    return float(np.exp(sigma * ndtri(uniforms(seed, Stream.HOURS, 1, 1, first=hour)[0, 0])))


def hour_of_week(moment: datetime) -> float:
    return moment.weekday() * 24 + moment.hour + moment.minute / 60 + moment.second / 3600
