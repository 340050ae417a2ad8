"""Celery's side: a bell that is rung, ids in, one service call. Nothing here is the truth."""

import logging
import time
from typing import Any

from celery import shared_task
from django.db import IntegrityError, transaction

from crowd.clock import database_now
from curation.models import Tick
from curation.services import jobs

log = logging.getLogger(__name__)
SILENT_SECONDS = 10.0
_silent_until = 0.0


def ring_job(job_id: int, queue: str) -> None:
    """Tell a worker that a job is due. Never raises: when Redis is away the sweeper rings later."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        run_job.apply_async((job_id,), queue=queue, retry=False)
    except Exception:  # noqa: BLE001  whatever the broker throws, the row is due and will be rung again
        _silent_until = time.monotonic() + SILENT_SECONDS
        log.warning("Redis does not answer; jobs are rung by the sweeper")


@shared_task(name="curation.run_job", max_retries=3, default_retry_delay=20)
def run_job(job_id: int) -> None:
    jobs.run(job_id=job_id, now=database_now())


@shared_task(name="curation.run_outbox")
def run_outbox(command_id: int) -> None:
    from crowd.services import outbox

    outbox.dispatch(command_id=command_id, now=database_now(), who=jobs.whoami())


@shared_task(name="curation.tick")
def tick(**_: Any) -> None:
    """Once a second, by whichever beat comes first: sweep, wake, ring."""
    now = database_now()
    try:
        with transaction.atomic():
            Tick.objects.create(name="tick", slot=int(now.timestamp()))
    except IntegrityError:
        return
    from curation.engine import housekeeping

    for job_id, queue in housekeeping.sweep(now=now):
        ring_job(job_id, queue)
