"""All the numbers of a project's first page, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from crowd.models import Budget, LedgerEntry
from curation.models import Pool, Project, Stage
from curation.services.overview.buckets import Buckets, hours_left
from curation.services.overview.counts import AssetCounts, asset_counts
from curation.services.overview.output import Output, output
from curation.services.overview.pools import PoolRow, pool_rows
from curation.services.overview.spending import Spending, spending

RANGES: Final[dict[str, timedelta]] = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class ProjectNumbers:
    """Counts, money and pace of one project at one moment."""

    stages: tuple[Stage, ...]
    counts: AssetCounts
    rows: tuple[PoolRow, ...]
    budget_micro: int
    spent: Spending
    out: Output
    buckets: Buckets

    @property
    def plan(self) -> int:
        """Return what is wanted in all: the targets of the first stage that has any, else all assets."""
        wanted: dict[int, int] = {}
        for row in self.rows:
            if row.pool.kind == Pool.Kind.MAIN and row.pool.wanted:
                wanted[row.pool.stage.position] = wanted.get(row.pool.stage.position, 0) + row.pool.wanted
        return wanted[min(wanted)] if wanted else self.counts.total

    @property
    def published(self) -> int:
        return self.counts.published

    @property
    def price_micro(self) -> int | None:
        """Return the cost of one published image so far."""
        return self.spent.spent_micro // self.published if self.published else None

    @property
    def hours_left(self) -> float | None:
        return hours_left(self.plan - self.published, self.out.per_hour) if self.plan else None

    def chart(self) -> dict[str, Any]:
        """Return published and spent in percent of plan and budget, with a forecast when the pace is known."""
        times = [self.buckets.time(step - 1) for step in range(len(self.out.running))]
        published = [_percent(n, self.plan) for n in self.out.running]
        spent = [_percent(n, self.budget_micro) for n in self.spent.running]
        return {
            "t": [round(time.timestamp()) for time in times],
            "published": published,
            "spent": spent,
            "forecast": self._forecast(),
        }

    def _forecast(self) -> dict[str, float] | None:
        left, price = self.hours_left, self.price_micro
        if not left or price is None or left > 24 * 365:
            return None
        spent = self.spent.spent_micro + price * max(0, self.plan - self.published)
        at = (self.buckets.end + timedelta(hours=left)).timestamp()
        return {"t": round(at), "published": 100.0, "spent": _percent(spent, self.budget_micro)}


def project_numbers(*, project: Project, now: datetime, span: str = "all", budget: int | None = None) -> ProjectNumbers:
    """Read everything. `budget` spares a query where the caller knows the limit already.

    A rehearsal is looked at from the moment on its own clock at which money moved last.
    """
    stages = tuple(project.stages.all())
    now = _rehearsed(project) or now
    start = now - RANGES[span] if span in RANGES else project.created_at
    buckets = Buckets.between(start, now)
    return ProjectNumbers(
        stages=stages,
        counts=asset_counts(project=project),
        rows=tuple(pool_rows(project=project, now=now)),
        budget_micro=_limit(project) if budget is None else budget,
        spent=spending(project=project, buckets=buckets),
        out=output(last_stage=_last(stages), buckets=buckets, now=now),
        buckets=buckets,
    )


def _rehearsed(project: Project) -> datetime | None:
    if not project.is_rehearsal:
        return None
    entries = LedgerEntry.objects.filter(project_id=project.pk).order_by("-id")
    return entries.values_list("created_at", flat=True).first()


def _last(stages: Sequence[Stage]) -> Stage | None:
    return stages[-1] if stages else None


def _limit(project: Project) -> int:
    return Budget.objects.of_project(project.pk).values_list("limit_micro", flat=True).first() or 0


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
