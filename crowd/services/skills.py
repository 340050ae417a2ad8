"""Skills: numbers from 0 to 100 about a worker, with their history."""

from collections.abc import Collection, Container, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Avg, Count, F, FloatField

from crowd.models import Account, Answer, Assignment, Batch, Skill, SkillEvent, SkillValue
from crowd.quality.skill import (
    ENOUGH_WORKERS,
    KEPT_A_DAY,
    USUAL_PRIOR,
    Prior,
    SkillEstimate,
    decayed,
    estimate,
    platform_value,
    pool_prior,
)
from crowd.quality.wording import whole_percent
from crowd.services import skill_news

KEPT = "skill_kept_a_day"
AT_ONCE = 500


def ensure_skill(*, account: Account, name: str) -> Skill:
    """Return the account's skill of this name, made on first use."""
    skill, _ = Skill.objects.get_or_create(account=account, name=name)
    return skill


@transaction.atomic(savepoint=False)
def set_skill(
    *, worker_id: int, skill_id: int, ok: int, n: int, reason: str, now: datetime, value: int | None = None
) -> SkillValue:
    """Store ok of n as a value 0-100 (rounded down: 69.9 is not 70), or the value given; remember the change."""
    if value is None:
        value = ok * 100 // n if n else 0
    row, _ = SkillValue.objects.update_or_create(
        worker_id=worker_id, skill_id=skill_id, defaults={"value": value, "ok": ok, "n": n, "updated_at": now}
    )
    SkillEvent.objects.create(worker_id=worker_id, skill_id=skill_id, value=value, reason=reason, created_at=now)
    skill_news.tell(row)
    return row


def value_of(*, worker_id: int, skill_id: int | None) -> int | None:
    if skill_id is None:
        return None
    return SkillValue.objects.filter(worker_id=worker_id, skill_id=skill_id).values_list("value", flat=True).first()


def quality_name(batch: Batch) -> str:
    return f"Quality: {str(batch.spec.get('title', ''))[:80] or batch.interface} (stage {batch.stage_id})"


@transaction.atomic(savepoint=False)
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
    before = row.value
    _add_faded(row, right=sum(oks), n=len(oks), kept_a_day=page.batch.spec.get(KEPT, KEPT_A_DAY), now=now)
    known = estimate(row.ok_worth, row.n_worth, _prior(row.skill_id))
    row.value = platform_value(known.lower)
    row.save(update_fields=["value", "ok", "n", "ok_worth", "n_worth", "updated_at"])
    if row.value != before:
        _note_quality(row, known, now)
    return row


def _add_faded(row: SkillValue, *, right: int, n: int, kept_a_day: float, now: datetime) -> None:
    """Count new answers; what was shown before counts less with every day since."""
    days = (now - row.updated_at).total_seconds() / 86_400 if row.n else 0.0
    before = (row.ok_worth, row.n_worth) if row.n_worth else (row.ok, row.n)
    row.ok_worth, row.n_worth = (decayed(count, days, kept_a_day) for count in before)
    row.ok_worth, row.n_worth = row.ok_worth + right, row.n_worth + n
    row.ok, row.n, row.updated_at = row.ok + right, row.n + n, now


def _prior(skill_id: int) -> Prior:
    """Return what is believed of a newcomer at this work: of everybody, until enough people are known here."""
    known = SkillValue.objects.filter(skill_id=skill_id, n__gt=0)
    if not known.order_by()[ENOUGH_WORKERS - 1 : ENOUGH_WORKERS].exists():
        return USUAL_PRIOR
    weight = USUAL_PRIOR.right + USUAL_PRIOR.wrong
    share = (F("ok") + USUAL_PRIOR.right) / (F("n") + weight)
    found = known.aggregate(mean=Avg(share, output_field=FloatField()), workers=Count("id"))
    return pool_prior(found["mean"], workers=found["workers"])


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
    mean, surely = whole_percent(known.mean), whole_percent(known.lower)
    reason = f"control tasks: {row.ok} of {row.n} right, mean {mean}, surely {surely}"
    _note(row, reason, now)


def _note(row: SkillValue, reason: str, now: datetime) -> None:
    """Put a new value on record and tell the platform where somebody goes by it."""
    SkillEvent.objects.create(
        worker_id=row.worker_id, skill_id=row.skill_id, value=row.value, reason=reason, created_at=now
    )
    if skill_news.asking_for(row.skill).exists():
        skill_news.tell(row)


@transaction.atomic(savepoint=False)
def count_acceptances(
    *,
    pages: Mapping[Batch, Sequence[Assignment]],
    accepted: bool,
    now: datetime,
    counted_before: Container[int] = (),
) -> None:
    """Where the price depends on a skill of the same work, that skill is the share of accepted pages.

    A page that was rejected and is accepted now is still one page: its id is in `counted_before`.
    """
    by_skill: dict[int, list[Assignment]] = {}
    for batch, mine in pages.items():
        if batch.grants_skill_id is not None and batch.kind == Batch.Kind.MAIN and mine:
            by_skill.setdefault(batch.grants_skill_id, []).extend(mine)
    for skill_id in sorted(by_skill):
        _count(skill_id, by_skill[skill_id], accepted=accepted, now=now, counted_before=counted_before)


def _count(
    skill_id: int, pages: Sequence[Assignment], *, accepted: bool, now: datetime, counted_before: Container[int]
) -> None:
    rows = _locked_values(skill_id, {page.worker_id for page in pages})
    reason, events = "page accepted" if accepted else "page rejected", []
    for page in pages:
        row = rows[page.worker_id]
        row.ok, row.n = row.ok + int(accepted), row.n + int(page.pk not in counted_before)
        row.value, row.updated_at = (row.ok * 100 // row.n if row.n else 0), now
        event = SkillEvent(worker_id=page.worker_id, skill_id=skill_id, value=row.value, reason=reason, created_at=now)
        events.append(event)
    SkillValue.objects.bulk_update(rows.values(), ["value", "ok", "n", "updated_at"], batch_size=AT_ONCE)
    SkillEvent.objects.bulk_create(events)
    for row in rows.values():
        skill_news.tell(row)


def _locked_values(skill_id: int, worker_ids: Collection[int]) -> dict[int, SkillValue]:
    """Return the workers' values of a skill under their locks, in the order of workers; made where there are none."""
    fresh = (SkillValue(worker_id=pk, skill_id=skill_id, value=0) for pk in sorted(worker_ids))
    SkillValue.objects.bulk_create(fresh, ignore_conflicts=True)
    rows = SkillValue.objects.select_for_update(of=("self",)).select_related("worker__account", "skill")
    rows = rows.defer("worker__account__secrets")
    return {
        row.worker_id: row for row in rows.filter(skill_id=skill_id, worker_id__in=worker_ids).order_by("worker_id")
    }
