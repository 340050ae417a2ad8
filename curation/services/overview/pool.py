"""One pool looked at closely: its charts, and what is around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from django.db.models import F

from crowd import rules
from crowd.models import Batch, Budget
from crowd.models.tally import Of
from crowd.rules import SpeedRule
from crowd.services import quotas
from crowd.services.tallies import Chart, Key, Series
from curation.models import Pool, Project
from curation.services.budgets import budget_rows
from curation.services.overview.advice import Around
from curation.services.overview.buckets import Buckets
from curation.services.overview.counted import ACCEPTED, SPENT
from curation.services.overview.counts import AssetCounts, counts_of
from curation.services.overview.pools import Asked, PoolRow, pools_of

LINES: Final[Mapping[str, str]] = {
    "pages.sent": "Handed in",
    "pages.accepted": "Accepted",
    "pages.rejected": "Rejected",
    "pages.expired": "Ran out of time",
    "pages.skipped": "Skipped",
}
FULL = 0.9
FEWEST_OTHERS = 3
MOST_OTHERS = 500
LONGEST_AHEAD = 24 * 365.0


@dataclass(frozen=True, slots=True)
class PoolCharts:
    """Pages by state over time, and accepted results beside money in percent of what is wanted and planned."""

    pages: dict[str, Any]
    burn_up: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Closely:
    """The row of one pool, what ran in its time, and where the project's assets stand."""

    row: PoolRow
    ran: Series
    counts: AssetCounts


def pool_closely(*, project: Project, pool_id: int, now: datetime) -> Closely | None:
    """Read all counts that the page of a pool shows; None where the project has no such pool."""
    pools = pools_of(project, [pool_id])
    if not pools:
        return None
    asked = Asked.of(pools, whole=True)
    stages = [stage.pk for stage in project.stages.all()]
    counted = asked.count(now=now, stages=stages, charts=[_chart(pools[0], asked.all_batches, now)])
    [row], [ran] = asked.rows(counted), counted.charts
    return Closely(row, ran, counts_of(counted.totals))


def _chart(pool: Pool, batches: Sequence[Batch], now: datetime) -> Chart:
    buckets = _buckets(pool, now)
    keys = [Key(Of.BATCH, batch.pk, word) for batch in batches for word in (*LINES, ACCEPTED)]
    return Chart([*keys, _paid(pool)], buckets.start, buckets.seconds)


def _paid(pool: Pool) -> Key:
    return Key(Of.POOL, pool.pk, f"{SPENT}{pool.account.currency}")


def _buckets(pool: Pool, now: datetime) -> Buckets:
    """Divide the time of a pool, which ends a minute after the last was done."""
    done = pool.finished_at if pool.state == Pool.State.DONE else None
    return Buckets.between(pool.started_at or pool.created_at, done + timedelta(minutes=1) if done else now)


def pool_charts(row: PoolRow, ran: Series) -> PoolCharts:
    """Draw what ran in the time of one pool."""
    buckets, paid = _buckets(row.pool, row.now), _paid(row.pool)
    sums: dict[str, dict[int, int]] = {word: {} for word in (*LINES, ACCEPTED, paid.word)}
    for key, points in ran.items():
        for point in points:
            sums[key.word][point.bucket] = sums[key.word].get(point.bucket, 0) + point.n
    totals = {word: buckets.running_total(counts) for word, counts in sums.items()}
    t = [round(buckets.time(step - 1).timestamp()) for step in range(len(totals[ACCEPTED]))]
    lines = [{"name": name, "values": totals[word]} for word, name in LINES.items()]
    burn_up = {
        "t": t,
        "published": [_percent(n, row.target) for n in totals[ACCEPTED]],
        "spent": [_percent(n, row.planned_micro) for n in totals[paid.word]],
        "forecast": _forecast(row, buckets),
    }
    return PoolCharts({"t": t, "lines": lines}, burn_up)


def _forecast(row: PoolRow, buckets: Buckets) -> dict[str, float] | None:
    if not row.eta or not row.eta.p50 or row.eta.p50 > LONGEST_AHEAD or not row.accepted:
        return None
    spent = row.spent_micro + row.spent_micro * row.left // row.accepted
    late = min(row.eta.p90, 3 * row.eta.p50)
    return {
        "t": round((buckets.end + timedelta(hours=row.eta.p50)).timestamp()),
        "late": round((buckets.end + timedelta(hours=late)).timestamp()),
        "published": 100.0,
        "low": _percent(spent, row.planned_micro),
        "high": _percent(spent, row.planned_micro),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def around(row: PoolRow, *, projects: Sequence[Project]) -> Around:
    """Return what else decides how a pool does. `projects`: those whose prices may be compared with."""
    return Around(
        budgets=_budgets(row),
        quotas=_quotas(row),
        usual_micro=_usual(row, projects),
        least_seconds=_least_seconds(row.batch),
    )


def _budgets(row: PoolRow) -> list[str]:
    pool, scope = row.pool, Budget.Scope
    mine = {(scope.PROJECT, pool.project_id), (scope.STAGE, pool.stage_id), (scope.POOL, pool.pk)}
    return [
        one.sentence
        for one in budget_rows(project=pool.project)
        if one.tone and (one.budget.scope, one.budget.scope_id) in mine and one.budget.currency == pool.account.currency
    ]


def _quotas(row: PoolRow) -> list[str]:
    found = quotas.left(account=row.pool.account, now=row.now)
    return [
        f"{one.used:,} of {one.most:,} {one.name.replace('_', ' ')} {quotas.window_words(one.window_seconds)} are used "
        f"at {row.pool.account.label}."
        for one in found
        if one.used >= FULL * one.most
    ]


def _usual(row: PoolRow, projects: Sequence[Project]) -> int | None:
    """Return what an item with the same task is usually paid elsewhere; None = too few pools to say."""
    others = (
        Batch.objects.filter(
            project_id__in=[project.pk for project in projects],
            interface=row.interface,
            kind=Batch.Kind.MAIN,
            account__currency=row.pool.account.currency,
            opened_at__isnull=False,
            price_micro__gt=0,
            page_size__gt=F("control_per_page"),
        )
        .exclude(pool_id=row.pool.pk)
        .order_by("-id")
        .values_list("price_micro", "page_size", "control_per_page")[:MOST_OTHERS]
    )
    prices = [price / (size - known) for price, size, known in others]
    return round(median(prices)) if len(prices) >= FEWEST_OTHERS else None


def _least_seconds(batch: Batch | None) -> float | None:
    found = [rule.seconds_per_task for rule in rules.read(batch.rules if batch else {}) if isinstance(rule, SpeedRule)]
    return min(found, default=None)
