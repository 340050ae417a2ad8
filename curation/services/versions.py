"""The doorbell: a project's version goes up, and browsers are told the number. It never carries data."""

import asyncio
import logging
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction
from django.db.models import F

from curation.models import Project
from curation.services import jobs, redis_away

log = logging.getLogger(__name__)
SECONDS_BETWEEN_RINGS = 0.7
LONGEST_SECONDS = 0.8
_rung: dict[int, float] = {}


def bump(*, project_id: int) -> None:
    """Raise the version and ring, once the caller's transaction has committed: its locks wait for nobody's counter.

    What was committed stays done when that fails: browsers poll as well.
    """
    if not jobs.is_moved_by_hand():
        transaction.on_commit(lambda: _raise(project_id), robust=True)


def _raise(project_id: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")  # a number for browsers need not reach the disk
        Project.objects.filter(pk=project_id).update(version=F("version") + 1)
    ring(project_id)


def ring(project_id: int) -> None:
    """Send one message at most every 0.7 s and process; browsers poll as well, so a lost one is harmless."""
    now = time.monotonic()
    if redis_away.is_known() or now - _rung.get(project_id, 0.0) < SECONDS_BETWEEN_RINGS:
        return
    _rung[project_id] = now
    layer = get_channel_layer()
    version = Project.objects.filter(pk=project_id).values_list("version", flat=True).first()
    if layer is None or version is None:
        return
    try:
        async_to_sync(_send)(layer, f"project.{project_id}", {"type": "doorbell", "version": version})
    except Exception:  # noqa: BLE001  a doorbell that fails must not fail the work
        redis_away.note()
        log.warning("live updates are off: Redis does not answer")


async def _send(layer: Any, group: str, message: dict[str, Any]) -> None:
    """A Redis that takes the connection and says nothing is waited for as long as by any other part of a request."""
    await asyncio.wait_for(layer.group_send(group, message), LONGEST_SECONDS)
