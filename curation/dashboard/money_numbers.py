"""The numbers of the money page: totals for each currency, stages with what was planned and held, days, alarms."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crowd.models import Budget
from curation.models import Project
from curation.services.breakdowns import Hold, holds
from curation.services.budgets import BudgetRow, budget_rows
from curation.services.overview import AssetCounts, PoolRow, pool_rows
from curation.services.statements import Cube, Names, Sums, cube

DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Total:
    """What one currency of the project comes to."""

    budget: Budget
    sums: Sums


@dataclass(frozen=True, slots=True)
class Cost:
    """A stage or pool with what is held there, and what it may cost when all that is wanted is done."""

    key: int | None
    name: str
    currency: str
    sums: Sums
    planned_micro: int = 0
    held_micro: int = 0

    @property
    def is_over(self) -> bool:
        return bool(self.planned_micro) and self.sums.total > 1.1 * self.planned_micro

    @property
    def tone(self) -> str:
        return "hot" if self.is_over else "s2"


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    spent_micro: int


@dataclass(frozen=True, slots=True)
class Alarm:
    tone: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MoneyNumbers:
    names: Names
    cube: Cube
    rows: Sequence[PoolRow]
    counts: AssetCounts
    held: Sequence[Hold]
    budgets: Sequence[BudgetRow]
    totals: Sequence[Total]
    stages: Sequence[Cost]
    pools: Sequence[Cost]
    days: dict[str, Sequence[Day]]

    @property
    def is_empty(self) -> bool:
        return not any(total.sums.total or total.budget.reserved_micro for total in self.totals)

    @property
    def alarms(self) -> list[Alarm]:
        """Return what somebody should look at: budgets near their end, and stages that cost more than planned."""
        found = [Alarm("error" if row.tone == "bad" else "warning", row.sentence) for row in self.budgets if row.tone]
        dearer = [cost for cost in self.stages if cost.is_over]
        return found + [Alarm("warning", _dearer(cost)) for cost in dearer]

    @property
    def currencies(self) -> list[str]:
        """Return the currencies in which something is planned, held or spent, dollars first; dollars if in none."""
        return sorted({cost.currency for cost in self.stages}, key=lambda one: (one != "USD", one)) or ["USD"]


def _dearer(cost: Cost) -> str:
    percent = round(100 * cost.sums.total / cost.planned_micro) - 100
    return f"{cost.name}: {percent} % more is spent than all that is wanted there should cost at the usual price."


def money_numbers(*, project: Project, now: datetime) -> MoneyNumbers:
    """Read everything: the ledger once, however much was paid."""
    rows, counts = pool_rows(project=project, now=now)
    names = Names.of(project, pools=[row.pool for row in rows])
    found, budgets, held = cube(project=project), budget_rows(project=project), holds(project=project)
    totals = found.totals()
    planned: Counter[tuple[str, int, str]] = Counter()
    for row in rows:
        currency = row.pool.account.currency
        planned["stage", row.pool.stage_id, currency] += row.planned_micro
        planned["pool", row.pool.pk, currency] += row.planned_micro
    return MoneyNumbers(
        names=names,
        cube=found,
        rows=rows,
        counts=counts,
        held=held,
        budgets=budgets,
        totals=[
            Total(row.budget, totals.get(row.budget.currency, Sums()))
            for row in budgets
            if row.budget.scope == Budget.Scope.PROJECT
        ],
        stages=_costs("stage", found, names, planned, held),
        pools=_costs("pool", found, names, planned, held),
        days={currency: _days(found, currency, now.date()) for currency in totals},
    )


def _costs(
    by: str, found: Cube, names: Names, planned: Counter[tuple[str, int, str]], held: Sequence[Hold]
) -> list[Cost]:
    """Return what is planned, held or spent, in the order of the recipe; what belongs to none of them comes last."""
    sums = {(line.key, line.currency): line.sums for line in found.by(by)}
    holding: Counter[tuple[int | None, str]] = Counter()
    for one in held:
        holding[one.stage_id if by == "stage" else one.pool_id, one.currency] += one.micro
    place = {key: number for number, key in enumerate(names.named(by))}
    keys = {*sums, *holding, *((key, currency) for kind, key, currency in planned if kind == by)}
    rows = [
        Cost(
            key if isinstance(key, int) else None,
            names.of_line(by, key, {}),
            currency,
            sums.get((key, currency), Sums()),
            planned[by, key, currency] if isinstance(key, int) else 0,
            holding[key, currency] if not isinstance(key, date) else 0,
        )
        for key, currency in keys
    ]
    rows.sort(key=lambda row: (place.get(row.key or 0, len(place)), row.currency != "USD", row.currency))
    return [row for row in rows if row.planned_micro or row.held_micro or row.sums != Sums()]


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
