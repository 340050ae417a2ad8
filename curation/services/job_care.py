"""What a person does about jobs that cannot go on by themselves; each such act is on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crowd.errors import CrowdError
from curation.models import Job, Project, User
from curation.services import events
from curation.services.job_kinds import JOB_KINDS

State = Job.State
OF_A_STAGE: Final = "work_stage"  # a stage tells of its trouble itself
FAILS_FROM: Final = 3
MOST_TOLD: Final = 3


def troubled(*, now: datetime) -> QuerySet[Job]:
    """Return dead jobs, those that failed or crashed lately and are tried again, and those whose lease is over."""
    trying = Q(state__in=[State.DUE, State.RUNNING]) & (Q(failures__gt=0) | Q(crashes__gt=0))
    stuck = Q(state=State.RUNNING, lease_until__lt=now)
    return Job.objects.filter(Q(state=State.DEAD) | trying | stuck).order_by(F("state"), "-id")


@dataclass(frozen=True, slots=True)
class Failing:
    """Why the work of stages fails, by stage, and other lasting work that is dead or fails again and again."""

    stages: Mapping[int, str]
    others: Sequence[Job]


def failing_in(*, project: Project) -> Failing:
    """Return the lasting work of a project that does not go on."""
    lasting = [kind for kind, what in JOB_KINDS.items() if what.lasting and kind != OF_A_STAGE]
    often = Q(failures__gte=FAILS_FROM) | Q(crashes__gte=FAILS_FROM)
    again_and_again = Q(state__in=[State.DUE, State.RUNNING]) & often
    mine = Q(project_id=project.pk, kind__in=lasting) & (Q(state=State.DEAD) | again_and_again)
    keys = [str(stage.pk) for stage in project.stages.all()]
    found = list(Job.objects.filter(mine | Q(kind=OF_A_STAGE, key__in=keys, failures__gt=0)).order_by("id"))
    return Failing(
        stages={int(job.key): job.last_error for job in found if job.kind == OF_A_STAGE},
        others=[job for job in found if job.kind != OF_A_STAGE][:MOST_TOLD],
    )


def may_give_up(job: Job) -> bool:
    """Work that never ends is tried again by itself: giving it up would stop its project for good."""
    kind = JOB_KINDS.get(job.kind)
    return job.state == State.DEAD and not (kind and kind.lasting)


@transaction.atomic
def retry(*, job_id: int, by: User, now: datetime) -> Job:
    """Give a dead job another chance with clean counters."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state != State.DEAD:
        raise CrowdError(f"The job {job} is {job.state}: only a dead one is tried again by hand.")
    clean = {"crashes": 0, "failures": 0, "last_error": "", "rung_at": None}
    Job.objects.filter(pk=job.pk).update(state=State.DUE, next_at=now, **clean)
    again = JOB_KINDS[job.kind].begin_again if job.kind in JOB_KINDS else ""
    if again:
        module, name = again.split(":")
        getattr(import_module(module), name)(job)
    _record("job.retried", f"{by.name} has the job {job} tried again.", job, by, now)
    return job


@transaction.atomic
def give_up(*, job_id: int, by: User, now: datetime) -> Job:
    """End a dead job for good."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if not may_give_up(job):
        raise CrowdError(f"The job {job} cannot be given up: it is {job.state} or work that never ends.")
    Job.objects.filter(pk=job.pk).update(state=State.CANCELLED, finished_at=now)
    _record("job.given-up", f"{by.name} gave up the job {job}: {job.last_error[:120]}", job, by, now)
    return job


def _record(kind: str, text: str, job: Job, by: User, now: datetime) -> None:
    project = Project.objects.filter(pk=job.project_id).first() if job.project_id else None
    events.record(kind=kind, text=text, project=project, subject=job, by=by, now=now)
