"""Effects on platforms are written here, in the transaction that wants them; crowd.services.dispatch sends them."""

from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Now

from crowd.models import Account, OutboxCommand

State = OutboxCommand.State
QUEUE = "push"


def enqueue(
    *,
    kind: str,
    key: str,
    account: Account,
    batch_id: int | None = None,
    lane: str = "",
    payload: Mapping[str, Any] | None = None,
) -> OutboxCommand:
    """Write the intention; the same key again returns the row that is there. Commands of a lane keep their order."""
    row, _ = OutboxCommand.objects.get_or_create(
        kind=kind,
        key=key,
        defaults={
            "account": account,
            "batch_id": batch_id,
            "queue": QUEUE,
            "lane": lane,
            "payload": dict(payload or {}),
        },
    )
    return row


def plan_again(*, lane: str) -> int:
    """Give what was refused or given up in this lane another chance, with clean counters."""
    lost = OutboxCommand.objects.filter(lane=lane, state__in=[State.REFUSED, State.DEAD])
    return lost.update(state=State.PLANNED, next_at=Now(), failures=0, crashes=0, finished_at=None)


def withdraw(*, kind: str, batch_id: int) -> int:
    """Cancel what is planned and not wanted any more, so that a late opening cannot undo a pause."""
    planned = OutboxCommand.objects.filter(kind=kind, batch_id=batch_id, state=State.PLANNED)
    return planned.update(state=State.CANCELLED)
