"""When people of a crowd are at work: how much comes in each hour of the week, beside a usual hour. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DAY, HOURS = 24, 168
BUSIEST, SWING = 16, 0.6  # what is taken of an unknown crowd: afternoons are busy, nights are quiet
KAPPA = 1.0  # an even week that counts beside those that were seen
ALIKE = 4.0  # weeks that the usual hours of a day and the usual days count for, beside the hour of the week itself
GUESSED = 0.3  # how far a guessed shape may be off: a standard deviation, as a share
AN_HOUR = timedelta(hours=1)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Week:
    """What comes in each hour of a week, Monday at midnight first, in `zone`; a usual hour is 1.

    `seen` is how many weeks it was learned from; 0 = the usual shape of a day.
    """

    shape: Floats
    zone: tzinfo = UTC
    seen: float = 0.0

    @classmethod
    def usual(cls, zone: tzinfo = UTC) -> "Week":
        hours = np.arange(HOURS) % DAY
        return cls(1 + SWING * np.cos(2 * np.pi * (hours - BUSIEST) / DAY), zone)

    @classmethod
    def flat(cls) -> "Week":
        return cls(np.ones(HOURS))

    @classmethod
    def learned(cls, counts: Mapping[int, int], *, weeks: float, zone: tzinfo = UTC) -> "Week":
        """Learn the shape from counts by hour of the week, summed over so many weeks.

        An hour of the week is drawn towards its day's and its hour's mean, and those towards an even week: for a mean
        x over n weeks (n x + k m) / (n + k), k weeks for m. With less than a week hours of the day are learned alone,
        with less than a day or without any count nothing is.
        """
        total = sum(counts.values())
        if weeks * HOURS < DAY or not total:
            return cls.usual(zone)
        found = np.zeros(HOURS)
        for hour, n in counts.items():
            found[hour] = n
        return cls(_drawn_together(found / found.mean(), weeks), zone, weeks)

    @property
    def doubt(self) -> float:
        """Return how far the worth of some hours may be off: a variance, as a share."""
        return GUESSED**2 / (1 + 7 * self.seen)

    @cached_property
    def _running(self) -> Floats:
        return np.concatenate(([0.0], np.cumsum(self.shape)))

    def _until(self, place: float) -> float:
        """Return what comes from Monday at midnight to this hour of a week, in usual hours."""
        weeks, rest = divmod(place, HOURS)
        whole = math.floor(rest)
        inside = (rest - whole) * self.shape[whole] if rest > whole else 0.0
        return float(weeks * self._running[-1] + self._running[whole] + inside)

    def place(self, moment: datetime) -> float:
        """Return the hour of the week of a moment, with its fraction."""
        local = moment.astimezone(self.zone)
        return local.weekday() * DAY + local.hour + local.minute / 60 + local.second / 3600

    def between(self, start: datetime, end: datetime) -> float:
        """Return how many usual hours a span is worth."""
        place = self.place(start)
        return self._until(place + (end - start) / AN_HOUR) - self._until(place)

    def ahead(self, start: datetime, hours: int) -> tuple[Floats, Floats]:
        """Return the lengths and the worths of the next steps: the rest of this hour, then whole hours."""
        place = self.place(start)
        first = math.floor(place)
        lengths = np.ones(hours + 1)
        lengths[0] = 1 - (place - first)
        return lengths, lengths * self.shape[(first + np.arange(hours + 1)) % HOURS]


def _drawn_together(found: Floats, weeks: float) -> Floats:
    """Shrink the hours of a week, given as shares of their mean, as far as they were seen too seldom."""
    grid = found.reshape(7, DAY)
    days_seen = 7 * weeks
    hours = (days_seen * grid.mean(axis=0) + KAPPA) / (days_seen + KAPPA)
    if weeks < 1:
        return np.tile(hours, 7)
    days = (weeks * grid.mean(axis=1) + KAPPA) / (weeks + KAPPA)
    alike = np.outer(days, hours).ravel()
    return np.asarray((weeks * found + ALIKE * alike / alike.mean()) / (weeks + ALIKE))
