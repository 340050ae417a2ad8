"""The numbers of the money page: totals for each currency, stages with what was planned, days, pools, workers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crowd.models import Budget, Worker
from curation.models import Project
from curation.services.budgets import BudgetRow, budget_rows
from curation.services.overview import pool_rows
from curation.services.statements import Cube, Line, Names, Sums, cube, top_workers, workers_of

DAYS_SHOWN = 30
WORKERS_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Total:
    """What one currency of the project comes to."""

    budget: Budget
    sums: Sums


@dataclass(frozen=True, slots=True)
class Cost:
    """A stage or pool with what it may cost when all that is wanted is done."""

    key: int | None
    name: str
    currency: str
    sums: Sums
    planned_micro: int = 0

    @property
    def tone(self) -> str:
        return "hot" if self.planned_micro and self.sums.total > 1.1 * self.planned_micro else "s2"


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    spent_micro: int


@dataclass(frozen=True, slots=True)
class Earner:
    worker: Worker
    line: Line


@dataclass(frozen=True, slots=True)
class MoneyNumbers:
    names: Names
    budgets: Sequence[BudgetRow]
    totals: Sequence[Total]
    stages: Sequence[Cost]
    pools: Sequence[Cost]
    days: dict[str, Sequence[Day]]
    earners: Sequence[Earner]

    @property
    def is_empty(self) -> bool:
        return not any(total.sums.total or total.budget.reserved_micro for total in self.totals)

    @property
    def warnings(self) -> list[BudgetRow]:
        return [row for row in self.budgets if row.tone]

    @property
    def currencies(self) -> list[str]:
        return [total.budget.currency for total in self.totals]


def money_numbers(*, project: Project, now: datetime) -> MoneyNumbers:
    """Read everything: the ledger twice, however much was paid."""
    names, found, budgets = Names.of(project), cube(project=project), budget_rows(project=project)
    totals = found.totals()
    planned: Counter[tuple[str, int, str]] = Counter()
    for row in pool_rows(project=project, now=now):
        currency = row.pool.account.currency
        planned["stage", row.pool.stage_id, currency] += row.planned_micro
        planned["pool", row.pool.pk, currency] += row.planned_micro
    return MoneyNumbers(
        names=names,
        budgets=budgets,
        totals=[
            Total(row.budget, totals.get(row.budget.currency, Sums()))
            for row in budgets
            if row.budget.scope == Budget.Scope.PROJECT
        ],
        stages=_costs("stage", found, names, planned),
        pools=_costs("pool", found, names, planned),
        days={currency: _days(found, currency, now.date()) for currency in totals},
        earners=_earners(project),
    )


def _costs(by: str, found: Cube, names: Names, planned: Counter[tuple[str, int, str]]) -> list[Cost]:
    """Return what is planned or spent, in the order of the recipe; what belongs to none of them comes last."""
    sums = {(line.key, line.currency): line.sums for line in found.by(by)}
    order = [*(names.stages if by == "stage" else names.pools)]
    keys = {*sums, *((key, currency) for kind, key, currency in planned if kind == by)}
    rows = [
        Cost(
            key if isinstance(key, int) else None,
            names.of_line(by, key, {}),
            currency,
            sums.get((key, currency), Sums()),
            planned[by, key, currency] if isinstance(key, int) else 0,
        )
        for key, currency in keys
    ]
    place = {key: number for number, key in enumerate(order)}
    rows.sort(key=lambda row: (place.get(row.key or 0, len(order)), row.currency != "USD", row.currency))
    return [row for row in rows if row.planned_micro or row.sums != Sums()]


def _days(found: Cube, currency: str, today: date) -> list[Day]:
    """Return every day from the first with money, at most a month back, gaps included."""
    spent = {line.key: line.sums.total for line in found.by("day") if line.currency == currency}
    known = [key for key in spent if isinstance(key, date)]
    if not known:
        return []
    last = max(today, *known) if max(known) > today - timedelta(days=DAYS_SHOWN) else max(known)
    first = max(min(known), last - timedelta(days=DAYS_SHOWN - 1))
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    return [Day(day, spent.get(day, 0)) for day in days]


def _earners(project: Project) -> list[Earner]:
    lines = top_workers(project=project, most=WORKERS_SHOWN)
    workers = workers_of(line.key for line in lines)
    return [Earner(workers[line.key], line) for line in lines if isinstance(line.key, int) and line.key in workers]
