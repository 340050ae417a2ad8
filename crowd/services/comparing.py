"""How many pages a platform has and how many we have, looked at once a day: the line on a pool's page."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch
from crowd.platforms.registry import platform
from crowd.services import publishing

State = Assignment.State
UNANSWERED = "The platform was asked and has not answered yet."
HANDED_IN = (State.SUBMITTED, State.ACCEPTED, State.REJECTED)
# Beside what others write into the column at the same time.
STORE = "UPDATE crowd_batch SET remote = remote || jsonb_build_object('compared', %s::jsonb) WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Compared:
    """Pages handed in, there and here; `note` = why the platform could not be asked."""

    at: datetime
    there: int
    ours: int
    note: str

    @property
    def agrees(self) -> bool:
        return not self.note and self.there == self.ours


def compare_batch(*, batch_id: int, now: datetime) -> Compared | None:
    """Ask the platform for its books, outside of any transaction, and keep what was found. None = it is our own."""
    batch = Batch.objects.select_related("account").get(pk=batch_id)
    if not may_compare(batch):
        return None
    there, note = 0, ""
    _store(batch, Compared(now, 0, 0, UNANSWERED))  # stays when the platform takes longer than a job may
    try:
        books = platform(batch.account.platform).books(batch.account, batch.remote_id)
        there = sum(books.pages_by_state.get(str(state), 0) for state in HANDED_IN)
    except CrowdError as error:
        note = str(error)[:240]
    ours = Assignment.objects.filter(batch=batch, state__in=HANDED_IN).aggregate(n=Count("id"))["n"]
    found = Compared(now, there, ours, note)
    _store(batch, found)
    return found


def may_compare(batch: Batch) -> bool:
    return bool(batch.remote_id) and not publishing.is_local(batch) and batch.account.is_active


def last_compared(batch: Batch) -> Compared | None:
    """Return what the last comparison found."""
    kept: dict[str, Any] | None = batch.remote.get("compared")
    if not kept:
        return None
    return Compared(datetime.fromisoformat(kept["at"]), kept["there"], kept["ours"], kept["note"])


def _store(batch: Batch, found: Compared) -> None:
    told = {"at": found.at.isoformat(), "there": found.there, "ours": found.ours, "note": found.note}
    with connection.cursor() as cursor:
        cursor.execute(STORE, [json.dumps(told), batch.pk])
