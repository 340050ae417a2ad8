"""The pools of all campaigns of a person: filtered, sorted and cut into pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from crowd.models import Account, OutboxCommand
from curation.models import Pool, Project
from curation.services.overview.advice import Advised
from curation.services.overview.eta import with_said
from curation.services.overview.pools import Asked, PoolRow, sharing

PAGE = 50
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "": (Pool.State.DRAFT, Pool.State.OPENING, Pool.State.OPEN, Pool.State.PAUSED),
    "running": (Pool.State.OPENING, Pool.State.OPEN),
    "stopped": (Pool.State.DRAFT, Pool.State.PAUSED),
    "done": (Pool.State.DONE,),
    "all": tuple(Pool.State.values),
}
NEVER = float("inf")
STUCK = (OutboxCommand.State.REFUSED, OutboxCommand.State.DEAD, OutboxCommand.State.NEEDS_PERSON)
GROUPED: Final = ("project__name", "project_id", "stage__position", "kind", "id")
IN_THE_DATABASE: Final[Mapping[str, str]] = {"name": "title", "priority": "priority", "started": "started_at"}
Value = Callable[["PoolLine"], Any]


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A row of a table of pools, with sentences about what is wrong with it."""

    row: PoolRow
    alarms: tuple[str, ...]
    begins_project: bool = False


IN_MEMORY: Final[Mapping[str, Value]] = {
    "name": lambda line: (line.row.pool.title, line.row.pool.pk),
    "priority": lambda line: line.row.pool.priority,
    "started": lambda line: _when(line.row.pool.started_at),
    "accepted": lambda line: line.row.accepted / line.row.target if line.row.target else 0.0,
    "in_check": lambda line: line.row.in_check,
    "status": lambda line: line.row.status,
    "platform": lambda line: line.row.pool.account.label,
    "price": lambda line: line.row.pool.price_micro,
    "left": lambda line: NEVER if line.row.is_never or line.row.hours_left is None else line.row.hours_left,
    "spent": lambda line: line.row.spent_micro,
    "acceptance": lambda line: -1.0 if line.row.acceptance is None else line.row.acceptance,
    "alarms": lambda line: len(line.alarms),
}


def _when(moment: datetime | None) -> float:
    return moment.timestamp() if moment else NEVER


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address of the list asks for. Unknown words ask for nothing."""

    text: str = ""
    show: str = ""
    project: UUID | None = None
    sort: str = ""
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Wanted":
        show, sort, page = query.get("show", ""), query.get("sort", ""), query.get("page", "")
        return cls(
            text=query.get("q", "").replace("\0", "").strip()[:100],
            show=show if show in STATES else "",
            project=_uuid(query.get("project", "")),
            sort=sort if sort.removeprefix("-") in IN_MEMORY else "",
            page=int(page) if page.isdecimal() and 0 < int(page[:6]) < 100_000 else 1,
        )

    @property
    def any(self) -> bool:
        return bool(self.text or self.show or self.project)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of the list."""

    lines: Sequence[PoolLine]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @property
    def first(self) -> int:
        return (self.page - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return (self.page - 1) * PAGE + len(self.lines)


def pools_of_all(*, projects: Sequence[Project], wanted: Wanted, now: datetime) -> Shown:
    """Return a page of the pools of these projects.

    Sorted by a column of the database only this page is counted; by a number that has to be worked out, all are.
    """
    found = _filtered(projects, wanted)
    key, is_down = wanted.sort.removeprefix("-"), wanted.sort.startswith("-")
    if key and key not in IN_THE_DATABASE:
        return page_of_rows(_rows(found, now, projects), wanted)
    total = found.count()
    page = min(wanted.page, max(1, -(-total // PAGE)))
    if key:
        column = F(IN_THE_DATABASE[key])
        ordered = found.order_by(column.desc(nulls_last=True) if is_down else column.asc(nulls_last=True), "id")
    else:
        ordered = found.order_by(*GROUPED)
    rows = _rows(ordered[(page - 1) * PAGE : page * PAGE], now, projects)
    return Shown(lines_of(rows, grouped=not key), total, page)


def page_of_rows(rows: Sequence[PoolRow], wanted: Wanted) -> Shown:
    """Return a page of rows in the order that is wanted, else in theirs; what is wrong is asked of those it shows."""
    key = wanted.sort.removeprefix("-")
    lines = lines_of(rows) if key == "alarms" else [PoolLine(row, ()) for row in rows]
    if key:
        lines.sort(key=IN_MEMORY[key], reverse=wanted.sort.startswith("-"))
    page = min(wanted.page, max(1, -(-len(lines) // PAGE)))
    return Shown(lines_of([line.row for line in lines[(page - 1) * PAGE : page * PAGE]]), len(lines), page)


def _filtered(projects: Sequence[Project], wanted: Wanted) -> QuerySet[Pool]:
    ids = [one.pk for one in projects if wanted.project is None or one.public_id == wanted.project]
    found = Pool.objects.filter(project__in=ids, state__in=STATES[wanted.show])
    for word in wanted.text.split():
        found = found.filter(
            Q(title__icontains=word)
            | Q(label_class__name__icontains=word)
            | Q(project__name__icontains=word)
            | Q(project__team__icontains=word)
            | Q(project__owner__icontains=word)
            | Q(account__label__icontains=word)
        )
    return found


def _rows(pools: QuerySet[Pool], now: datetime, projects: Sequence[Project]) -> list[PoolRow]:
    found = sharing(with_said(pools), projects)
    accounts = Account.objects.in_bulk({pool.account_id for pool in found})
    for pool in found:
        pool.account = accounts[pool.account_id]
    asked = Asked.of(found)
    return asked.rows(asked.count(now=now))


def lines_of(rows: Sequence[PoolRow], *, grouped: bool = False) -> list[PoolLine]:
    """Add what is wrong: commands that did not get through, and numbers out of range."""
    batches = {batch.pk: row.pool.pk for row in rows for batch in row.batches}
    stuck = OutboxCommand.objects.filter(batch_id__in=batches, state__in=STUCK).order_by().values_list("batch_id")
    lost: dict[int, int] = {}
    for batch_id, n in stuck.annotate(n=Count("id")):
        lost[batches[batch_id]] = lost.get(batches[batch_id], 0) + n
    before, lines = None, []
    for row in rows:
        lines.append(PoolLine(row, _alarms(row, lost.get(row.pool.pk, 0)), grouped and row.pool.project_id != before))
        before = row.pool.project_id
    return lines


def _alarms(row: PoolRow, lost: int) -> tuple[str, ...]:
    told = [advice.text for advice in Advised(row).all() if advice.action != row.action]
    if lost:
        told.insert(0, f"{lost:,} command{'s' if lost > 1 else ''} did not get through to the platform.")
    return tuple(told)
