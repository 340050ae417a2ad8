"""A page that is paid by its time, as its worker sees it."""

from dataclasses import dataclass
from datetime import datetime

from crowd.models import Assignment
from crowd.services import teams
from curation.portal import amounts
from curation.portal.offers import hourly_text


@dataclass(frozen=True, slots=True)
class TimePay:
    """A page that is paid by its time: by which rate, what it is worth so far and at most."""

    rate: str
    so_far: str
    most: str
    currency: str
    hourly_micro: int
    most_micro: int
    spent_ms: int


def time_pay(page: Assignment, now: datetime) -> TimePay | None:
    """Return how the time of a page is paid; None = it has a price."""
    if not page.hourly_micro:
        return None
    return TimePay(
        rate=hourly_text(page.hourly_micro, page.account.currency),
        so_far=amounts.total(teams.due_for(page=page, now=now), page.account.currency),
        most=amounts.total(page.price_micro, page.account.currency),
        currency=page.account.currency,
        hourly_micro=page.hourly_micro,
        most_micro=page.price_micro,
        spent_ms=int(teams.time_of(page=page, now=now).total_seconds() * 1000),
    )
