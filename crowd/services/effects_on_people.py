"""What outbox commands about people do on their platform: bonuses, skills, bans, messages."""
# ruff: noqa: ARG001  all effects are called alike

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from crowd.errors import Invalid, NotFound, NotSupported, StateConflict
from crowd.models import Account, Assignment, Batch, Bonus, OutboxCommand, Restriction, SkillValue
from crowd.platforms.base import Ban, BonusSpec
from crowd.platforms.registry import platform
from crowd.services import ledger
from crowd.services.accounts import without_secrets


def pay_bonus(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    bonus = Bonus.objects.select_related("account", "worker").get(pk=command.payload["bonus_id"])
    if bonus.state != Bonus.State.PLANNED:
        return {"remote_id": bonus.remote_id}
    page = Assignment.objects.filter(pk=bonus.assignment_id).first() if bonus.assignment_id else None
    spec = BonusSpec(
        key=bonus.key,
        worker_ext_id=bonus.worker.ext_id,
        assignment_ext_id=page.ext_id if page else "",
        amount_micro=bonus.amount_micro,
        message=bonus.message,
        again=command.fence > 1,
    )
    try:
        remote_id = platform(bonus.account.platform).pay_bonus(bonus.account, spec)
    except (Invalid, NotFound, NotSupported, StateConflict) as error:
        _bonus_refused(bonus, without_secrets(bonus.account, str(error)))
        raise
    _bonus_paid(bonus, remote_id, now)
    return {"remote_id": remote_id}


@transaction.atomic
def _bonus_paid(bonus: Bonus, remote_id: str, now: datetime) -> None:
    bonus.move_to(Bonus.State.PAID)
    bonus.remote_id, bonus.paid_at, bonus.note = remote_id, now, ""
    bonus.save(update_fields=["state", "remote_id", "paid_at", "note"])
    ledger.charge_bonus(bonus=bonus, now=now)


@transaction.atomic
def _bonus_refused(bonus: Bonus, sentence: str) -> None:
    bonus.move_to(Bonus.State.REFUSED)
    bonus.note = sentence[:300]
    bonus.save(update_fields=["state", "note"])
    ledger.release(ref=f"bonus:{bonus.pk}")


def set_skill(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    """Send the value as it is now: an older one that was waiting is not worth a call of its own."""
    row = SkillValue.objects.select_related("worker__account", "skill").get(pk=command.payload["skill_value_id"])
    account = row.worker.account
    platform(account.platform).set_skill(account, row.worker.ext_id, row.skill.name, row.value)
    return {"value": row.value}


def restrict(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    row = Restriction.objects.select_related("worker__account").get(pk=command.payload["restriction_id"])
    if row.lifted_at is None:
        for account, remote_id in _places_of(row, command.payload.get("place")):
            platform(account.platform).restrict(account, remote_id, _ban(row))
    return {}


def unrestrict(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    row = Restriction.objects.select_related("worker__account").get(pk=command.payload["restriction_id"])
    for account, remote_id in _places_of(row):
        platform(account.platform).unrestrict(account, remote_id, _ban(row), now)
    return {}


def _ban(row: Restriction) -> Ban:
    return Ban(row.worker.ext_id, row.scope, row.reason, row.until)


def _places_of(row: Restriction, place: int | None = None) -> list[tuple[Account, str]]:
    """Return the batches through which the platform learns of a ban, or the one that it has to learn of it for.

    Through one it learns of a ban in the account; batches of one project here may be in several there.
    """
    account = row.worker.account
    batches = Batch.objects.filter(account=account).exclude(remote_id="")
    if place is not None:
        batches = batches.filter(pk=place)
    elif row.scope == Restriction.Scope.BATCH:
        batches = batches.filter(pk=row.scope_id)
    elif row.scope == Restriction.Scope.PROJECT:
        batches = batches.filter(project_id=row.scope_id)
    ids = list(batches.order_by("id").values_list("remote_id", flat=True))
    return [(account, remote_id) for remote_id in (ids[:1] if row.scope == Restriction.Scope.ACCOUNT else ids)]


def message(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    told = command.payload
    platform(command.account.platform).message(command.account, told["worker_ext_ids"], told["topic"], told["text"])
    return {}
