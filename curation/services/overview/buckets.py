"""Rows over time: counted in equal steps by the database."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, FloatField, Func, IntegerField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Floor, Greatest

STEPS = 96
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
        """Divide a span into 96 steps of at least a minute."""
        span = max((end - start).total_seconds(), STEPS * 60.0)
        return cls(end - timedelta(seconds=span), end, span / STEPS)

    def of(self, column: str) -> Combinable:
        """Return the SQL expression of a timestamp's bucket number."""
        age = Func(
            F(column),
            Value(self.start),
            arg_joiner=" - ",
            template="EXTRACT(EPOCH FROM (%(expressions)s))",
            output_field=FloatField(),
        )
        return Cast(Greatest(Floor(age / self.seconds), Value(-1.0)), IntegerField())

    def time(self, bucket: int) -> datetime:
        """Return the end of a bucket."""
        return self.start + timedelta(seconds=self.seconds * (bucket + 1))

    def running_total(self, counts: dict[int, int]) -> list[int]:
        """Return the total at the start and after every step."""
        total = counts.get(-1, 0)
        totals = [total]
        for bucket in range(STEPS):
            total += counts.get(bucket, 0) + (counts.get(STEPS, 0) if bucket == STEPS - 1 else 0)
            totals.append(total)
        return totals


def per_hour(n: int, since: datetime | None, now: datetime) -> float | None:
    """Return a rate over at most the last three hours, or None when there is too little to go by."""
    if n < LEAST_FOR_A_RATE or since is None:
        return None
    start = max(since, now - RATE_WINDOW)
    hours = (now - start).total_seconds() / 3600
    return n / hours if hours > 0 else None


def hours_left(missing: int, rate: float | None) -> float | None:
    """Return the hours until nothing is missing at this rate; None when nobody can say."""
    if missing <= 0:
        return 0.0
    if not rate or not math.isfinite(rate):
        return None
    return missing / rate
