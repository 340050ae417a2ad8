"""Rehearsals: a whole campaign with the simulated crowd, live beside the workers or on a virtual clock of its own."""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Account, Batch, Task
from crowd.rehearsal import visits
from crowd.rehearsal.models import RehearsalCrowd
from curation.engine import campaigns, flow
from curation.engine.crowds import Crowd, OwnCrowd, emulated
from curation.engine.market_accounts import account_for
from curation.engine.rehearsal_driver import Driver, commits_later, judge_suspicions, seldom_collected
from curation.engine.rehearsal_setup import START, darkroom_of, new_project, photos_of, prepare, seed_of, start
from curation.engine.rehearsal_size import end_drawing, rest_soon
from curation.engine.report import report
from curation.engine.wish import Wish
from curation.models import Job, Pool, Project
from curation.services import jobs
from curation.services.jobs import Again

T = TypeVar("T")
log = logging.getLogger(__name__)
SLICE_SECONDS = 1.5
DEMO_PATIENCE = timedelta(minutes=4)
DATABASE_PATIENCE = 60.0


# What a live demo does: a job that lets people come by, until no pool is open.
def run_visits(job: Job, _now: datetime) -> Again | None:
    """Job: let the simulated crowd of an account work for a moment."""
    crowd = RehearsalCrowd.objects.filter(account_id=job.payload["account_id"]).first()
    if crowd is None or not _has_open_work(crowd.account_id):
        return None
    outcomes = _visit_for_a_while(crowd)
    if job.project_id:
        is_demo = Project.objects.filter(pk=job.project_id, is_demo=True).exists()
        patience = DEMO_PATIENCE if is_demo else timedelta(0)
        judge_suspicions(project_id=job.project_id, now=database_now(), patience=patience)
    if crowd.visits_per_second:
        return Again(after=max(0.2, len(outcomes) / crowd.visits_per_second))
    if "page" in outcomes:
        return Again()
    return Again(after=1.0 if _has_open_tasks(crowd.account_id) else 5.0)


def _has_open_work(account_id: int) -> bool:
    waiting = [Pool.State.OPENING, Pool.State.OPEN]
    return Pool.objects.filter(account_id=account_id, state__in=waiting).exists()


def _has_open_tasks(account_id: int) -> bool:
    on_offer = Task.objects.filter(cancelled=False, issued__lt=F("overlap"), batch__account_id=account_id)
    return on_offer.filter(batch__state=Batch.State.OPEN).exists()


def _visit_for_a_while(crowd: RehearsalCrowd) -> list[str]:
    """Do as many visits as a slice of time holds; a demo with a pace does one."""
    end = time.monotonic() + (0 if crowd.visits_per_second else SLICE_SECONDS)
    outcomes = [_live_visit(crowd)]
    while time.monotonic() < end and outcomes[-1] != "budget" and outcomes[-5:] != ["nothing"] * 5:
        outcomes.append(_live_visit(crowd))
    return outcomes


def _live_visit(crowd: RehearsalCrowd) -> str:
    outcome = visits.visit(account_id=crowd.account_id, now=database_now()).outcome
    batch = Batch.objects.filter(account_id=crowd.account_id).first()
    if outcome == "page" and batch is not None:
        flow.wake_take_in(batch.project_id)
    return outcome


def rehearse(
    *,
    wish: Wish,
    progress: Callable[[int, int], None] | None = None,
    feed: Callable[[Project], None] | None = None,
) -> dict[str, Any]:
    """Run the whole recipe on a virtual clock and return the report. An interrupted rehearsal is continued.

    A database that goes away is waited for: every step is a transaction, so the run goes on where it was. `feed`
    brings in what comes from elsewhere, before anybody comes by.
    """
    started = time.monotonic()
    try:
        with jobs.moved_by_hand(), commits_later(), seldom_collected(), _crowd_of(wish) as (project, crowd):
            if feed is not None:
                feed(project)
            driver = Driver(project, crowd, wish, progress)
            while not _patiently(driver.turn):
                pass
            _patiently(driver.finish)
    finally:
        end_drawing()
    return document_of(project=project, wish=wish, wall_seconds=time.monotonic() - started)


def go_on(*, project: Project, wish: Wish, seconds: float) -> tuple[int, bool]:
    """Let a rehearsal of our own market go on for a while; return how many photos are through, and whether it is over.

    Between two turns everything is in the database, so that it may be called again and again, by any process.
    """
    end = time.monotonic() + seconds
    try:
        with jobs.moved_by_hand(), commits_later():
            start(project, wish)
            driver = Driver(project, _own_crowd(project, wish), wish, None)
            is_over = driver.turn()
            while not is_over and time.monotonic() < end:
                is_over = driver.turn()
            if is_over:
                driver.finish()
    finally:
        rest_soon()
    return driver.accepted(), is_over


def document_of(*, project: Project, wish: Wish, wall_seconds: float) -> dict[str, Any]:
    """Return the document of a rehearsal that is over."""
    account = Pool.objects.filter(project=project).values("account")[:1]
    clock = RehearsalCrowd.objects.filter(account__in=account).values_list("clock", flat=True).first() or START
    hours = round((clock - START).total_seconds() / 3600, 2)
    took = {"virtual_hours": hours, "wall_seconds": round(wall_seconds, 1)}
    return {**report(project=project, wish=wish), "time": took}


def _own_crowd(project: Project, wish: Wish) -> OwnCrowd:
    account = Account.objects.get(slug=account_for(project, "rehearsal").slug)
    return OwnCrowd(account, darkroom_of(project, wish))


@contextmanager
def _crowd_of(wish: Wish) -> Iterator[tuple[Project, Crowd]]:
    """Set up or find the project, and the crowd that works for it."""
    if wish.platform == "rehearsal":
        project = _patiently(lambda: prepare(wish))
        yield project, _own_crowd(project, wish)
        return
    if not wish.pictures:
        raise CrowdError(f"Photos must be drawn to be sent through {wish.platform}: rehearse with pictures.")
    slug, population = f"emulated-{uuid.uuid4().hex[:8]}", campaigns.population_for(photos_of(wish))
    with emulated(slug=slug, seed=seed_of(wish), population=population, start=START, coming=wish.coming) as crowd:
        project = new_project(wish, slug)
        start(project, wish)
        yield project, crowd


def _patiently(do: Callable[[], T]) -> T:
    end = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError):
            if time.monotonic() > end:
                raise
            log.warning("the database does not answer; the rehearsal waits for it")
            connection.close()
            time.sleep(0.5)
