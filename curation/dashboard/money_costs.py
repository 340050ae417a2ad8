"""The cost of each stage as a table: as it is and with aggregation, both prices of an image, and how sure they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from curation.dashboard.ledger_list import Filters
from curation.dashboard.money_numbers import Cost, MoneyNumbers
from curation.economics.costs import Comparison, CostTable, StageCost
from curation.economics.interval import Interval
from curation.engine.costs import (
    CHECK_BOXES,
    CLASSIFY,
    Checking,
    ProjectCosts,
    project_costs,
    published_costs,
    published_interval,
)
from curation.models import Project, Stage
from curation.recipes.loading import load, names
from curation.recipes.published import Published
from curation.services.overview import AssetCounts, funnel

NOTES: Final[Mapping[str, str]] = {CHECK_BOXES: "nobody: agreement decides", "": "of no stage"}


@dataclass(frozen=True, slots=True)
class Row:
    """One stage on both sides. `ledger` leads to the entries behind what was paid, `assets` to the images."""

    title: str
    note: str
    n: int
    answers: str
    before: StageCost
    now: StageCost
    plan: Cost | None = None
    ledger: str = ""
    assets: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """A price of one delivered image as a bar, with a whisker where there is an interval. Micro-units."""

    name: str
    note: str
    css: str
    micro: Fraction | float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class CostsView:
    """All amounts are of one currency. `is_compared` false: both sides are the same, and one column is enough."""

    source: str
    currency: str
    rows: Sequence[Row]
    comparison: Comparison
    prices: Sequence[Price]
    checking: Checking | None = None
    is_published: bool = False
    is_compared: bool = True
    leaves_out: str = ""

    @property
    def before(self) -> CostTable:
        return self.comparison.as_is

    @property
    def now(self) -> CostTable:
        return self.comparison.with_aggregation

    @property
    def saved_percent(self) -> float:
        return 100 * float(self.comparison.saved_share)

    @property
    def top_micro(self) -> float:
        """Return the longest bar."""
        return max(
            [float(one.micro) for one in self.prices] + [one.interval.high for one in self.prices if one.interval]
        )


def published_of(project: Project) -> Published | None:
    return load(project.recipe).published if project.recipe in names() else None


def costs_views(*, project: Project, numbers: MoneyNumbers, counts: AssetCounts, filters: Filters) -> list[CostsView]:
    """Return a table for each currency that the project works in, or the one that its recipe publishes."""
    published = published_of(project)
    if published and filters.costs:
        return [_published(published, leave_out=filters.costs == "published-without")]
    return [_paid(project, numbers, counts, filters, currency) for currency in numbers.currencies]


def _published(published: Published, *, leave_out: bool) -> CostsView:
    table = published_costs(published)
    left_out = next((one.title for one in published.stages if one.stage == CLASSIFY), "") if leave_out else ""
    if left_out:
        table = table.without({CLASSIFY})
    notes = {one.stage: one.note for one in published.stages}
    rows = [Row(now.title, notes[now.stage], now.n, _answers(before, now), before, now) for before, now in table.pairs]
    interval = None if left_out else published_interval(published)
    prices = [
        Price("As is", "every box checked by five more people", "grey", table.as_is.per_delivered_micro or 0),
        Price(
            "With aggregation",
            "five boxes an image, no checking",
            "",
            table.with_aggregation.per_delivered_micro or 0,
            interval,
        ),
    ]
    return CostsView(published.source, "USD", rows, table, prices, is_published=True, leaves_out=left_out)


def _answers(before: StageCost, now: StageCost) -> str:
    old, new = _number(before.answers), _number(now.answers)
    return f"{old} → {new}" if old != new else "–" if old == "0" else old


def _number(answers: Fraction) -> str:
    return f"{float(answers):.2f}".rstrip("0").rstrip(".")


def _paid(project: Project, numbers: MoneyNumbers, counts: AssetCounts, filters: Filters, currency: str) -> CostsView:
    stages = list(project.stages.all())
    spent = {
        (line.key if isinstance(line.key, int) else None): line.sums.total
        for line in numbers.cube.by("stage")
        if line.currency == currency
    }
    found = project_costs(
        steps=funnel(stages=stages, counts=counts),
        rows=[row for row in numbers.rows if row.pool.account.currency == currency],
        spent=spent,
        delivered=counts.published,
    )
    plans = {cost.key: cost for cost in numbers.stages if cost.currency == currency}
    ids = {stage.name: stage.pk for stage in stages}
    rows = [
        Row(
            title=now.title,
            note=NOTES.get(now.stage, ""),
            n=now.n,
            answers=_answers(before, now),
            before=before,
            now=now,
            plan=plans.get(ids.get(now.stage)),
            ledger=filters.only(stage=str(ids[now.stage])) if now.stage in ids and now.micro else "",
            assets=_assets(now.stage, stages),
        )
        for before, now in found.comparison.pairs
    ]
    return CostsView(
        "This project",
        currency,
        rows,
        found.comparison,
        _prices(found, counts),
        checking=found.checking,
        is_compared=found.checking is not None,
    )


def _assets(name: str, stages: Sequence[Stage]) -> str:
    """Return the query of the images that came to a stage: those that stand there or beyond."""
    known = [one.name for one in stages]
    return f"stage:{','.join(known[known.index(name) :])}" if name in known else ""


def _prices(found: ProjectCosts, counts: AssetCounts) -> list[Price]:
    table, prices = found.comparison, []
    so_far = table.with_aggregation.per_delivered_micro
    if found.checking and table.as_is.per_delivered_micro is not None:
        prices.append(
            Price("As is", "the same, with every box checked by people", "grey", table.as_is.per_delivered_micro)
        )
    if so_far is not None:
        unfinished = counts.total - counts.published
        prices.append(Price("So far", f"counts {unfinished:,} images that are lost or on the way", "s2", so_far))
    end = found.at_the_end
    if end is not None:
        prices.append(Price("At the end", "from what each stage has let through so far", "s2 pale", end.middle, end))
    return prices
