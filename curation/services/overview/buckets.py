"""Time in equal steps, and rates over the last hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from crowd.services.tallies import HOUR, Point

STEPS = 96
MINUTE = 60
RATE_WINDOW = timedelta(hours=3)
LEAST_FOR_A_RATE = 5


@dataclass(frozen=True, slots=True)
class Buckets:
    """Equal steps from `start` to `end`; what is older falls into bucket -1."""

    start: datetime
    end: datetime
    seconds: float

    @classmethod
    def between(cls, start: datetime, end: datetime) -> "Buckets":
        """Divide a span into 96 steps of at least a minute. It begins with a whole minute or hour, as counts do."""
        span = max((end - start).total_seconds(), STEPS * float(MINUTE))
        whole = HOUR if span >= STEPS * HOUR else MINUTE
        first = end - timedelta(seconds=span)
        first -= timedelta(seconds=first.timestamp() % whole)
        return cls(first, end, (end - first).total_seconds() / STEPS)

    def time(self, bucket: int) -> datetime:
        """Return the end of a bucket."""
        return self.start + timedelta(seconds=self.seconds * (bucket + 1))

    def running_total(self, counts: Mapping[int, int]) -> list[int]:
        """Return the total at the start and after every step."""
        total = counts.get(-1, 0)
        totals = [total]
        for bucket in range(STEPS):
            total += counts.get(bucket, 0) + (counts.get(STEPS, 0) if bucket == STEPS - 1 else 0)
            totals.append(total)
        return totals


@dataclass(frozen=True, slots=True)
class Pace:
    """What came in the window of the rate: in all, and an hour."""

    n: int = 0
    per_hour: float | None = None

    @classmethod
    def of(cls, points: Iterable[Point], *, total: int, now: datetime, since: datetime | None = None) -> "Pace":
        """Read the points of the window. Where all there is came inside of it, time counts from the first result.

        `since` is when work began; results are known to the minute only.
        """
        rows = list(points)
        n = sum(point.n for point in rows)
        window = now - RATE_WINDOW
        first = min((point.first for point in rows), default=window)
        start = window if total > n else max(window, first, since or window)
        return cls(n, per_hour(n, start, now))


def per_hour(n: int, since: datetime, now: datetime) -> float | None:
    """Return a rate, or None when there is too little to go by."""
    hours = (now - since).total_seconds() / HOUR
    return n / hours if n >= LEAST_FOR_A_RATE and hours > 0 else None
