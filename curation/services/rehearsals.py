"""Rehearsals that are kept: asked for, begun, noted, ended, cancelled, thrown away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet

from crowd.errors import CrowdError
from curation.models import Job, Project, Rehearsal, User
from curation.services import events, jobs, trash

KIND: Final = "run_rehearsal"
MOST_AT_ONCE: Final = 36
MOST_UNDER_WAY: Final = 60
GAVE_UP: Final = "It failed again and again; its job says why."
State = Rehearsal.State
Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be rehearsed; `varied` is what makes it another row of its comparison."""

    recipe: str
    seed: int
    size: int
    settings: Settings = field(default_factory=dict)
    varied: Mapping[str, Any] = field(default_factory=dict)
    classes: Sequence[str] = ()
    pictures: bool = False


@transaction.atomic
def ask(*, asked: Sequence[Asked], project: Project | None, by: User, now: datetime) -> list[Rehearsal]:
    """Keep the rehearsals and leave them to jobs; several of them are one comparison."""
    if not 1 <= len(asked) <= MOST_AT_ONCE:
        raise CrowdError(f"These are {len(asked)} rehearsals; at most {MOST_AT_ONCE} are run at once.")
    mine = under_way().filter(created_by=by).count()
    if mine + len(asked) > MOST_UNDER_WAY:
        raise CrowdError(f"{mine} of your rehearsals are under way. Wait for them, or cancel some.")
    comparison = uuid4() if len(asked) > 1 else None
    rows = [_kept(one, project=project, by=by, now=now, comparison=comparison) for one in asked]
    for row in rows:
        jobs.enqueue(kind=KIND, key=str(row.public_id), payload={"rehearsal_id": row.pk})
    text = f"{by.name} rehearses {asked[0].recipe}, {asked[0].size:,} photos"
    text += f", {len(rows)} times with other settings or seeds." if len(rows) > 1 else "."
    events.record(kind="rehearsal.asked", text=text, project=project, subject=rows[0], by=by, now=now)
    return rows


@transaction.atomic
def keep(*, asked: Asked, ran_as: Project | None, report: Mapping[str, Any], now: datetime) -> Rehearsal:
    """Keep what the command line has rehearsed."""
    row = _kept(asked, project=None, by=None, now=now, comparison=None)
    row.state, row.ran_as, row.report, row.finished_at = State.DONE, ran_as, dict(report), now
    row.accepted, row.wall_seconds = report["quality"]["delivered"], report["time"]["wall_seconds"]
    row.save()
    return row


def _kept(asked: Asked, *, project: Project | None, by: User | None, now: datetime, comparison: Any) -> Rehearsal:
    return Rehearsal.objects.create(
        project=project,
        recipe=asked.recipe,
        seed=asked.seed,
        size=asked.size,
        settings={stage: dict(values) for stage, values in asked.settings.items()},
        varied=dict(asked.varied),
        classes=list(asked.classes),
        pictures=asked.pictures,
        comparison=comparison,
        created_by=by,
        created_at=now,
    )


def under_way() -> QuerySet[Rehearsal]:
    return Rehearsal.objects.filter(state__in=[State.WAITING, State.RUNNING])


@transaction.atomic
def begun(*, row: Rehearsal, ran_as: Project, now: datetime) -> bool:
    """Write down where it runs; returns whether it is still wanted. What nobody wants is archived at once."""
    mine = Rehearsal.objects.filter(pk=row.pk)
    mine.update(ran_as=ran_as)
    if mine.filter(state=State.WAITING).update(state=State.RUNNING):
        return True
    _archive(ran_as.pk, now)
    return False


def note(*, row: Rehearsal, accepted: int, seconds: float) -> bool:
    """Write down how far it is; returns whether it is still wanted."""
    mine = Rehearsal.objects.filter(pk=row.pk, state=State.RUNNING)
    return bool(mine.update(accepted=accepted, wall_seconds=row.wall_seconds + seconds))


def finish(*, row: Rehearsal, report: Mapping[str, Any], now: datetime) -> None:
    mine = Rehearsal.objects.filter(pk=row.pk, state=State.RUNNING)
    mine.update(state=State.DONE, report=dict(report), finished_at=now)


@transaction.atomic
def fail(*, row: Rehearsal, why: str, now: datetime) -> None:
    """Say why it could not be rehearsed; the project it ran in is archived."""
    if under_way().filter(pk=row.pk).update(state=State.FAILED, note=why[:500], finished_at=now):
        _archive(Rehearsal.objects.values_list("ran_as", flat=True).get(pk=row.pk), now)


def end_dead(*, now: datetime) -> int:
    """End rehearsals whose job has died or was given up: nobody will go on with them."""
    rows = {str(row.public_id): row for row in under_way()}
    ended = Job.objects.filter(kind=KIND, key__in=rows, state__in=[Job.State.DEAD, Job.State.CANCELLED])
    keys = list(ended.values_list("key", flat=True))
    for key in keys:
        fail(row=rows[key], why=GAVE_UP, now=now)
    return len(keys)


@transaction.atomic
def cancel(*, rehearsal_id: int, now: datetime) -> Rehearsal:
    """Let it rest where it is; what is over stays as it is."""
    row = Rehearsal.objects.select_for_update().get(pk=rehearsal_id)
    if not row.is_over:
        row.move_to(State.CANCELLED)
        row.finished_at = now
        row.save(update_fields=["state", "finished_at"])
        _archive(row.ran_as_id, now)
    return row


def _archive(project_id: int | None, now: datetime) -> None:
    if project_id is not None:
        Project.objects.filter(pk=project_id, archived_at=None).update(archived_at=now)


@transaction.atomic
def throw_away(*, rehearsal_id: int, by: User, now: datetime) -> None:
    """Delete a rehearsal that is over; the project it ran as goes into the trash."""
    row = Rehearsal.objects.select_for_update(of=("self",)).select_related("ran_as").get(pk=rehearsal_id)
    if not row.is_over:
        raise CrowdError("This rehearsal is under way. Cancel it first.")
    if row.ran_as is not None and row.ran_as.trashed_at is None:
        trash.put(project_id=row.ran_as.pk, name=row.ran_as.name, by=by, now=now)
    row.delete()
