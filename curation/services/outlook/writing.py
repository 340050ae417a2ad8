"""Once an hour what is said about every running pool and its project is written down, never to be changed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import isfinite
from typing import Final

from django.db.models import Exists, OuterRef, Q

from curation.economics.time_left import Quantiles
from curation.models import Job, Outlook, Pool, Project
from curation.services import jobs
from curation.services.outlook.of_pool import outlook_of_pool
from curation.services.outlook.of_project import outlook_of_project
from curation.services.outlook.told import Told
from curation.services.overview.project import project_numbers

KIND: Final = "write_outlooks"
HOUR = 3_600


def wake_due(*, now: datetime) -> None:
    """Wake the writer of every project at work of which nothing was said in this hour, or not of a new pool."""
    said = Outlook.objects.filter(slot=_slot(now))
    at_work = Pool.objects.filter(state=Pool.State.OPEN, kind=Pool.Kind.MAIN, project__is_rehearsal=False)
    at_work = at_work.filter(project__archived_at=None, project__trashed_at=None)
    is_new = Q(started_at__gte=now - timedelta(seconds=HOUR))
    unsaid = ~Exists(said.filter(project=OuterRef("project"))) | is_new & ~Exists(said.filter(pool=OuterRef("pk")))
    for project_id in at_work.filter(unsaid).order_by().values_list("project", flat=True).distinct():
        jobs.wake(kind=KIND, key=str(project_id), project_id=project_id)


def run_write(job: Job, now: datetime) -> None:
    project = Project.objects.filter(pk=int(job.key)).first()
    if project is not None:
        write_outlooks(project=project, now=now)


def write_outlooks(*, project: Project, now: datetime) -> int:
    """Write what is said of the project and its pools in this hour; a second time in an hour changes nothing."""
    numbers = project_numbers(project=project, now=now)
    whole = outlook_of_project(project, numbers)
    pools = ((row.pool, outlook_of_pool(row, now=now)) for row in numbers.rows)
    rows = [_row(project, pool, told) for pool, told in _said([(None, whole), *pools])]
    return len(Outlook.objects.bulk_create(rows, ignore_conflicts=True))


def _said(found: Iterable[tuple[Pool | None, Told | None]]) -> list[tuple[Pool | None, Told]]:
    """Leave out a pool of which nobody can say anything yet: it may be said later in this hour."""
    return [(pool, told) for pool, told in found if told and (pool is None or told.hours or told.never)]


def _row(project: Project, pool: Pool | None, told: Told) -> Outlook:
    hours, micro = told.hours, told.micro
    return Outlook(
        project=project,
        pool=pool,
        slot=_slot(told.now),
        goal=told.goal,
        reached=told.reached,
        is_never=bool(told.never),
        hours_p5=_finite(hours, "p5"),
        hours_p50=_finite(hours, "p50"),
        hours_p90=_finite(hours, "p90"),
        hours_p95=_finite(hours, "p95"),
        currency=told.currency,
        spent_micro=told.spent_micro,
        micro_p5=round(micro.p5) if micro else None,
        micro_p50=round(micro.p50) if micro else None,
        micro_p90=round(micro.p90) if micro else None,
        micro_p95=round(micro.p95) if micro else None,
        inputs=dict(told.inputs),
        made_at=told.now,
    )


def _finite(found: Quantiles | None, name: str) -> float | None:
    """Return a quantile; empty for one beyond the time that is looked ahead."""
    value = {"p5": found.p5, "p50": found.p50, "p90": found.p90, "p95": found.p95}[name] if found else None
    return value if value is not None and isfinite(value) else None


def _slot(moment: datetime) -> int:
    return int(moment.timestamp()) // HOUR
