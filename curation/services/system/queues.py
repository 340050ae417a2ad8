"""What is due: jobs by queue, commands to platforms by account, and what their quotas still allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from crowd.models import Account, OutboxCommand
from crowd.platforms.base import QuotaLeft
from crowd.platforms.connecting import terms_of
from crowd.services import quotas
from curation.models import Job
from curation.services.job_kinds import JOB_KINDS

State = Job.State
Sending = OutboxCommand.State
TIGHT = 0.8


@dataclass(frozen=True, slots=True)
class QueueRow:
    """`late` is for how many seconds the oldest due job has waited."""

    name: str
    due: int
    later: int
    running: int
    dead: int
    late: float | None


@dataclass(frozen=True, slots=True)
class QuotaLine:
    name: str
    window: str
    used: int
    most: int

    @property
    def tone(self) -> str:
        share = self.used / self.most if self.most else 1.0
        return "bad" if share >= 1 else "warn" if share >= TIGHT else ""


@dataclass(frozen=True, slots=True)
class AccountLine:
    account: Account
    platform: str
    waiting: int
    for_person: int
    quotas: tuple[QuotaLine, ...]


def queue_rows(*, now: datetime) -> list[QueueRow]:
    """Return every queue, also those where nothing waits."""
    is_due = Q(state=State.DUE, next_at__lte=now)
    unfinished = Job.objects.filter(state__in=[State.DUE, State.RUNNING, State.DEAD]).order_by()
    found: dict[str, Any] = {
        row["queue"]: row
        for row in unfinished.values("queue").annotate(
            due=Count("id", filter=is_due),
            later=Count("id", filter=Q(state=State.DUE, next_at__gt=now)),
            running=Count("id", filter=Q(state=State.RUNNING)),
            dead=Count("id", filter=Q(state=State.DEAD)),
            oldest=Min("next_at", filter=is_due),
        )
    }
    names = sorted({kind.queue for kind in JOB_KINDS.values()} | set(found))
    return [_queue_row(name, found.get(name, {}), now) for name in names]


def _queue_row(name: str, row: dict[str, Any], now: datetime) -> QueueRow:
    oldest: datetime | None = row.get("oldest")
    late = (now - oldest).total_seconds() if oldest else None
    due, later, running, dead = (row.get(state, 0) for state in ("due", "later", "running", "dead"))
    return QueueRow(name, due, later, running, dead, late)


def account_lines(*, accounts: Iterable[Account], now: datetime) -> list[AccountLine]:
    """Return accounts with what waits to be sent and the quotas of which something is used."""
    rows = list(accounts)
    waiting = OutboxCommand.objects.filter(account__in=rows).order_by().values("account_id")
    counts: dict[int, Any] = {
        row["account_id"]: row
        for row in waiting.annotate(
            planned=Count("id", filter=Q(state__in=[Sending.PLANNED, Sending.SENDING, Sending.UNKNOWN])),
            person=Count("id", filter=Q(state__in=[Sending.NEEDS_PERSON, Sending.DEAD])),
        )
    }
    left = quotas.left_of(accounts=rows, now=now)
    return [_account_line(account, counts.get(account.pk, {}), left.get(account.pk, ())) for account in rows]


def _account_line(account: Account, row: dict[str, Any], left: Iterable[QuotaLeft]) -> AccountLine:
    lines = tuple(
        QuotaLine(one.name, quotas.window_words(one.window_seconds), one.used, one.most) for one in left if one.used
    )
    title = terms_of(account.platform).title
    return AccountLine(account, title, row.get("planned", 0), row.get("person", 0), lines)
