"""Rehearsals that were asked for in the browser: jobs that do a slice, note how far they are, and go on.

One slice at a time for all of them, so that real campaigns keep the other processes and wait for one slice at most.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.db import DatabaseError, connection
from pydantic import ValidationError

from crowd.errors import CrowdError
from curation.engine.rehearsal import document_of, go_on
from curation.engine.rehearsal_setup import new_project
from curation.engine.wish import Wish
from curation.models import Job, Project, Rehearsal
from curation.recipes.loading import BadRecipe
from curation.services import jobs, rehearsals
from curation.services.jobs import Again

SLICE_SECONDS = 2.5
LONGEST_WAIT = 60.0


def run_rehearsal(job: Job, now: datetime) -> Again | None:
    """Job: do a slice of a rehearsal, until it is over or nobody wants it any more."""
    row = Rehearsal.objects.select_related("ran_as", "created_by").filter(pk=job.payload["rehearsal_id"]).first()
    if row is None or row.is_over:
        return None
    with _only_slice() as is_ours:
        if not is_ours:
            return Again(after=_wait(row))
        return _slice(row, now)


@contextmanager
def _only_slice() -> Iterator[bool]:
    """Say whether no other rehearsal is at work. The lock is the connection's: a slice is many transactions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('rehearsal'), 0)")
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('rehearsal'), 0)")


def _wait(row: Rehearsal) -> float:
    """Return how long a rehearsal leaves the place to others: the longer the more of them there are."""
    return min(LONGEST_WAIT, rehearsals.under_way().exclude(pk=row.pk).count() * SLICE_SECONDS / 2)


def _slice(row: Rehearsal, now: datetime) -> Again | None:
    wish, started = wish_of(row), time.monotonic()
    try:
        project = row.ran_as or _begin(row, wish, now)
        if project is None:
            return None
        accepted, is_over = go_on(project=project, wish=wish, seconds=SLICE_SECONDS)
    except (BadRecipe, CrowdError, ValidationError, ValueError) as error:
        rehearsals.fail(row=row, why=str(error), now=now)
        return None
    seconds = time.monotonic() - started
    if not rehearsals.note(row=row, accepted=accepted, seconds=seconds):
        return None
    if is_over:
        document = document_of(project=project, wish=wish, wall_seconds=row.wall_seconds + seconds)
        rehearsals.finish(row=row, report=document, now=now)
        return None
    return Again(after=_wait(row), done_n=accepted, total_n=row.size)


def _begin(row: Rehearsal, wish: Wish, now: datetime) -> Project | None:
    """Make the project under a name that is the rehearsal's own: killed here, it is found again.

    None: nobody wants the rehearsal any more.
    """
    with jobs.moved_by_hand():
        project = new_project(wish, "rehearsal", name=f"Rehearsal {row.public_id}", by=row.created_by)
    return project if rehearsals.begun(row=row, ran_as=project, now=now) else None


def wish_of(row: Rehearsal) -> Wish:
    return Wish(row.recipe, row.seed, row.size, row.settings, pictures=row.pictures, classes=tuple(row.classes))
