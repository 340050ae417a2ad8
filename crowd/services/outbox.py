"""Effects on platforms: written in the transaction that wants them, carried out afterwards, each once.

A command whose process died between "sent" and "recorded" is `unknown`, and is read back before it is repeated.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.db.models import F, Q

from crowd.errors import CrowdError, PlatformError, Throttled, Unknown
from crowd.models import Account, Batch, OutboxCommand
from crowd.platforms.registry import platform

log = logging.getLogger(__name__)
State = OutboxCommand.State
LEASE = timedelta(seconds=45)
MOST_FAILURES = 30


class Effect(Protocol):
    def __call__(self, command: OutboxCommand, now: datetime) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """`repeat_safe`: doing it again finds what is there, so an unknown outcome may simply be repeated."""

    effect: Effect
    repeat_safe: bool


def _batch_of(command: OutboxCommand) -> Batch:
    return Batch.objects.select_related("account").get(pk=command.batch_id or 0)


def _open_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    batch = _batch_of(command)
    adapter = platform(batch.account.platform)
    adapter.open(batch.account, batch.remote_id, now)
    return {"remote_id": batch.remote_id}


def _close_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    batch = _batch_of(command)
    platform(batch.account.platform).close(batch.account, batch.remote_id, now)
    return {"remote_id": batch.remote_id}


KINDS: dict[str, Kind] = {
    "open_batch": Kind(_open_batch, repeat_safe=True),
    "close_batch": Kind(_close_batch, repeat_safe=True),
}


def enqueue(*, kind: str, key: str, account: Account, batch_id: int | None = None) -> OutboxCommand:
    """Write the intention; the same key again returns the row that is there."""
    row, _ = OutboxCommand.objects.get_or_create(
        kind=kind, key=key, defaults={"account": account, "batch_id": batch_id, "queue": "push"}
    )
    return row


def withdraw(*, kind: str, batch_id: int) -> int:
    """Cancel what is planned and not wanted any more, so that a late opening cannot undo a pause."""
    planned = OutboxCommand.objects.filter(kind=kind, batch_id=batch_id, state=State.PLANNED)
    return planned.update(state=State.CANCELLED)


def claim(*, command_id: int, now: datetime, who: str) -> OutboxCommand | None:
    """Take the lease; None = somebody else has it or it is not due."""
    taken = OutboxCommand.objects.filter(pk=command_id, state=State.PLANNED, next_at__lte=now).update(
        state=State.SENDING, fence=F("fence") + 1, leased_by=who, lease_until=now + LEASE, started_at=now
    )
    return OutboxCommand.objects.select_related("account").get(pk=command_id) if taken else None


def dispatch(*, command_id: int, now: datetime, who: str = "") -> bool:
    """Carry one command out. Returns whether this call did it."""
    command = claim(command_id=command_id, now=now, who=who)
    if command is None:
        return False
    try:
        result = KINDS[command.kind].effect(command, now)
    except Throttled as error:
        _finish(command, State.PLANNED, next_at=error.retry_at, error=str(error))
    except Unknown as error:
        _finish(command, State.UNKNOWN, error=str(error))
    except PlatformError as error:
        _after_error(command, str(error), now, permanent=error.permanent)
    except CrowdError as error:  # our own refusal: the batch is in no state for this
        _after_error(command, str(error), now, permanent=True)
    except Exception as error:
        # One command that fails in a way nobody foresaw must not stop those behind it.
        log.exception("command %s failed", command)
        _after_error(command, f"{type(error).__name__}: {error}", now, permanent=False)
    else:
        _finish(command, State.DONE, result=result, finished_at=now)
    return True


def _after_error(command: OutboxCommand, sentence: str, now: datetime, *, permanent: bool) -> None:
    if permanent or command.failures + 1 >= MOST_FAILURES:
        _finish(command, State.REFUSED if permanent else State.DEAD, error=sentence, finished_at=now)
        return
    wait = timedelta(seconds=min(300, 2 ** (command.failures + 1)))
    _finish(command, State.PLANNED, next_at=now + wait, error=sentence, failures=command.failures + 1)


def _finish(
    command: OutboxCommand,
    state: str,
    *,
    result: Mapping[str, Any] | None = None,
    next_at: datetime | None = None,
    error: str = "",
    failures: int | None = None,
    finished_at: datetime | None = None,
) -> None:
    """Record the verdict, only while our fence still holds."""
    OutboxCommand.objects.filter(pk=command.pk, fence=command.fence, state=State.SENDING).update(
        state=state,
        result=dict(result or {}),
        next_at=next_at or command.next_at,
        last_error=error[:2000],
        failures=command.failures if failures is None else failures,
        finished_at=finished_at,
        lease_until=None,
    )


@transaction.atomic
def sweep(*, now: datetime) -> int:
    """Settle commands whose process died: repeat-safe kinds go again, the others wait for a person."""
    lost = OutboxCommand.objects.select_for_update(skip_locked=True).filter(
        Q(state=State.SENDING, lease_until__lt=now) | Q(state=State.UNKNOWN)
    )
    settled = 0
    for command in lost[:200]:
        if command.state == State.SENDING:
            command.move_to(State.UNKNOWN)
        command.move_to(State.PLANNED if KINDS[command.kind].repeat_safe else State.NEEDS_PERSON)
        command.lease_until = None
        command.save(update_fields=["state", "lease_until"])
        settled += 1
    return settled


def due_ids(*, now: datetime, limit: int = 50) -> list[int]:
    rows = OutboxCommand.objects.filter(state=State.PLANNED, next_at__lte=now).order_by("-priority", "next_at", "id")
    return list(rows.values_list("id", flat=True)[:limit])


def drain(*, now: datetime, who: str = "") -> int:
    """Carry out everything that is due, in order."""
    return sum(dispatch(command_id=one, now=now, who=who) for one in due_ids(now=now))
