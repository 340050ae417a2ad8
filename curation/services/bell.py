"""The bell: tell a worker over Redis that a job is due. Never raises: the sweeper rings again."""

import logging
import time

from curation.celery import app

log = logging.getLogger(__name__)
SILENT_SECONDS = 10.0
_silent_until = 0.0


def ring(job_id: int, queue: str) -> None:
    """Send the doorbell message; after a failure stay silent for a while, so that no request waits for Redis."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        app.send_task("curation.run_job", args=(job_id,), queue=queue, retry=False)
    except Exception:  # noqa: BLE001  whatever the broker throws, the row is due and will be rung again
        _silent_until = time.monotonic() + SILENT_SECONDS
        log.warning("Redis does not answer; jobs are rung by the sweeper")
