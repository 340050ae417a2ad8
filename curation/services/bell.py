"""The bell: tell a worker over Redis that a job is due. Never raises: the sweeper rings again."""

import logging

import redis
from django.conf import settings

from curation.celery import app
from curation.services import redis_away
from curation.services.job_kinds import JOB_KINDS

log = logging.getLogger(__name__)
MOST_WAITING = 1_000


def ring(job_id: int, queue: str) -> None:
    """Send the doorbell message; after a failure stay silent for a while, so that no request waits for Redis."""
    if redis_away.is_known():
        return
    try:
        app.send_task("curation.run_job", args=(job_id,), queue=queue, retry=False)
    except Exception:  # noqa: BLE001  whatever the broker throws, the row is due and will be rung again
        redis_away.note()
        log.warning("Redis does not answer; jobs are rung by the sweeper")


def crowded() -> set[str]:
    """Return the queues with so many messages that one more would only wait: there the sweeper need not ring again."""
    queues = sorted({kind.queue for kind in JOB_KINDS.values()})
    client = redis.Redis.from_url(settings.CHANNELS_REDIS, socket_timeout=1, socket_connect_timeout=1, retry=None)
    try:
        with client.pipeline(transaction=False) as asked:
            for queue in queues:
                asked.llen(queue)
            waiting = asked.execute()
    except (redis.RedisError, OSError):
        return set()
    finally:
        client.close()
    return {queue for queue, n in zip(queues, waiting, strict=True) if n >= MOST_WAITING}
