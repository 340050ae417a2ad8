"""The job of an import: bring the package, count what it holds, take it in; cancelled or refused, nothing is left."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction

from crowd.bulk import plain_text, storable
from curation.datasets.formats.recognising import recognise
from curation.intake.unpacking import BadPackage
from curation.models import DatasetImport, Job
from curation.services import events, held_files, import_audit, import_packages, import_spool
from curation.services.file_uploads import UploadRefused
from curation.services.import_check import look_into
from curation.services.import_requests import KIND, State, wanted
from curation.services.import_spool import ImportRunning
from curation.services.importing import Imported, Origin, WrongDataset, import_dataset
from curation.services.jobs import Again

A_RUN = 100.0  # seconds of one job after which pictures are prepared no further
LOOK_EVERY = 2.0  # seconds between two looks whether somebody has cancelled
WAIT_FOR_ANOTHER = 5.0
MOST_TOLD = 100
NOT_RECOGNISED = "No reader knows what is in it; name its format."


class Cancelled(Exception):
    """Somebody has cancelled the import."""


class _Pause(Exception):
    """The job's time is over; the next run goes on with what is prepared."""


def run_import(job: Job, now: datetime) -> Again | None:
    """Do what stands next: count, take in, or clear away."""
    rows = DatasetImport.objects.select_related("project", "upload", "stage", "created_by")
    row = rows.filter(pk=int(job.key)).first()
    if row is None or row.state == State.CHECKED:
        return None
    try:
        if row.state in STEPS:
            return STEPS[State(row.state)](row, now)
    except _Pause:
        return Again(done_n=row.progress, total_n=row.held.get("pictures"))
    except ImportRunning:
        return Again(after=WAIT_FOR_ANOTHER)
    except Cancelled:
        row.refresh_from_db()
    except (BadPackage, UploadRefused, WrongDataset) as refusal:
        refuse(row, str(refusal), now)
    _clear(row)
    return None


def _check(row: DatasetImport, _: datetime) -> Again | None:
    """Count what it holds; one that starts by itself goes on when every class has a place."""
    watch = _Watch(row)
    path = import_packages.brought(row, _in_time(watch))
    form = row.format or recognise(path)
    if form is None:
        raise WrongDataset(NOT_RECOGNISED)
    found = look_into(project=row.project, path=path, form=form, wanted=wanted(row), progress=watch)
    state = State.TAKING_IN if row.starts_itself and found.can_be_taken else State.CHECKED
    mine = DatasetImport.objects.filter(pk=row.pk, state=State.CHECKING)
    if not mine.update(state=state, format=form, held=storable(found.as_json()), progress=0):
        raise Cancelled
    return Again() if state == State.TAKING_IN else None


def _take(row: DatasetImport, now: datetime) -> None:
    watch = _Watch(row)
    in_time = _in_time(watch)
    import_dataset(
        project=row.project,
        path=import_packages.brought(row, in_time),
        form=row.format,
        wanted=wanted(row),
        stage=row.stage,
        origin=Origin(row.source, row.licence, partial(import_packages.address_of, row)),
        by=row.created_by,
        now=now,
        progress=watch,
        prepared=in_time,
        written=lambda done: _finish(row, done, now),
    )
    _clear(row)


def _in_time(watch: "_Watch") -> Callable[[], None]:
    """Return what raises _Pause when a run has lasted long enough, and Cancelled."""
    end = time.monotonic() + A_RUN

    def in_time() -> None:
        watch()
        if time.monotonic() > end:
            raise _Pause

    return in_time


STEPS: Final = {State.CHECKING: _check, State.TAKING_IN: _take}


class _Watch:
    """Called again and again with how far it is: notes it now and then. Raises Cancelled."""

    def __init__(self, row: DatasetImport) -> None:
        self._row, self._next = row, time.monotonic()

    def __call__(self, count: int | None = None) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_EVERY
        self._row.progress = self._row.progress if count is None else count
        mine = DatasetImport.objects.filter(pk=self._row.pk, state=self._row.state)
        if not mine.update(progress=self._row.progress):
            raise Cancelled


def _finish(row: DatasetImport, done: Imported, now: datetime) -> None:
    """End the import in the transaction that writes its pictures."""
    locked = DatasetImport.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if locked.state != State.TAKING_IN:
        raise Cancelled
    locked.move_to(State.DONE)
    locked.progress, locked.finished_at = done.received, now
    locked.result = storable({**document(done), **_audited(row, now)})
    locked.save(update_fields=["state", "progress", "result", "finished_at"])
    row.state = locked.state


def _audited(row: DatasetImport, now: datetime) -> dict[str, int]:
    """Send a share of what is new to our own people; say how many, and how many were past the boxes already."""
    if not row.audit:
        return {"audited": 0, "audit_too_late": 0}
    sent = import_audit.send(project=row.project, source=row.source, share=row.audit, now=now)
    past = import_audit.too_late(project=row.project, source=row.source, share=row.audit)
    return {"audited": sent, "audit_too_late": past}


def document(done: Imported, *, most: int = MOST_TOLD) -> dict[str, Any]:
    """Return what an import has done as JSON, with the first so many lines that were refused."""
    return {
        "received": done.received,
        "new": done.new,
        "existing": done.existing,
        "left_out": done.left_out,
        "refused": len(done.files_refused),
        "reasons": done.reasons(),
        "labels": {what: done.labels[what] for what in ("new", "changed", "existing", "kept")},
        "boxes": dict(sorted(done.boxes.items())),
        "also_in": dict(sorted(done.also_in.items())),
        "other_licence": done.other_licence,
        "files_refused": [asdict(one) for one in done.files_refused[:most]],
    }


@transaction.atomic
def refuse(row: DatasetImport, why: str, now: datetime) -> None:
    """End an import that cannot be done, with the reason."""
    mine = DatasetImport.objects.filter(pk=row.pk, state__in=[State.CHECKING, State.TAKING_IN])
    if mine.update(state=State.REFUSED, error=plain_text(why)[:600], finished_at=now):
        text = plain_text(f"{row.source} was not imported: {why}")[:300]
        events.record(kind="import.refused", text=text, project=row.project, subject=row, now=now)
    row.refresh_from_db(fields=["state", "error"])  # somebody may have cancelled it just now


def _clear(row: DatasetImport) -> None:
    """Delete what an import that has ended has left: the package, its upload, what was prepared and not taken."""
    import_packages.forget(row)
    if row.upload_id is not None:
        told = {State.CANCELLED: "Its import was cancelled.", State.REFUSED: row.error}
        held_files.release(upload_id=row.upload_id, reason=told.get(State(row.state), ""))
    if row.state != State.DONE:
        with suppress(ImportRunning):  # which deletes all that is prepared at its own end
            import_spool.cancel(row.project)


def end_dead(*, now: datetime) -> None:
    """End imports whose job has died or was given up: nobody would take them in any more."""
    rows = DatasetImport.objects.filter(state__in=[State.CHECKING, State.TAKING_IN]).select_related("project")
    open_ones = {str(row.pk): row for row in rows}
    dead = Job.objects.filter(kind=KIND, key__in=open_ones, state__in=[Job.State.DEAD, Job.State.CANCELLED])
    for row in (open_ones[key] for key in dead.values_list("key", flat=True)):
        refuse(row, "It failed again and again; its job says why. Large data sets: use the command.", now)
        _clear(row)
