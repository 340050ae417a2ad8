"""Statements: what was paid, by worker, pool, class, stage, platform or day, with a row for each currency."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from heapq import nsmallest
from typing import Any, Final, TypeVar

from django.db.models import QuerySet

from crowd.models import LedgerEntry, Worker
from crowd.money import dollars
from curation.models import Pool, Project, User
from curation.services import growing_sums
from curation.services.growing_sums import Amounts
from curation.services.sheets import Cell

Key = int | date | None
K = TypeVar("K")
COLUMNS: Final[Mapping[str, str]] = {
    "worker": "worker_id",
    "pool": "pool_id",
    "class": "pool_id",
    "stage": "stage_id",
    "platform": "account_id",
    "day": "day",
}
SIDES: Final = ("currency", "stage_id", "pool_id", "account_id", "day")  # of a cube
ROWS_AT_ONCE = 2_000
NOBODY = "not of one worker"
NO_PLACE = "whole project"
EVERY_CLASS = "pools of every class"
NO_PLATFORM = "no platform"
NOTHING: Final[Mapping[str, str]] = {"worker": NOBODY, "class": EVERY_CLASS, "platform": NO_PLATFORM}


@dataclass(frozen=True, slots=True)
class Sums:
    """What left the project, in micro-units; what came back is negative."""

    pages: int = 0
    work: int = 0
    bonus: int = 0
    fee: int = 0
    refund: int = 0
    correction: int = 0

    @property
    def amounts(self) -> Amounts:
        return self.pages, self.work, self.bonus, self.fee, self.refund, self.correction

    @property
    def total(self) -> int:
        return self.work + self.bonus + self.fee + self.refund + self.correction


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a statement."""

    key: Key
    currency: str
    sums: Sums


@dataclass(frozen=True)
class Cube:
    """All sums of a project by currency, stage, pool, platform and day, read once; statements are added up from it."""

    cells: Mapping[tuple[Any, ...], Amounts]

    @cached_property
    def of_all_days(self) -> Mapping[tuple[Any, ...], Amounts]:
        """The same without days: thirty times fewer, and all but one statement are added up from them."""
        return _added_up((key[:-1], amounts) for key, amounts in self.cells.items())

    def by(self, name: str) -> list[Line]:
        """Return the lines of a statement: days in order, all else by what was spent."""
        cells, place = self.cells if name == "day" else self.of_all_days, SIDES.index(COLUMNS[name])
        found = _added_up(((key[0], key[place]), amounts) for key, amounts in cells.items())
        return _in_order(name, [Line(key, currency, Sums(*amounts)) for (currency, key), amounts in found.items()])

    def totals(self) -> dict[str, Sums]:
        """Return the sums of each currency."""
        found = _added_up((key[0], amounts) for key, amounts in self.of_all_days.items())
        return {currency: Sums(*amounts) for currency, amounts in found.items()}


def _added_up(cells: Iterable[tuple[K, Amounts]]) -> dict[K, Amounts]:
    """Add up what has the same key; a campaign has thousands of cells, so column by column."""
    found: defaultdict[K, list[Amounts]] = defaultdict(list)
    for key, amounts in cells:
        found[key].append(amounts)
    return {key: tuple(map(sum, zip(*several, strict=True))) for key, several in found.items()}


def _in_order(name: str, lines: list[Line]) -> list[Line]:
    """Days stand in order, all else by what was spent; dollars first."""
    if name == "day":
        return sorted(lines, key=lambda line: (line.currency != "USD", line.currency, str(line.key)))
    return sorted(lines, key=lambda line: (line.currency != "USD", line.currency, -line.sums.total, str(line.key)))


def cube(*, project: Project) -> Cube:
    return Cube(growing_sums.sums(project, *SIDES[1:]))


def statement(*, project: Project, by: str) -> list[Line]:
    """Return who or what got how much."""
    if by == "worker":
        return sorted(_lines(project, "worker"), key=lambda line: (line.currency, *_most_first(line)))
    lines = _in_order(by, _lines(project, by))
    return by_class(lines, class_of_pool(project)) if by == "class" else lines


def _lines(project: Project, by: str) -> list[Line]:
    found = growing_sums.sums(project, COLUMNS[by])
    return [Line(key, currency, Sums(*amounts)) for (currency, key), amounts in found.items()]


def _most_first(line: Line) -> tuple[int, bool, Any]:
    """Nobody's comes last among equals."""
    return -line.sums.total, line.key is None, line.key or 0


def class_of_pool(project: Project) -> dict[int, int]:
    """Return the class of each pool that collects for one."""
    rows = Pool.objects.filter(project=project, label_class__isnull=False)
    return {pool: label for pool, label in rows.values_list("pk", "label_class_id") if label is not None}


def by_class(lines: Iterable[Line], classes: Mapping[int, int]) -> list[Line]:
    """Add lines of pools up to classes; what pools of every class cost stands under no class."""
    found = _added_up(
        ((line.currency, classes.get(line.key) if isinstance(line.key, int) else None), line.sums.amounts)
        for line in lines
    )
    return _in_order("class", [Line(label, currency, Sums(*amounts)) for (currency, label), amounts in found.items()])


def top_workers(*, project: Project, most: int) -> list[Line]:
    """Return those who were paid most, without what belongs to no worker."""
    somebodys = (line for line in _lines(project, "worker") if line.key is not None)
    return nsmallest(most, somebodys, key=_most_first)


@dataclass(frozen=True, slots=True)
class Names:
    """What ledger rows call by number, in words."""

    stages: Mapping[int, str]
    pools: Mapping[int, str]
    accounts: Mapping[int, str]
    classes: Mapping[int, str]

    @classmethod
    def of(cls, project: Project, pools: Iterable[Pool] | None = None) -> "Names":
        """Read the names, but those of pools and their accounts if somebody has read these already."""
        if pools is None:
            pools = Pool.objects.filter(project=project).select_related("account").only("title", "account__label")
        return cls(
            {stage.pk: stage.title for stage in project.stages.all()},
            {pool.pk: pool.title for pool in pools},
            {pool.account_id: pool.account.label for pool in pools},
            dict(project.classes.values_list("pk", "name")),
        )

    def of_line(self, by: str, key: Key, workers: Mapping[int, Worker]) -> str:
        if isinstance(key, date):
            return key.isoformat()
        if key is None:
            return NOTHING.get(by, NO_PLACE)
        if by == "worker":
            return workers[key].short_id if key in workers else f"worker {key}"
        return self.named(by).get(key, f"{by} {key}")

    def named(self, by: str) -> Mapping[int, str]:
        return {"stage": self.stages, "platform": self.accounts, "class": self.classes}.get(by, self.pools)


def workers_of(keys: Iterable[Key]) -> dict[int, Worker]:
    ids = [key for key in keys if isinstance(key, int)]
    return Worker.objects.select_related("account").in_bulk(ids)


STATEMENT_HEADER: Final = (
    "key", "name", "currency", "pages", "work", "bonuses", "fees", "refunds", "corrections", "total",
)  # fmt: skip


def statement_cells(*, project: Project, by: str) -> Iterator[Sequence[Cell]]:
    """Return the rows of a statement's CSV. Workers go by their pseudonyms."""
    names, lines = Names.of(project), statement(project=project, by=by)
    for start in range(0, len(lines), ROWS_AT_ONCE):
        some = lines[start : start + ROWS_AT_ONCE]
        workers = workers_of(line.key for line in some) if by == "worker" else {}
        for line in some:
            name = names.of_line(by, line.key, workers)
            yield (line.key, name, line.currency, line.sums.pages, *_amounts(line.sums))


def _amounts(sums: Sums) -> tuple[Decimal, ...]:
    micros = (sums.work, sums.bonus, sums.fee, sums.refund, sums.correction, sums.total)
    return tuple(dollars(micro) for micro in micros)


LEDGER_HEADER: Final = (
    "id", "time", "kind", "from", "to", "amount", "currency", "stage", "pool", "account", "worker", "reference",
    "by", "note",
)  # fmt: skip


def ledger_cells(*, project: Project, rows: "QuerySet[LedgerEntry]") -> Iterator[Sequence[Cell]]:
    """Return ledger rows for a CSV, oldest first, some thousand at a time; what is booked meanwhile is left out."""
    names = Names.of(project)
    last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    after, more = 0, True
    while more:
        page = list(rows.filter(pk__gt=after, pk__lte=last).order_by("pk")[:ROWS_AT_ONCE])
        more = len(page) == ROWS_AT_ONCE
        after = page[-1].pk if page else after
        workers, people = workers_of(row.worker_id for row in page), _people(page)
        for row in page:
            yield _ledger_cells(row, names, workers, people)


def _people(rows: Iterable[LedgerEntry]) -> dict[int, str]:
    ids = {row.by_id for row in rows if row.by_id is not None}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


def _ledger_cells(
    row: LedgerEntry, names: Names, workers: Mapping[int, Worker], people: Mapping[int, str]
) -> Sequence[Cell]:
    created: datetime = row.created_at
    worker = workers.get(row.worker_id or 0)
    return (
        row.pk,
        created,
        row.kind,
        row.source,
        row.target,
        dollars(row.amount_micro),
        row.currency,
        names.stages.get(row.stage_id or 0, ""),
        names.pools.get(row.pool_id or 0, ""),
        names.accounts.get(row.account_id or 0, ""),
        worker.short_id if worker else "",
        row.ref,
        people.get(row.by_id or 0, ""),
        row.note,
    )
