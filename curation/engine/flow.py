"""The stage engine: submitted pages are taken in, waiting assets are worked on, finished pools are closed.

All of it may be repeated after a crash: a page is taken in and marked in one transaction, an asset is decided under a
lock and only where it still stands.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, transaction

from crowd.errors import trail
from crowd.models import Assignment, Batch
from crowd.services import ledger
from curation.models import Event, Job, Project, Stage
from curation.services import events, jobs, pools, versions
from curation.services.consensus import readmitting, reopening
from curation.services.jobs import Again
from curation.stages.base import Done
from curation.stages.registry import stage_kind

log = logging.getLogger(__name__)
NOT_TAKEN_IN: Final = "page.not_taken_in"
PAGES_A_SLICE = 40
PAGES_TOGETHER = 10  # while they are taken in the project's budgets are locked: no page is given out
FAILED_AGAIN_AFTER = 30.0
ASSETS_A_SLICE = 20


def take_in(*, project_id: int, now: datetime, limit: int = PAGES_A_SLICE, together: int = PAGES_TOGETHER) -> int:
    """Process submitted pages in order; returns how many. A page that fails is told of and holds up no other.

    So many `together` are one transaction: more of them where nobody waits for the project's budgets.
    """
    return len(_take_in(project_id, after=0, now=now, limit=limit, together=together)[1])


def _take_in(
    project_id: int, *, after: int, now: datetime, limit: int, together: int
) -> tuple[list[int], Sequence[int]]:
    """Return the pages looked at and those of them that were taken in."""
    waiting = Assignment.objects.filter(
        project_id=project_id, pk__gt=after, processed_at__isnull=True, submitted_at__isnull=False, awaits_files=False
    ).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[:limit])
    slices = (ids[at : at + together] for at in range(0, len(ids), together))
    taken = [pk for some in slices for pk in _taken_in(project_id, some, now)]
    if taken:
        reopening.reopen(project_id=project_id, now=now)
        readmitting.readmit(project_id=project_id, now=now)
        pools.close_finished(project_id=project_id, now=now)
    return ids, taken


def _taken_in(project_id: int, ids: Sequence[int], now: datetime) -> Sequence[int]:
    """Take pages in together; where that fails each by itself, and one that fails is told of and left."""
    try:
        _take_in_together(project_id, ids, now)
    except (OperationalError, InterfaceError):  # a lost connection or a deadlock ends the run, which is tried again
        raise
    except Exception as error:  # noqa: BLE001  whatever is wrong with one page, the others are paid
        if len(ids) > 1:
            return [pk for one in ids for pk in _taken_in(project_id, [one], now)]
        _tell_of_failure(project_id, ids[0], error, now)
        return []
    return ids


def _tell_of_failure(project_id: int, assignment_id: int, error: Exception, now: datetime) -> None:
    """Say once that a page waits, however often it is tried again."""
    told = Event.objects.filter(
        project_id=project_id, kind=NOT_TAKEN_IN, subject_type="assignment", subject_id=assignment_id
    )
    if told.exists():
        return
    log.error("page %s could not be taken in: %s", assignment_id, trail(error))
    text = f"A page could not be taken in and is tried again every {FAILED_AGAIN_AFTER:g} s: {type(error).__name__}."
    project, page = Project.objects.get(pk=project_id), Assignment.objects.get(pk=assignment_id)
    events.record(kind=NOT_TAKEN_IN, text=text, project=project, subject=page, now=now)


@transaction.atomic
def _take_in_together(project_id: int, ids: Sequence[int], now: datetime) -> None:
    if not ids:
        return
    ledger.lock_project(project_id=project_id)  # what is checked here may have been sent for another currency
    rows = Assignment.objects.select_for_update(skip_locked=True)
    waiting = rows.filter(pk__in=ids, processed_at__isnull=True).order_by("pk")
    pages = list(waiting.prefetch_related("batch", "worker"))  # with each page they would be read again and again
    by_stage: dict[int, list[Assignment]] = {}
    for page in pages:
        if page.batch.kind == Batch.Kind.MAIN:
            by_stage.setdefault(page.batch.stage_id or 0, []).append(page)
    found = Stage.objects.select_related("project").in_bulk(by_stage)
    for stage in sorted((found[pk] for pk in by_stage), key=lambda stage: stage.position):
        stage_kind(stage.kind).take_in(stage, by_stage[stage.pk], now)
    Assignment.objects.filter(pk__in=[page.pk for page in pages]).update(processed_at=now)
    if pages:
        versions.bump(project_id=project_id)


def work_stage(*, stage: Stage, now: datetime, limit: int = ASSETS_A_SLICE) -> bool:
    """Do one slice of a stage's work; returns whether more is waiting."""
    return _work(stage, now, limit).more


def _work(stage: Stage, now: datetime, limit: int) -> Done:
    """A paused stage rests."""
    return stage_kind(stage.kind).work(stage, now, limit) if stage.state == Stage.State.RUNNING else Done(0)


def run_take_in(job: Job, now: datetime) -> Again | None:
    """Job: take in the pages of a project."""
    if job.project_id is None:
        return None
    after = job.cursor.get("after", 0)
    seen, taken = _take_in(job.project_id, after=after, now=now, limit=PAGES_A_SLICE, together=PAGES_TOGETHER)
    failed = len(taken) < len(seen) or job.cursor.get("failed", False)
    if len(seen) == PAGES_A_SLICE:
        return Again(cursor={"after": seen[-1], "failed": failed})
    return Again(after=FAILED_AGAIN_AFTER) if failed else None


def run_stage(job: Job, now: datetime) -> Again | None:
    """Job: one slice of a stage."""
    stage = Stage.objects.select_related("project").filter(pk=job.payload["stage_id"]).first()
    if stage is None:
        return None
    done = _work(stage, now, ASSETS_A_SLICE)
    if done.moved:
        pools.close_finished(project_id=stage.project_id, now=now)
    return Again(after=0 if done.more else done.again_after) if done.more or done.again_after else None


def wake_take_in(project_id: int) -> None:
    """Ask for a project's inbox to be looked at, from a request that has just handed a page in."""
    jobs.wake(kind="take_in", key=str(project_id), project_id=project_id)
