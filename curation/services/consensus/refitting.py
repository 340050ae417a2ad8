"""Asking for a refit: answers and verdicts wake the one job of a stage, which sees whether enough has come in."""

from datetime import datetime, timedelta

from curation.models import Consensus, Job, Stage
from curation.services import jobs
from curation.services.consensus.settings import source_if_there

KIND = "refit"
A_MINUTE = timedelta(minutes=1)


def ask_for_refit(source: Stage, now: datetime) -> None:
    """Wake the job of the stage whose answers are learnt from, at most once a minute."""
    before = Job.objects.filter(kind=KIND, key=str(source.pk)).first()
    if before is not None and before.state == Job.State.DUE:
        return
    jobs.wake(kind=KIND, key=str(source.pk), project_id=source.project_id, payload={"stage_id": source.pk})
    if before is not None:
        Job.objects.filter(pk=before.pk, state=Job.State.DUE).update(next_at=now + A_MINUTE)


def after_verdict(consensus: Consensus, now: datetime) -> None:
    """Ask for a refit where the judged result was added up; a driver on a virtual clock has no jobs."""
    stage = consensus.stage
    if stage.kind != "aggregate" or jobs.is_moved_by_hand():
        return
    source = source_if_there(stage)
    if source is not None:
        ask_for_refit(source, now)
