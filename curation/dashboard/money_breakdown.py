"""Where the money went, by pool, class, platform or worker: each sum leads to its ledger entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from curation.dashboard.ledger_list import Filters
from curation.dashboard.money_numbers import Cost, MoneyNumbers
from curation.dashboard.row_pages import pages_of
from curation.models import Project
from curation.services.asset_query import Value
from curation.services.breakdowns import SideBySide, common_shares, side_by_side
from curation.services.overview import AssetCounts
from curation.services.statements import Key, Line, Sums, by_class, class_of_pool, top_workers, workers_of

WORKERS_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Part:
    """One line: who or what got how much. `common_micro` is its share of pools that serve every class."""

    name: str
    currency: str
    sums: Sums
    ledger: str
    page: str = ""
    work: str = ""
    held_micro: int = 0
    planned_micro: int = 0
    common_micro: int | None = None
    tone: str = "s2"

    @property
    def with_common_micro(self) -> int:
        return self.sums.total + (self.common_micro or 0)


@dataclass(frozen=True, slots=True)
class Breakdown:
    by: str
    parts: Sequence[Part]
    platforms: Sequence[tuple[SideBySide, str]] = ()

    @property
    def has_plan(self) -> bool:
        return any(part.planned_micro for part in self.parts)

    @property
    def has_common(self) -> bool:
        return any(part.common_micro is not None for part in self.parts)


def breakdown(*, project: Project, numbers: MoneyNumbers, counts: AssetCounts, filters: Filters) -> Breakdown:
    by = filters.by or "pool"
    if by == "class":
        return Breakdown(by, _classes(project, numbers, counts, filters))
    if by == "platform":
        return Breakdown(by, _platforms(numbers, filters), _compared(numbers, filters))
    if by == "worker":
        return Breakdown(by, _workers(project, filters))
    return Breakdown(by, _pools(project, numbers, filters))


def _pools(project: Project, numbers: MoneyNumbers, filters: Filters) -> list[Part]:
    page, work = pages_of("pool", project.public_id), reverse("work", args=[project.public_id])
    return [_pool(cost, filters, page, work) for cost in numbers.pools]


def _pool(cost: Cost, filters: Filters, page: Callable[[int], str], work: str) -> Part:
    return Part(
        name=cost.name,
        currency=cost.currency,
        sums=cost.sums,
        ledger=filters.only(pool=str(cost.key)) if cost.key else "",
        page=page(cost.key) if cost.key else "",
        work=f"{work}?pool={cost.key}&state=accepted" if cost.key else "",
        held_micro=cost.held_micro,
        planned_micro=cost.planned_micro,
        tone=cost.tone,
    )


def _classes(project: Project, numbers: MoneyNumbers, counts: AssetCounts, filters: Filters) -> list[Part]:
    classes = class_of_pool(project)
    stages = list(project.stages.all())
    shares = {
        (key, currency): micro
        for currency in numbers.cube.totals()
        for key, micro in common_shares(
            found=numbers.cube, classes=classes, stages=stages, counts=counts, currency=currency
        ).items()
    }
    lines = by_class(numbers.cube.by("pool"), classes)
    held = _held(numbers, classes)
    known = {(line.key, line.currency) for line in lines}
    waiting = [one for one in dict.fromkeys([*shares, *held]) if one not in known]
    lines += [Line(key, currency, Sums()) for key, currency in waiting]
    return [
        Part(
            name=numbers.names.of_line("class", line.key, {}),
            currency=line.currency,
            sums=line.sums,
            ledger=filters.only(**{"class": str(line.key)}) if line.key else "",
            page=_of_class(project, numbers, line),
            held_micro=held.get((line.key, line.currency), 0),
            common_micro=shares.get((line.key, line.currency), 0) if isinstance(line.key, int) else None,
        )
        for line in lines
    ]


def _of_class(project: Project, numbers: MoneyNumbers, line: Line) -> str:
    name = numbers.names.classes.get(line.key, "") if isinstance(line.key, int) else ""
    query = urlencode({"q": f"class:{Value(name, name)}"})
    return f"{reverse('assets', args=[project.public_id])}?{query}" if name else ""


def _held(numbers: MoneyNumbers, owner_of: dict[int, int]) -> dict[tuple[Key, str], int]:
    """Add what is held up to what its pool belongs to."""
    found: dict[tuple[Key, str], int] = {}
    for one in numbers.held:
        key = owner_of.get(one.pool_id or 0), one.currency
        found[key] = found.get(key, 0) + one.micro
    return found


def _platforms(numbers: MoneyNumbers, filters: Filters) -> list[Part]:
    held = _held(numbers, {row.pool.pk: row.pool.account_id for row in numbers.rows})
    lines = numbers.cube.by("platform")
    known = {(line.key, line.currency) for line in lines}
    waiting = [key for key in held if key not in known]
    lines += [Line(key, currency, Sums()) for key, currency in waiting if isinstance(key, int)]
    return [
        Part(
            name=numbers.names.of_line("platform", line.key, {}),
            currency=line.currency,
            sums=line.sums,
            ledger=filters.only(platform=str(line.key)) if line.key else "",
            held_micro=held.get((line.key, line.currency), 0),
        )
        for line in lines
    ]


def _compared(numbers: MoneyNumbers, filters: Filters) -> list[tuple[SideBySide, str]]:
    """Return each stage's platforms with the entries behind them."""
    rows = side_by_side(rows=numbers.rows)
    return [(row, filters.only(stage=str(row.stage.pk), platform=str(row.account_id))) for row in rows]


def _workers(project: Project, filters: Filters) -> list[Part]:
    lines = top_workers(project=project, most=WORKERS_SHOWN)
    workers, page = workers_of(line.key for line in lines), pages_of("worker", project.public_id)
    work = reverse("work", args=[project.public_id])
    return [
        Part(
            name=workers[line.key].short_id,
            currency=line.currency,
            sums=line.sums,
            ledger=filters.only(worker=workers[line.key].short_id),
            page=page(line.key),
            work=f"{work}?worker={workers[line.key].short_id}&state=accepted",
        )
        for line in lines
        if isinstance(line.key, int) and line.key in workers
    ]
