"""Bans that a platform holds by itself, through rules it keeps or a person there: taken over as restrictions of ours.

So they are listed with scope, reason and end, and lifting one here lifts it there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.models import Batch, OutboxCommand, Restriction, Worker
from crowd.models.worker import digest_of
from crowd.platforms.base import Ban
from crowd.platforms.registry import platform
from crowd.services.own_books import UNFINISHED

EVERY = timedelta(minutes=10)
NAME = "bans"


def look(*, batch: Batch, now: datetime) -> None:
    """Ask who is kept out of a batch, at most every ten minutes. Raises PlatformError."""
    at = _memory(batch).get("at")
    if at and now < datetime.fromisoformat(at) + EVERY:
        return
    _take_over(batch.pk, platform(batch.account.platform).bans(batch.account, batch.remote_id), now)


def keeping_out(*, batch: Batch, now: datetime) -> QuerySet[Restriction]:
    """Return what keeps people from a batch, decided here or there."""
    ids = _ids(batch)
    places = Q(scope="batch", scope_id=ids["batch"]) | Q(scope="project", scope_id=ids["project"])
    mine = Restriction.objects.in_force(now).no_work().filter(worker__account_id=batch.account_id)
    return mine.filter(places | Q(scope="account", scope_id=ids["account"]))


def _ids(batch: Batch) -> dict[str, int]:
    return {"batch": batch.pk, "project": batch.project_id, "account": batch.account_id}


def _memory(batch: Batch) -> Mapping[str, Any]:
    """Return when the platform was asked last, and which restrictions came from it then."""
    found = batch.remote.get(NAME, {})
    return found if isinstance(found, Mapping) else {}


@transaction.atomic
def _take_over(batch_id: int, told: Sequence[Ban], now: datetime) -> None:
    """Bring what came from the platform to what it says now. What was decided here stays as it was decided."""
    batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    before = set(_memory(batch).get("rows", []))
    workers = _workers(batch, told)
    rows = [row for ban in told if (who := workers.get(ban.worker_ext_id)) and (row := _note(batch, who, ban, before))]
    over = Restriction.objects.filter(pk__in=before - set(rows), lifted_at__isnull=True)
    over.update(lifted_at=now, by_rule="")
    batch.remote = {**batch.remote, NAME: {"at": now.isoformat(), "rows": sorted(rows)}}
    batch.save(update_fields=["remote"])


def _workers(batch: Batch, told: Sequence[Ban]) -> dict[str, Worker]:
    """Return those of them who have worked for us, unless a ban of theirs is just being lifted there."""
    digests = [digest_of(ban.worker_ext_id) for ban in told]
    known = Worker.objects.filter(account_id=batch.account_id, ext_digest__in=digests)
    lifted = OutboxCommand.objects.filter(account_id=batch.account_id, kind="unrestrict", state__in=UNFINISHED)
    lanes = set(lifted.values_list("lane", flat=True))
    return {worker.ext_id: worker for worker in known if f"worker:{worker.pk}" not in lanes}


def _note(batch: Batch, worker: Worker, ban: Ban, before: set[int]) -> int | None:
    """Keep a ban and return its id; None when it is one of ours, or known from another batch."""
    name = batch.account.label
    told = {
        "reason": f"{name}: {ban.reason or 'a rule there'}"[:200],
        "until": ban.until,
        "by_rule": Restriction.BY_THE_PLATFORM if ban.is_final else "",
    }
    where = {"worker": worker, "scope": ban.scope, "scope_id": _ids(batch)[ban.scope], "effect": "no_work"}
    there = list(Restriction.objects.filter(**where, lifted_at=None).order_by("pk"))
    row = next((one for one in there if one.pk in before), None)
    if row is None:
        if there:
            return None
        by_rule = told.pop("by_rule")
        row, made = Restriction.objects.get_or_create(**where, by_rule=by_rule, lifted_at=None, defaults=told)
        return row.pk if made else None
    if any(one.by_rule == told["by_rule"] for one in there if one != row):
        del told["by_rule"]
    Restriction.objects.filter(pk=row.pk).update(**told)
    return row.pk
