"""Carrying out what lies in the outbox, each command once.

A command whose process died between "sent" and "recorded" is `unknown`, and is read back before it is repeated.
"""

import logging
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef, Q

from crowd import holders
from crowd.clock import database_now
from crowd.errors import (
    AuthFailed,
    CrowdError,
    NeedsPerson,
    OutOfFunds,
    PlatformError,
    StillRunning,
    Throttled,
    Unknown,
    trail,
)
from crowd.models import Account, OutboxCommand
from crowd.services import holding
from crowd.services.accounts import without_secrets
from crowd.services.effects import KINDS

log = logging.getLogger(__name__)
State = OutboxCommand.State
LEASE = timedelta(seconds=25)
IN_FLIGHT = timedelta(seconds=5)  # a call whose process died may still be at work on the other side
SIDE_BY_SIDE = 4
OWED_PAUSE = timedelta(minutes=5)
BY_ITSELF = "It is tried again every five minutes."
RESUME, AGAIN = "Then press Resume.", "Then try it again."
OPENING = frozenset({"publish_batch", "open_batch"})
MOST_FAILURES = 30
MOST_CRASHES = 8
UNFINISHED = (State.PLANNED, State.SENDING, State.UNKNOWN, State.NEEDS_PERSON)


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
    except Exception as error:  # noqa: BLE001  sorted out by kind; one command must not stop those behind it
        _after(error, command, now)
    else:
        _finish(command, State.DONE, result=result, finished_at=now)
    return True


def _after(error: Exception, command: OutboxCommand, now: datetime) -> None:
    """Decide what becomes of a command that was not carried out."""
    sentence = without_secrets(command.account, str(error))
    if isinstance(error, Throttled | StillRunning):
        _finish(command, State.PLANNED, next_at=error.retry_at, error=sentence)
    elif isinstance(error, Unknown):
        _finish(command, State.UNKNOWN, error=sentence)
    elif isinstance(error, NeedsPerson):
        _finish(command, State.NEEDS_PERSON, error=sentence)
    elif isinstance(error, AuthFailed | OutOfFunds):
        Account.objects.filter(pk=command.account_id).update(is_well=False, note=sentence[:300])
        _wait_for_account(command, sentence, now)
    elif isinstance(error, CrowdError):  # the platform's refusal, or our own: the batch is in no state for this
        permanent = error.permanent if isinstance(error, PlatformError) else True
        _after_error(command, sentence, now, permanent=permanent)
    else:
        log.error("command %s %s failed: %s", command.kind, command.pk, trail(error))
        _after_error(command, f"{type(error).__name__}: {sentence}", now, permanent=False)


def _wait_for_account(command: OutboxCommand, sentence: str, now: datetime) -> None:
    """What is owed is done once the account can do it; anything else waits for a person, and the sentence says so."""
    if KINDS[command.kind].owed:
        _finish(command, State.PLANNED, next_at=now + OWED_PAUSE, error=f"{sentence} {BY_ITSELF}")
        return
    what_to_do = RESUME if command.kind in OPENING else AGAIN
    _finish(command, State.REFUSED, error=f"{sentence} {what_to_do}", finished_at=now)


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
        Q(state=State.SENDING, lease_until__lt=now)
        | Q(state=State.SENDING, leased_by__in=_gone(), started_at__lt=now - IN_FLIGHT)
        | Q(state=State.UNKNOWN)
    )
    settled = 0
    for command in lost[:200]:
        _settle(command)
        settled += 1
    return settled


def _gone() -> list[str]:
    """Return the holders of commands under way that live no more."""
    under_way = OutboxCommand.objects.filter(state=State.SENDING).order_by()
    return [who for who in under_way.values_list("leased_by", flat=True).distinct() if holders.is_gone(who)]


def _settle(command: OutboxCommand) -> None:
    if command.state == State.SENDING:  # its process died between "sent" and "recorded"
        command.move_to(State.UNKNOWN)
        command.crashes += 1
    if command.crashes >= MOST_CRASHES:
        command.move_to(State.DEAD)
        command.last_error = f"Its process died {command.crashes} times. {command.last_error}"[:2000]
    else:
        command.move_to(State.PLANNED if KINDS[command.kind].repeat_safe else State.NEEDS_PERSON)
    command.lease_until = None
    command.save(update_fields=["state", "lease_until", "crashes", "last_error"])


def due_ids(*, now: datetime, account_id: int | None = None, limit: int = 50) -> list[int]:
    """Return what can be sent now: of each lane only its first unfinished command."""
    earlier = OutboxCommand.objects.filter(lane=OuterRef("lane"), id__lt=OuterRef("id"), state__in=UNFINISHED)
    rows = OutboxCommand.objects.filter(Q(lane="") | ~Exists(earlier), state=State.PLANNED, next_at__lte=now)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    rows = rows.filter(_may_go())
    return list(rows.order_by("-priority", "next_at", "id").values_list("id", flat=True)[:limit])


def _may_go() -> Q:
    """What is held after a restore waits."""
    return ~Q(account_id__in=holding.held())


def accounts_due(*, now: datetime) -> list[tuple[int, str]]:
    """Return (account id, platform) of the accounts with commands to be sent."""
    rows = OutboxCommand.objects.filter(_may_go(), state=State.PLANNED, next_at__lte=now)
    return list(rows.order_by("account_id").values_list("account_id", "account__platform").distinct())


def drain_for(*, account_id: int, seconds: float, who: str = "") -> bool:
    """Carry out what is due on one account, verdicts side by side. Returns whether time ran out before.

    A platform takes its time over a call, and verdicts have nothing to do with one another.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ids = due_ids(now=database_now(), account_id=account_id)
        if not ids:
            return False
        kinds = [name for name, kind in KINDS.items() if kind.side_by_side]
        verdicts = set(OutboxCommand.objects.filter(pk__in=ids, kind__in=kinds).values_list("pk", flat=True))
        _carry_out(deque(pk for pk in ids if pk not in verdicts), end, who)
        _side_by_side(deque(pk for pk in ids if pk in verdicts), end, who)
    return True


def _side_by_side(waiting: deque[int], end: float, who: str) -> None:
    if len(waiting) < SIDE_BY_SIDE:
        _carry_out(waiting, end, who)
        return
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        hands = [threads.submit(_help, waiting, end, who) for _ in range(SIDE_BY_SIDE)]
    for hand in hands:
        hand.result()


def _help(waiting: deque[int], end: float, who: str) -> None:
    try:
        _carry_out(waiting, end, who)
    finally:
        connections.close_all()  # those of this thread


def _carry_out(waiting: deque[int], end: float, who: str) -> None:
    """Take one after the other: of each lane only one is among them, so that lanes keep their order."""
    while time.monotonic() < end:
        try:
            command_id = waiting.popleft()
        except IndexError:
            return
        dispatch(command_id=command_id, now=database_now(), who=who)


def drain(*, now: datetime, who: str = "", account_id: int | None = None) -> int:
    """Carry out everything that is due, in order."""
    return sum(dispatch(command_id=one, now=now, who=who) for one in due_ids(now=now, account_id=account_id))
