"""Where the money went: the ledger by stage and over time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Sum

from crowd.models import LedgerEntry
from curation.models import Project, Stage
from curation.services.overview.buckets import Buckets
from curation.services.overview.pools import PoolRow


@dataclass(frozen=True, slots=True)
class Spending:
    """Micro-dollars that left the project: in all, by stage, and the running total over the buckets."""

    spent_micro: int
    by_stage: dict[int, int]
    running: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StageCost:
    stage: Stage
    spent_micro: int
    planned_micro: int

    @property
    def tone(self) -> str:
        """Return the bar's colour: hot when a tenth more was spent than planned."""
        return "hot" if self.spent_micro > 1.1 * self.planned_micro else "s2"


def spending(*, project: Project, buckets: Buckets) -> Spending:
    """Add up what left the project's books for workers and platforms, less what came back."""
    rows = (
        LedgerEntry.objects.spent()
        .filter(project_id=project.pk)
        .annotate(bucket=buckets.of("created_at"))
        .order_by()
        .values_list("bucket", "stage_id")
        .annotate(total=Sum("spent_micro"))
    )
    by_bucket: Counter[int] = Counter()
    by_stage: Counter[int] = Counter()
    for bucket, stage_id, total in rows:
        by_bucket[bucket] += total
        by_stage[stage_id or 0] += total
    return Spending(sum(by_stage.values()), dict(by_stage), tuple(buckets.running_total(by_bucket)))


def stage_costs(*, stages: Sequence[Stage], spent: Spending, rows: Sequence[PoolRow]) -> list[StageCost]:
    """Return what each stage has cost beside what its pools cost when all that is wanted is done."""
    planned: Counter[int] = Counter()
    for row in rows:
        planned[row.pool.stage_id] += row.planned_micro
    return [StageCost(stage, spent.by_stage.get(stage.pk, 0), planned[stage.pk]) for stage in stages]
