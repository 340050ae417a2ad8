"""Teams of in-house people: who is in them, what they are paid, and what the time of a page costs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Batch, Worker, WorkerTeam

Pay = WorkerTeam.Pay
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
MOST_HOURLY_MICRO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a team is paid: by the page, or by the hour at a rate."""

    pay: str = Pay.PER_PAGE
    hourly_micro: int = 0

    def check(self) -> None:
        if self.pay not in Pay.values:
            raise CrowdError(f"A team is paid by page or by hour, not {self.pay!r}.")
        if self.pay == Pay.HOURLY and not 0 < self.hourly_micro <= MOST_HOURLY_MICRO:
            raise CrowdError("A team that is paid by the hour needs a rate above zero and of at most 1,000.")


def make(*, account: Account, name: str, terms: Terms) -> WorkerTeam:
    """Make a team of an account."""
    name = name.strip()
    if not name or len(name) > 80:
        raise CrowdError("A team needs a name of at most 80 characters.")
    terms.check()
    try:
        with transaction.atomic():
            return WorkerTeam.objects.create(account=account, name=name, pay=terms.pay, hourly_micro=_rate(terms))
    except IntegrityError:
        raise CrowdError(f"The name {name!r} is taken; choose another one.") from None


@transaction.atomic
def change_pay(*, team_id: int, terms: Terms) -> WorkerTeam:
    """Pay a team in another way from its next page on: a page in hand is paid as was agreed when it was issued."""
    terms.check()
    team = WorkerTeam.objects.select_for_update().get(pk=team_id)
    team.pay, team.hourly_micro = terms.pay, _rate(terms)
    team.save(update_fields=["pay", "hourly_micro"])
    return team


def _rate(terms: Terms) -> int:
    return terms.hourly_micro if terms.pay == Pay.HOURLY else 0


@transaction.atomic
def move(*, worker_id: int, team: WorkerTeam | None) -> Worker:
    """Put a worker into a team of his account, or into none."""
    worker = Worker.objects.select_for_update(of=("self",)).get(pk=worker_id)
    if team is not None and team.account_id != worker.account_id:
        raise CrowdError(f"{team.name} is a team of another platform account.")
    worker.team = team
    worker.save(update_fields=["team"])
    return worker


def rate_of(*, worker: Worker, batch: Batch) -> int:
    """Return what an hour of this work is paid to this worker; 0 = he is paid by the page. Training is unpaid."""
    team = worker.team
    if team is None or team.pay != Pay.HOURLY or batch.kind != Batch.Kind.MAIN:
        return 0
    return team.hourly_micro


def worth(*, hourly_micro: int, time: timedelta) -> int:
    """Return what so much time is paid, rounded up to the micro-unit."""
    return -(-hourly_micro * max(0, time // MICROSECOND) // (HOUR // MICROSECOND))


def time_of(*, page: Assignment, now: datetime) -> timedelta:
    """Return how long a page has been in its worker's hands by our own clock, at most its lease."""
    end = min(page.submitted_at or now, page.lease_until)
    return max(timedelta(0), end - page.issued_at)


def due_for(*, page: Assignment, now: datetime) -> int:
    """Return what a page that is paid by the hour is worth by now, never more than is held for it."""
    return min(page.price_micro, worth(hourly_micro=page.hourly_micro, time=time_of(page=page, now=now)))
