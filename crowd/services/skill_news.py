"""Skills whose values a platform has to know, because a batch there goes by them: each value is sent as it is then."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.audience import audience
from crowd.models import Account, Batch, OutboxCommand, Skill, SkillEvent, SkillValue
from crowd.platforms.registry import elsewhere
from crowd.services import outbox

State = OutboxCommand.State
A_LOAD = 1_000


def asking_for(skill: Skill) -> QuerySet[Batch]:
    """Return the batches that let people in, or pay them, by a skill."""
    by_name = Q(account_id=skill.account_id, audience__contains={"skills": [{"skill": skill.name}]})
    return Batch.objects.filter(Q(needs_skill=skill) | Q(price_skill=skill) | by_name)


def tell(row: SkillValue) -> None:
    """Leave a value for the platform; what it has measured itself it knows."""
    account = row.worker.account
    if account.platform not in elsewhere() or _measured_there(row.skill):
        return
    lane = _lane(row.pk)
    if OutboxCommand.objects.filter(lane=lane, state=State.PLANNED).exists():
        return  # it sends the value as it is then
    number = SkillEvent.objects.filter(worker_id=row.worker_id, skill_id=row.skill_id).count()
    payload = {"skill_value_id": row.pk}
    outbox.enqueue(kind="set_skill", key=f"skill-{row.pk}-{number}", account=account, lane=lane, payload=payload)


@transaction.atomic
def tell_of_holders(*, batch: Batch) -> int:
    """Leave the values of everybody who has a skill this batch asks for, but for those the platform was told."""
    if batch.account.platform not in elsewhere():
        return 0
    names = [one.skill for one in audience(batch.audience).skills]
    mine = Skill.objects.filter(account_id=batch.account_id)
    asked = mine.filter(Q(name__in=names) | Q(pk__in=[batch.needs_skill_id or 0, batch.price_skill_id or 0]))
    return sum(_tell_all(skill, again=False) for skill in asked if not _measured_there(skill))


@transaction.atomic
def made_anew(*, skill: Skill) -> None:
    """The platform has lost a skill: its id is forgotten, every value is sent again, and batches name the new one."""
    Skill.objects.filter(pk=skill.pk).update(remote_id="")
    _tell_all(skill, again=True)
    for batch in asking_for(skill).exclude(remote_id="").exclude(state=Batch.State.ARCHIVED).select_related("account"):
        number = OutboxCommand.objects.filter(kind="update_batch", batch_id=batch.pk).count()
        key, lane = f"update_batch-{batch.pk}-{number}", f"state:{batch.pk}"
        outbox.enqueue(kind="update_batch", key=key, account=batch.account, batch_id=batch.pk, lane=lane)


def _measured_there(skill: Skill) -> bool:
    return Batch.objects.filter(grants_skill=skill).exclude(kind=Batch.Kind.MAIN).exists()


def _lane(pk: int) -> str:
    return f"skill:{pk}"


def _tell_all(skill: Skill, *, again: bool) -> int:
    values = dict(SkillValue.objects.filter(skill=skill).values_list("pk", "value"))
    told, times = _told(skill.account, values)
    waiting = {lane for lane, one in told.items() if one is None}
    rows = [
        _command(skill.account, pk, times.get(_lane(pk), 0))
        for pk, value in sorted(values.items())
        if _lane(pk) not in waiting and (again or told.get(_lane(pk), -1) != value)
    ]
    OutboxCommand.objects.bulk_create(rows, batch_size=A_LOAD, ignore_conflicts=True)
    return len(rows)


def _command(account: Account, pk: int, times: int) -> OutboxCommand:
    """Only values that are sent without having changed get such a key: it counts what was sent before."""
    key, payload = f"skill-{pk}-again-{times}", {"skill_value_id": pk}
    return OutboxCommand(
        kind="set_skill", key=key, account=account, queue=outbox.QUEUE, lane=_lane(pk), payload=payload
    )


def _told(account: Account, pks: Iterable[int]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return by lane the value that was sent last (None = one is waiting to be sent), and how often one was sent."""
    lanes = [_lane(pk) for pk in pks]
    sent = OutboxCommand.objects.filter(kind="set_skill", account=account, lane__in=lanes)
    told: dict[str, Any] = {}
    times: dict[str, int] = {}
    for lane, state, result in sent.order_by("id").values_list("lane", "state", "result"):
        times[lane] = times.get(lane, 0) + 1
        if state == State.PLANNED:
            told[lane] = None
        elif state == State.DONE:
            told[lane] = result.get("value")
    return told, times
