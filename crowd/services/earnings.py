"""What workers have earned, by day and project. Money is summed from the ledger, so it is what was really booked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum, When
from django.db.models.functions import Least, TruncDate

from crowd.models import Assignment, LedgerEntry

State, Book, Kind = Assignment.State, LedgerEntry.Book, LedgerEntry.Kind


@dataclass(slots=True)
class Line:
    """One day of one worker in one project, in micro-units; `time` is that of accepted pages paid by the hour."""

    day: date
    project_id: int
    worker_id: int
    accepted: int = 0
    work_micro: int = 0
    bonus_micro: int = 0
    other_micro: int = 0
    in_check: int = 0
    in_check_micro: int = 0
    rejected: int = 0
    time: timedelta = timedelta(0)

    @property
    def earned_micro(self) -> int:
        return self.work_micro + self.bonus_micro + self.other_micro


@dataclass(frozen=True, slots=True)
class Refused:
    """A page that was not accepted, and why."""

    page_id: int
    worker_id: int
    project_id: int
    title: str
    reason: str
    judged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Statement:
    lines: tuple[Line, ...]
    rejected: tuple[Refused, ...]
    total: Line


@dataclass(frozen=True, slots=True)
class SoFar:
    earned_micro: int
    in_check_micro: int


def so_far(*, worker_id: int) -> SoFar:
    """Return what a worker was paid by the ledger, and what his pages in check are worth."""
    mine = LedgerEntry.objects.filter(worker_id=worker_id).filter(Q(source=Book.WORKERS) | Q(target=Book.WORKERS))
    earned = mine.aggregate(n=Sum(_signed()))["n"] or 0
    waiting = Assignment.objects.filter(worker_id=worker_id, state=State.SUBMITTED)
    return SoFar(earned, waiting.aggregate(n=Sum("price_micro"))["n"] or 0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page that is in check, and by when it is to be judged."""

    title: str
    price_micro: int
    due: datetime


def waiting(*, worker_id: int, most: int = 20) -> list[Waiting]:
    """Return a worker's pages in check, the one that is judged first at the top."""
    rows = Assignment.objects.filter(worker_id=worker_id, state=State.SUBMITTED, submitted_at__isnull=False)
    pages = [
        Waiting(str(row.batch.spec.get("title", "")), row.price_micro, _due(row))
        for row in rows.select_related("batch")
    ]
    return sorted(pages, key=lambda page: page.due)[:most]


def _due(page: Assignment) -> datetime:
    """Return when the platform accepts by itself; of our own pools, until when they are to be judged."""
    return page.review_until or (page.submitted_at or page.issued_at) + timedelta(days=page.batch.review_days)


def _signed() -> Case:
    return Case(When(target=Book.WORKERS, then=F("amount_micro")), default=-F("amount_micro"))


def statement(*, worker_ids: Sequence[int], project_id: int | None = None) -> Statement:
    """Put together what these workers have earned, in one project or in all, newest day first."""
    lines: dict[tuple[date, int, int], Line] = {}
    pages = Assignment.objects.filter(worker_id__in=worker_ids)
    booked = LedgerEntry.objects.filter(worker_id__in=worker_ids)
    if project_id is not None:
        pages, booked = pages.filter(project_id=project_id), booked.filter(project_id=project_id)
    _add_money(lines, booked)
    _add_pages(lines, pages)
    ordered = sorted(lines.values(), key=lambda line: (-line.day.toordinal(), line.project_id, line.worker_id))
    return Statement(tuple(ordered), _refused(pages), _sum(ordered))


def _line(lines: dict[tuple[date, int, int], Line], row: Mapping[str, Any]) -> Line:
    key = (row["day"], row["project_id"], row["worker_id"])
    return lines.setdefault(key, Line(*key))


def _add_money(lines: dict[tuple[date, int, int], Line], booked: QuerySet[LedgerEntry]) -> None:
    """Only what went to workers or came back from them: fees are the platform's."""
    mine = booked.filter(Q(source=Book.WORKERS) | Q(target=Book.WORKERS))
    days = mine.annotate(day=TruncDate("created_at", tzinfo=UTC)).order_by()
    for row in days.values("day", "project_id", "worker_id", "kind").annotate(amount=Sum(_signed())):
        line = _line(lines, row)
        if row["kind"] == Kind.CHARGE:
            line.work_micro += row["amount"]
        elif row["kind"] == Kind.BONUS:
            line.bonus_micro += row["amount"]
        else:
            line.other_micro += row["amount"]


def _add_pages(lines: dict[tuple[date, int, int], Line], pages: QuerySet[Assignment]) -> None:
    for row in _by_day(pages):
        line = _line(lines, row)
        if row["state"] == State.ACCEPTED:
            line.accepted, line.time = row["n"], row["time"] or timedelta(0)
        elif row["state"] == State.SUBMITTED:
            line.in_check, line.in_check_micro = row["n"], row["amount"]
        else:
            line.rejected = row["n"]


def _by_day(pages: QuerySet[Assignment]) -> Iterable[Mapping[str, Any]]:
    """Add up pages by the day on which they were judged; those in check by the day on which they were handed in."""
    spent = ExpressionWrapper(Least("submitted_at", "lease_until") - F("issued_at"), output_field=DurationField())
    moment = Case(When(state=State.SUBMITTED, then=F("submitted_at")), default=F("judged_at"))
    told = pages.filter(state__in=[State.ACCEPTED, State.SUBMITTED, State.REJECTED]).annotate(moment=moment)
    days = told.filter(moment__isnull=False).annotate(spent=spent, day=TruncDate("moment", tzinfo=UTC)).order_by()
    by_the_hour = Q(hourly_micro__gt=0, submitted_at__isnull=False)
    grouped = days.values("day", "project_id", "worker_id", "state")
    return grouped.annotate(n=Count("id"), amount=Sum("price_micro"), time=Sum("spent", filter=by_the_hour))


def _refused(pages: QuerySet[Assignment]) -> tuple[Refused, ...]:
    rows = pages.filter(state=State.REJECTED).select_related("batch").order_by("-judged_at", "-id")
    return tuple(
        Refused(row.pk, row.worker_id, row.project_id, str(row.batch.spec.get("title", "")), row.reason, row.judged_at)
        for row in rows[:500]
    )


def _sum(lines: Sequence[Line]) -> Line:
    total = Line(date.min, 0, 0)
    for line in lines:
        total.accepted += line.accepted
        total.work_micro += line.work_micro
        total.bonus_micro += line.bonus_micro
        total.other_micro += line.other_micro
        total.in_check += line.in_check
        total.in_check_micro += line.in_check_micro
        total.rejected += line.rejected
        total.time += line.time
    return total
