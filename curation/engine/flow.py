"""The stage engine: submitted pages are taken in, waiting assets are worked on, finished pools are closed.

All of it may be repeated after a crash: a page is taken in and marked in one transaction, an asset is decided under a
lock and only where it still stands.
"""

from datetime import datetime

from django.db import transaction

from crowd.models import Assignment, Batch
from curation.models import Job, Stage
from curation.services import jobs, pools, versions
from curation.services.consensus import readmitting, reopening
from curation.services.jobs import Again
from curation.stages.base import Done
from curation.stages.registry import stage_kind

PAGES_A_SLICE = 40
ASSETS_A_SLICE = 20


def take_in(*, project_id: int, now: datetime, limit: int = PAGES_A_SLICE) -> int:
    """Process submitted pages in order; returns how many."""
    waiting = Assignment.objects.filter(
        project_id=project_id, processed_at__isnull=True, submitted_at__isnull=False, awaits_files=False
    ).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[:limit])
    for assignment_id in ids:
        _take_in_one(assignment_id, now)
    if ids:
        reopening.reopen(project_id=project_id, now=now)
        readmitting.readmit(project_id=project_id, now=now)
        pools.close_finished(project_id=project_id, now=now)
    return len(ids)


@transaction.atomic
def _take_in_one(assignment_id: int, now: datetime) -> None:
    page = (
        Assignment.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("batch", "worker")
        .filter(pk=assignment_id, processed_at__isnull=True)
        .first()
    )
    if page is None:
        return
    if page.batch.kind == Batch.Kind.MAIN:
        stage = Stage.objects.select_related("project").get(pk=page.batch.stage_id)
        stage_kind(stage.kind).take_in(stage, page, now)
    Assignment.objects.filter(pk=page.pk).update(processed_at=now)
    versions.bump(project_id=page.project_id)


def work_stage(*, stage: Stage, now: datetime, limit: int = ASSETS_A_SLICE) -> bool:
    """Do one slice of a stage's work; returns whether more is waiting. A paused stage rests."""
    return _work(stage, now, limit).more


def _work(stage: Stage, now: datetime, limit: int) -> Done:
    if stage.state != Stage.State.RUNNING:
        return Done(0)
    done = stage_kind(stage.kind).work(stage, now, limit)
    if done.moved:
        pools.close_finished(project_id=stage.project_id, now=now)
    return done


def run_take_in(job: Job, now: datetime) -> Again | None:
    """Job: take in the pages of a project."""
    if job.project_id is None:
        return None
    return Again() if take_in(project_id=job.project_id, now=now) == PAGES_A_SLICE else None


def run_stage(job: Job, now: datetime) -> Again | None:
    """Job: one slice of a stage."""
    stage = Stage.objects.select_related("project").filter(pk=job.payload["stage_id"]).first()
    if stage is None:
        return None
    done = _work(stage, now, ASSETS_A_SLICE)
    return Again(after=0 if done.more else done.again_after) if done.more or done.again_after else None


def wake_take_in(project_id: int) -> None:
    """Ask for a project's inbox to be looked at, from a request that has just handed a page in."""
    jobs.wake(kind="take_in", key=str(project_id), project_id=project_id)
