"""What comes out at the end: published assets over time."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db.models import Count, Min, Q

from curation.models import Decision, Stage
from curation.services.overview.buckets import RATE_WINDOW, Buckets, per_hour

SPARK_STEPS = 32


@dataclass(frozen=True, slots=True)
class Output:
    """Published assets: the running total over the buckets, the present rate, the last steps one by one."""

    running: tuple[int, ...]
    per_hour: float | None
    last_steps: tuple[int, ...]


def output(*, last_stage: Stage | None, buckets: Buckets, now: datetime) -> Output:
    """Count the assets that passed a project's last stage."""
    if last_stage is None:
        return Output(tuple(buckets.running_total({})), None, ())
    recently = Q(created_at__gte=now - RATE_WINDOW)
    rows = (
        Decision.objects.filter(stage=last_stage, verdict=Decision.Verdict.PASSED)
        .annotate(bucket=buckets.of("created_at"))
        .order_by()
        .values_list("bucket")
        .annotate(n=Count("id"), recent=Count("id", filter=recently), first=Min("created_at"))
    )
    counts: Counter[int] = Counter()
    recent, first = 0, None
    for bucket, n, lately, earliest in rows:
        counts[bucket] += n
        recent += lately
        first = earliest if first is None else min(first, earliest)
    running = buckets.running_total(counts)
    steps = [after - before for before, after in pairwise(running)]
    return Output(tuple(running), per_hour(recent, first, now), tuple(steps[-SPARK_STEPS:]))
