"""Fits: what the reliability model has learnt about the workers of a stage. Made by a job as answers come in."""

from datetime import datetime

from curation.models import Job, Stage


def refit(*, source: Stage, now: datetime, only_if_due: bool = False) -> None:
    raise NotImplementedError


def run_refit(job: Job, now: datetime) -> None:
    """Job: learn from all answers of a stage."""
    refit(source=Stage.objects.get(pk=job.payload["stage_id"]), now=now)
