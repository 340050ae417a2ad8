"""Celery's side: a bell that is rung, ids in, one service call. Nothing here is the truth."""

import logging
from typing import Any

from celery import shared_task
from django.db import IntegrityError, transaction

from crowd.clock import database_now
from curation.engine import housekeeping
from curation.models import Tick
from curation.services import bell, jobs

log = logging.getLogger(__name__)


@shared_task(name="curation.run_job", max_retries=3, default_retry_delay=20)
def run_job(job_id: int) -> None:
    """Run one job. Celery ends the whole worker when one lacks memory; here only the process that ran it ends."""
    try:
        jobs.run(job_id=job_id, now=database_now())
    except MemoryError:
        log.critical("job %s found no memory; its process ends", job_id)
        raise SystemExit(1) from None


@shared_task(name="curation.tick")
def tick(**_: Any) -> None:
    """Once a second, by whichever beat comes first: sweep, wake, ring."""
    now = database_now()
    try:
        with transaction.atomic():
            Tick.objects.create(name="tick", slot=int(now.timestamp()))
    except IntegrityError:
        return
    for job_id, queue in housekeeping.sweep(now=now, crowded=bell.crowded()):
        bell.ring(job_id, queue)
