"""Runs: numbered versions of how a stage's answers are added up. Applying one is a job; the old results stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

import aggregation
from crowd.errors import CrowdError
from curation.models import ConsensusRun, Job, Stage, User
from curation.services import events, jobs, versions
from curation.services.consensus.settings import ConsensusSettings, read

KIND = "reaggregate"
State = ConsensusRun.State


@dataclass(frozen=True, slots=True)
class Progress:
    """How far applying a run is. `total` is None until the job has begun; `stuck` says why it does not go on."""

    done: int
    total: int | None
    stuck: str = ""


def settings_of(run: ConsensusRun) -> ConsensusSettings:
    return read({**run.settings, "method": run.method})


@transaction.atomic
def current_run(*, stage: Stage, now: datetime) -> ConsensusRun:
    """Return the run under which arriving answers are added up: the one being applied, else the current one.

    A stage that has none yet, or whose settings were changed since, gets a new one.
    """
    _give_up_dead(stage)
    found = _standing(stage)
    if found is not None:
        return found
    locked = Stage.objects.select_for_update().get(pk=stage.pk)
    found = _standing(locked)
    if found is not None:
        return found
    wanted = read(locked.settings)
    return _replaced(locked, wanted.method, wanted.model_dump(), now)


@transaction.atomic
def label_run(*, stage: Stage, method: str, settings: Mapping[str, Any], now: datetime) -> ConsensusRun:
    """Return the run under which the votes of a stage are weighed; other settings make a new one."""
    same = {"stage": stage, "state": State.CURRENT, "method": method, "settings": dict(settings)}
    found = ConsensusRun.objects.filter(**same).first()
    if found is not None:
        return found
    locked = Stage.objects.select_for_update().get(pk=stage.pk)
    return ConsensusRun.objects.filter(**same).first() or _replaced(locked, method, settings, now)


def _replaced(stage: Stage, method: str, settings: Mapping[str, Any], now: datetime) -> ConsensusRun:
    ConsensusRun.objects.filter(stage=stage, state=State.CURRENT).update(state=State.PAST)
    return _new(stage, method, settings, State.CURRENT, now, applied_at=now)


def _standing(stage: Stage) -> ConsensusRun | None:
    found = ConsensusRun.objects.filter(stage=stage, state__in=[State.APPLYING, State.CURRENT])
    latest = found.order_by("-number").first()
    is_right = latest is not None and (latest.state == State.APPLYING or settings_of(latest) == read(stage.settings))
    return latest if is_right else None


@transaction.atomic
def apply(*, stage: Stage, settings: Mapping[str, Any], by: User | None, note: str = "", now: datetime) -> ConsensusRun:
    """Add up all answers of a stage again in another way; a job does it, and arriving answers follow at once.

    `settings` are those of the stage kind, `method` among them; what is not named stays as it is now. Raises
    CrowdError for settings that are wrong and while another run is being applied.
    """
    wanted = read({**stage.settings, **settings})
    if wanted.source != read(stage.settings).source:
        raise CrowdError("The source of the answers cannot change: make another stage for it.")
    return _start(stage, wanted, by, note, now, back_to=None)


@transaction.atomic
def go_back(*, run: ConsensusRun, by: User | None, now: datetime) -> ConsensusRun:
    """Bring an earlier run back as a new one. Its stored results are used again where the answers are the same.

    The current run comes back too where a later one was given up half way: then its results stand everywhere again.
    """
    _give_up_dead(run.stage)
    if run.state != State.PAST and not (run.state == State.CURRENT and is_mixed(latest_run(run.stage))):
        raise CrowdError(f"Version {run.number} is {run.get_state_display().lower()}: only a past one can come back.")
    return _start(run.stage, settings_of(run), by, f"back to version {run.number}", now, back_to=run)


def _start(
    stage: Stage,
    wanted: ConsensusSettings,
    by: User | None,
    note: str,
    now: datetime,
    *,
    back_to: ConsensusRun | None,
) -> ConsensusRun:
    Stage.objects.select_for_update().get(pk=stage.pk)
    _give_up_dead(stage)
    current_run(stage=stage, now=now)
    busy = ConsensusRun.objects.filter(stage=stage, state=State.APPLYING).first()
    if busy is not None:
        raise CrowdError(f"Version {busy.number} is being applied; wait until it is done, then try again.")
    settings = wanted.model_dump()
    run = _new(stage, wanted.method, settings, State.APPLYING, now, by=by, note=note, back_to=back_to)
    jobs.enqueue(kind=KIND, key=str(run.pk), project_id=stage.project_id, payload={"run_id": run.pk})
    who = by.name if by else "A program"
    text = f"{who} is applying version {run.number} of {stage.title}: {run.method}{f' ({note})' if note else ''}."
    events.record(kind="consensus.applying", text=text, project=stage.project, subject=run, by=by, now=now)
    versions.bump(project_id=stage.project_id)
    return run


def _new(
    stage: Stage,
    method: str,
    settings: Mapping[str, Any],
    state: str,
    now: datetime,
    *,
    by: User | None = None,
    note: str = "",
    back_to: ConsensusRun | None = None,
    applied_at: datetime | None = None,
) -> ConsensusRun:
    last = ConsensusRun.objects.filter(stage=stage).aggregate(n=Max("number"))["n"] or 0
    return ConsensusRun.objects.create(
        project_id=stage.project_id,
        stage=stage,
        number=last + 1,
        method=method,
        settings=dict(settings),
        library=aggregation.__version__,
        state=state,
        back_to=back_to,
        note=note[:200],
        by=by,
        created_at=now,
        applied_at=applied_at,
    )


def progress(run: ConsensusRun) -> Progress:
    """Say how far the job of a run is."""
    job = Job.objects.filter(kind=KIND, key=str(run.pk)).first()
    if job is None:
        return Progress(0, None)
    return Progress(job.done_n, job.total_n, job.last_error if job.state == Job.State.DEAD else "")


def latest_run(stage: Stage) -> ConsensusRun | None:
    """Return the newest run of a stage: only this one may be being applied."""
    return ConsensusRun.objects.filter(stage=stage).order_by("-number").first()


def is_mixed(latest: ConsensusRun | None) -> bool:
    """Whether the latest run stopped half way, so that its results stand beside those of the current one."""
    return latest is not None and (latest.state == State.FAILED or _is_dead(latest))


def _is_dead(run: ConsensusRun) -> bool:
    dead = Job.objects.filter(kind=KIND, key=str(run.pk), state=Job.State.DEAD)
    return run.state == State.APPLYING and dead.exists()


def _give_up_dead(stage: Stage) -> None:
    """A run whose job died holds up nobody."""
    for run in ConsensusRun.objects.filter(stage=stage, state=State.APPLYING):
        if _is_dead(run):
            ConsensusRun.objects.filter(pk=run.pk, state=State.APPLYING).update(state=State.FAILED)
