"""What a worker has earned in a day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crowd.money import money_text
from crowd.quality.wording import Verdict

A_DAY = timedelta(hours=24)


def income_last_day(payments: Sequence[tuple[datetime, int]], *, now: datetime) -> int:
    """Return the micro-dollars paid in the 24 hours up to `now`; `payments` are (time, micro-dollars) in any order."""
    return sum(amount for paid_at, amount in payments if now - A_DAY < paid_at <= now)


def earned_enough(payments: Sequence[tuple[datetime, int]], *, now: datetime, limit_micro: int) -> Verdict:
    """Say whether a worker has reached the income of a day."""
    earned = income_last_day(payments, now=now)
    return Verdict(
        earned >= limit_micro,
        f"{money_text(earned)} earned in the last 24 hours, the limit is {money_text(limit_micro)}",
    )
