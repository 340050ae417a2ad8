"""Stages are paused and resumed: a paused one takes no work, and its pools give none out."""

from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import Pool, Stage, User
from curation.services import assets, events, pools, versions

NOTE = "The stage is paused."


@transaction.atomic
def pause_stage(*, stage_id: int, by: User | None, now: datetime) -> Stage:
    """Let a stage rest. Pages already in hands may be finished; what they say is taken in and waits here."""
    stage = _locked(stage_id)
    if stage.state == Stage.State.PAUSED:
        return stage
    stage.move_to(Stage.State.PAUSED)
    stage.save(update_fields=["state"])
    giving_out = Pool.objects.filter(stage=stage, state__in=[Pool.State.OPEN, Pool.State.OPENING])
    for pool_id in giving_out.order_by("id").values_list("pk", flat=True):
        pools.pause_pool(pool_id=pool_id, by=by, now=now, note=NOTE)
    _tell(stage, "paused", by, now)
    return stage


@transaction.atomic
def resume_stage(*, stage_id: int, by: User | None, now: datetime) -> list[str]:
    """Let a stage go on and open the pools again that paused with it; returns why some of them did not open."""
    stage = _locked(stage_id)
    if stage.state == Stage.State.RUNNING:
        return []
    stage.move_to(Stage.State.RUNNING)
    stage.save(update_fields=["state"])
    kept_shut = []
    resting = Pool.objects.filter(stage=stage, state=Pool.State.PAUSED, note=NOTE).order_by("id")
    for pool in resting:
        try:
            pools.open_pool(pool_id=pool.pk, by=by, now=now)
        except CrowdError as error:
            kept_shut.append(f"{pool.title} stays paused: {error}")
    _tell(stage, "resumed", by, now)
    assets.wake_stage(stage)
    return kept_shut


def _locked(stage_id: int) -> Stage:
    return Stage.objects.select_for_update(of=("self",)).select_related("project").get(pk=stage_id)


def _tell(stage: Stage, what: str, by: User | None, now: datetime) -> None:
    text = f"The stage {stage.title} was {what}."
    events.record(kind=f"stage.{what}", text=text, project=stage.project, subject=stage, by=by, now=now)
    versions.bump(project_id=stage.project_id)
