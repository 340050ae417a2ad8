"""Accounts that are held after a restore: nothing is sent until our books and the platform's were compared.

A hold is a command that waits for a person, so it is seen on the account's page, where "Again" compares now and "Done"
lets go at once. It is never sent: a job compares, because that takes longer than a command may.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from crowd.models import Account, OutboxCommand

KIND: Final = "hold"
State = OutboxCommand.State
OVER: Final = (State.DONE, State.CANCELLED)
HOLDING: Final = tuple(state for state in State if state not in OVER)


def why(made_at: str) -> str:
    when = made_at[:16].replace("T", " ")
    return (
        f"This server was restored from a backup of {when} UTC. Nothing is sent to this account until "
        "`./winnow reconcile` has compared it with its platform."
    )


def held() -> QuerySet[OutboxCommand, int]:
    """Return the ids of accounts to which nothing is sent."""
    return OutboxCommand.objects.filter(kind=KIND, state__in=HOLDING).values_list("account_id", flat=True)


def release(*, account_ids: "Iterable[int] | QuerySet[Account, Any]", now: datetime) -> int:
    """Let go of accounts whose platform was asked. Returns how many were held."""
    mine = OutboxCommand.objects.filter(kind=KIND, state__in=HOLDING, account_id__in=account_ids)
    return mine.update(state=State.DONE, finished_at=now, lease_until=None)


def wanted() -> list[int]:
    """Return the accounts whose hold a person has tried again."""
    again = OutboxCommand.objects.filter(kind=KIND, state=State.PLANNED).order_by("account_id")
    return list(again.values_list("account_id", flat=True).distinct())


def compare(*, account: Account, now: datetime) -> str:
    """Ask the platform, and let go when it answers. Returns why it could not be asked: the hold waits for a person."""
    from crowd.services.reconcile import compare_elsewhere

    silent: object = "it is out of use." if not account.is_active else None
    if account.is_active:
        found = compare_elsewhere(account=account, now=now)
        silent = next((one.remote for one in found if one.kind == "platform"), None)
    if silent is None:
        release(account_ids=[account.pk], now=now)
        return ""
    note = f"The platform could not be asked: {silent}"
    again = OutboxCommand.objects.filter(kind=KIND, state=State.PLANNED, account=account)
    again.update(state=State.NEEDS_PERSON, last_error=note[:2000])
    return note
