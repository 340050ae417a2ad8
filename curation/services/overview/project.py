"""All the numbers of a project's first page, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from crowd.models import Budget
from crowd.models.tally import Of
from crowd.services.tallies import HOUR, Chart, Key
from curation.models import Pool, Project, Stage
from curation.services.overview.buckets import Buckets
from curation.services.overview.counted import PASSED, SPENT
from curation.services.overview.counts import AssetCounts, counts_of
from curation.services.overview.funnel import funnel, images_of
from curation.services.overview.output import Output
from curation.services.overview.pools import Asked, PoolRow, pools_of
from curation.services.overview.spending import Purse, Spending

WEEK: Final = timedelta(days=7)
RANGES: Final[dict[str, timedelta]] = {"24h": timedelta(hours=24), "7d": WEEK}


@dataclass(frozen=True)
class ProjectNumbers:
    """Counts, money and pace of one project at one moment."""

    stages: tuple[Stage, ...]
    counts: AssetCounts
    rows: tuple[PoolRow, ...]
    budget_micro: int
    currency: str
    spent: Spending
    out: Output
    buckets: Buckets
    forecast: "Forecast | None" = None  # what the outlook says; None = no end can be told

    @cached_property
    def plan(self) -> int:
        """Return how many images are wanted in all: by the targets of the first stage that has any, else all assets."""
        wanted: dict[int, int] = {}
        for row in self.rows:
            if row.pool.kind == Pool.Kind.MAIN and row.pool.wanted:
                wanted[row.pool.stage.position] = wanted.get(row.pool.stage.position, 0) + row.pool.wanted
        steps = funnel(stages=self.stages, counts=self.counts)
        return images_of(steps, wanted[min(wanted)]) if wanted else self.counts.total

    @property
    def published(self) -> int:
        return self.counts.published

    @property
    def price_micro(self) -> int | None:
        """Return the cost of one published image so far."""
        return self.spent.spent_micro // self.published if self.published else None

    def chart(self) -> dict[str, Any]:
        """Return published and spent in percent of plan and budget, with a forecast when the pace is known."""
        times = [self.buckets.time(step - 1) for step in range(len(self.out.running))]
        ahead = self.forecast
        return {
            "t": [round(time.timestamp()) for time in times],
            "published": [_percent(n, self.plan) for n in self.out.running],
            "spent": [_percent(n, self.budget_micro) for n in self.spent.running],
            "forecast": ahead
            and {
                "t": round(ahead.at.timestamp()),
                "late": round(ahead.late.timestamp()),
                "published": 100.0,
                "low": _percent(ahead.low_micro, self.budget_micro),
                "high": _percent(ahead.high_micro, self.budget_micro),
            },
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the plan is published and what will be spent by then, each in the middle and late."""

    at: datetime
    late: datetime
    low_micro: int
    high_micro: int


def project_numbers(
    *, project: Project, now: datetime, span: str = "all", purse: Purse | None = None
) -> ProjectNumbers:
    """Read everything. Money is counted in the currency of the purse, the project's first budget unless it is given.

    A rehearsal is looked at from the moment on its own clock at which money moved last.
    """
    purse, stages = purse or purse_of(project), tuple(project.stages.all())
    asked = Asked.of(pools_of(project))
    now = _on_its_clock(asked.pools) or now
    buckets = Buckets.between(now - RANGES[span] if span in RANGES else project.created_at, now)
    spending = f"{SPENT}{purse.currency}"
    paid, passed = Key(Of.PROJECT, project.pk, spending), Key(Of.STAGE, stages[-1].pk if stages else 0, PASSED)
    week = max(project.created_at, now - WEEK)
    charts = [Chart([paid, passed], buckets.start, buckets.seconds), _by_hour(passed, since=week)]
    counted = asked.count(now=now, project=paid, stages=[stage.pk for stage in stages], charts=charts)
    ran, lately = counted.charts
    spent = buckets.running_total({point.bucket: point.n for point in ran.get(paid, ())})
    return ProjectNumbers(
        stages=stages,
        counts=counts_of(counted.totals),
        rows=tuple(asked.rows(counted)),
        budget_micro=purse.limit_micro,
        currency=purse.currency,
        spent=Spending(
            spent_micro=spent[-1],
            by_stage={stage.pk: counted.of(Of.STAGE, stage.pk).get(spending, 0) for stage in stages},
            running=spent,
            others=_others(counted.of(Of.PROJECT, project.pk), purse.currency),
        ),
        out=Output(
            running=buckets.running_total({point.bucket: point.n for point in ran.get(passed, ())}),
            pace=counted.pace(passed),
            week=sum(point.n for point in lately.get(passed, ())),
            week_began=week,
        ),
        buckets=buckets,
    )


def _by_hour(key: Key, *, since: datetime) -> Chart:
    """Ask for the hours since then: the end of the first is not waited for."""
    whole = since.replace(minute=0, second=0, microsecond=0)
    return Chart([key], whole, HOUR, since=whole)


def _on_its_clock(pools: Sequence[Pool]) -> datetime | None:
    """Return what the clock of a rehearsal shows; None where it is no rehearsal or has paid nothing yet."""
    found: datetime | None = getattr(pools[0], "clock", None) if pools else None
    return found


def purse_of(project: Project) -> Purse:
    """Return the project's first budget: its currency is the one that screens speak."""
    found = Budget.objects.of_project(project.pk).values_list("limit_micro", "currency").first()
    return Purse(*found) if found else Purse()


def _others(words: Mapping[str, int], currency: str) -> dict[str, int]:
    """Return what was spent in other currencies."""
    spent = {word.removeprefix(SPENT): n for word, n in words.items() if word.startswith(SPENT) and n}
    return {code: n for code, n in sorted(spent.items()) if code != currency}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
