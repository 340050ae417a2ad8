"""Skills: numbers from 0 to 100 about a worker, with their history."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from crowd.models import Account, Answer, Assignment, Batch, OutboxCommand, Skill, SkillEvent, SkillValue
from crowd.platforms.registry import elsewhere
from crowd.quality.skill import SkillEstimate, estimate, platform_value
from crowd.services import outbox


def ensure_skill(*, account: Account, name: str) -> Skill:
    """Return the account's skill of this name, made on first use."""
    skill, _ = Skill.objects.get_or_create(account=account, name=name)
    return skill


@transaction.atomic
def set_skill(*, worker_id: int, skill_id: int, ok: int, n: int, reason: str, now: datetime) -> SkillValue:
    """Store ok of n as a value 0-100 (rounded down: 69.9 is not 70) and remember the change."""
    value = ok * 100 // n if n else 0
    row, _ = SkillValue.objects.update_or_create(
        worker_id=worker_id, skill_id=skill_id, defaults={"value": value, "ok": ok, "n": n, "updated_at": now}
    )
    SkillEvent.objects.create(worker_id=worker_id, skill_id=skill_id, value=value, reason=reason, created_at=now)
    _tell(row)
    return row


def _tell(row: SkillValue) -> None:
    """Leave the value for the platform, whose prices and gates go by it; what it has measured itself it knows."""
    account = row.worker.account
    measured_there = Batch.objects.filter(grants_skill_id=row.skill_id).exclude(kind=Batch.Kind.MAIN)
    if account.platform not in elsewhere() or measured_there.exists():
        return
    lane = f"skill:{row.pk}"
    if OutboxCommand.objects.filter(lane=lane, state=OutboxCommand.State.PLANNED).exists():
        return  # it sends the value as it is then
    number = SkillEvent.objects.filter(worker_id=row.worker_id, skill_id=row.skill_id).count()
    payload = {"skill_value_id": row.pk}
    outbox.enqueue(kind="set_skill", key=f"skill-{row.pk}-{number}", account=account, lane=lane, payload=payload)


def value_of(*, worker_id: int, skill_id: int | None) -> int | None:
    if skill_id is None:
        return None
    return SkillValue.objects.filter(worker_id=worker_id, skill_id=skill_id).values_list("value", flat=True).first()


def quality_name(batch: Batch) -> str:
    return f"Quality: {str(batch.spec.get('title', ''))[:80] or batch.interface} (stage {batch.stage_id})"


@transaction.atomic
def learn_quality(*, page: Assignment, now: datetime) -> SkillValue | None:
    """Learn from the control answers of a page. The value is the lower bound of the accuracy, so gates may use it."""
    rows = Answer.objects.filter(assignment=page, control_ok__isnull=False).values_list("control_ok", flat=True)
    oks = [bool(ok) for ok in rows]
    if not oks:
        return None
    row, _ = SkillValue.objects.select_for_update().get_or_create(
        worker_id=page.worker_id,
        skill=ensure_skill(account=page.batch.account, name=quality_name(page.batch)),
        defaults={"value": 0},
    )
    before, row.ok, row.n, row.updated_at = row.value, row.ok + sum(oks), row.n + len(oks), now
    known = estimate(row.ok, row.n)
    row.value = platform_value(known.lower)
    row.save(update_fields=["value", "ok", "n", "updated_at"])
    if row.value != before:
        _note_quality(row, known, now)
    return row


@transaction.atomic
def set_measured(
    *, worker_id: int, skill_id: int, value: int, ok: int, n: int, reason: str, now: datetime
) -> SkillValue:
    """Store what was measured of a worker as a value 0-100 of its own; only a changed value becomes history."""
    row, _ = SkillValue.objects.select_for_update().get_or_create(
        worker_id=worker_id, skill_id=skill_id, defaults={"value": 0}
    )
    before, row.value, row.ok, row.n, row.updated_at = row.value, value, ok, n, now
    row.save(update_fields=["value", "ok", "n", "updated_at"])
    if row.value != before:
        _note(row, reason[:200], now)
    return row


def _note_quality(row: SkillValue, known: SkillEstimate, now: datetime) -> None:
    reason = f"control tasks: {row.ok} of {row.n} right, mean {known.mean:.0%}, surely {known.lower:.0%}"
    _note(row, reason, now)


def _note(row: SkillValue, reason: str, now: datetime) -> None:
    """Put a new value on record and tell the platform where somebody goes by it."""
    SkillEvent.objects.create(
        worker_id=row.worker_id, skill_id=row.skill_id, value=row.value, reason=reason, created_at=now
    )
    if Batch.objects.filter(Q(needs_skill_id=row.skill_id) | Q(price_skill_id=row.skill_id)).exists():
        _tell(row)


def quality_of(*, worker_id: int, batch: Batch) -> SkillEstimate:
    """Return what is known of a worker at the stage of this batch; of a newcomer, what is believed of everybody."""
    mine = SkillValue.objects.filter(worker_id=worker_id, skill__name=quality_name(batch), skill__account=batch.account)
    row = mine.first()
    return estimate(row.ok, row.n) if row else estimate(0, 0)


@transaction.atomic
def count_acceptance(*, assignment: Assignment, accepted: bool, now: datetime, counted_before: bool = False) -> None:
    """Where the price depends on a skill of the same work, that skill is the share of accepted pages.

    A page that was rejected and is accepted now is still one page: `counted_before`.
    """
    batch = assignment.batch
    skill_id = batch.grants_skill_id
    if skill_id is None or batch.kind != Batch.Kind.MAIN:
        return
    row, _ = SkillValue.objects.select_for_update().get_or_create(
        worker_id=assignment.worker_id, skill_id=skill_id, defaults={"value": 0}
    )
    ok, n = row.ok + int(accepted), row.n + int(not counted_before)
    reason = "page accepted" if accepted else "page rejected"
    set_skill(worker_id=assignment.worker_id, skill_id=skill_id, ok=ok, n=n, reason=reason, now=now)
