"""Who may work: restrictions, and quality rules at work."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crowd import rules
from crowd.models import Account, Answer, Assignment, Batch, Restriction, Worker
from crowd.platforms.registry import elsewhere, platform
from crowd.rules import Ban, Hold, Reject, SetSkill, StopPaying, Suspend, Warn
from crowd.services import judging, outbox, quality, skills
from crowd.services.quality import Struck
from crowd.services.skills import Checked

State = Assignment.State
Scope = Restriction.Scope
A_DAY = timedelta(hours=24)
ABOUT_QUALITY = ("control", "speed", "majority", "acceptance")


def is_restricted(*, worker: Worker, batch: Batch, now: datetime) -> bool:
    """Whether any restriction in force covers this batch, for any account of the same person."""
    people = Q(worker=worker)
    if worker.person_id is not None:
        people |= Q(worker__person_id=worker.person_id)
    return Restriction.objects.in_force(now).no_work().filter(people).filter(_covering(batch)).exists()


def bans_in(*, project_id: int, now: datetime) -> QuerySet[Restriction]:
    """Return the bans in force that keep workers from a project, one of its pools, or all of their account."""
    batches = Batch.objects.filter(project_id=project_id).values("pk")
    here = Q(scope=Scope.PROJECT, scope_id=project_id) | Q(scope=Scope.BATCH, scope_id__in=batches)
    return Restriction.objects.in_force(now).no_work().filter(here | Q(scope=Scope.ACCOUNT))


@transaction.atomic
def restrict(
    *,
    worker_id: int,
    scope: str,
    scope_id: int,
    reason: str,
    until: datetime | None,
    by_rule: str = "",
    effect: str = Restriction.Effect.NO_WORK,
) -> Restriction:
    """Restrict a worker; a restriction of the same cause in this scope is prolonged, never doubled or shortened."""
    asked = {"reason": reason[:200], "until": until}
    row, made = Restriction.objects.select_for_update().get_or_create(
        worker_id=worker_id,
        scope=scope,
        scope_id=scope_id,
        effect=effect,
        by_rule=by_rule,
        lifted_at=None,
        defaults=asked,
    )
    if not made and (row.until is None or (until is not None and until <= row.until)):
        return row
    if not made:
        row.reason, row.until = reason[:200], until
        row.save(update_fields=list(asked))
    if _lasts_longest(row):
        _tell_platform(row, "restrict", f"restrict-{row.pk}-{f'{until:%Y%m%dT%H%M%S}' if until else 'for-good'}")
    return row


def _beside(row: Restriction) -> QuerySet[Restriction]:
    """Return what stands against the worker in the same place for other causes; platforms know one ban in a place."""
    here = {"worker_id": row.worker_id, "scope": row.scope, "scope_id": row.scope_id, "effect": row.effect}
    others = Restriction.objects.filter(lifted_at__isnull=True, **here)
    return others.exclude(pk=row.pk).exclude(by_rule=Restriction.BY_THE_PLATFORM)


def _lasts_longest(row: Restriction) -> bool:
    longer = Q(until__isnull=True) if row.until is None else Q(until__isnull=True) | Q(until__gte=row.until)
    return not _beside(row).filter(longer).exists()


@transaction.atomic
def end_timed(*, now: datetime) -> int:
    """Lift restrictions whose time is over where a platform has to be told so: most keep a ban until it is lifted."""
    over = Restriction.objects.filter(
        until__lte=now, lifted_at__isnull=True, worker__account__platform__in=elsewhere()
    ).exclude(worker__account__rehearsal__follows_wall_clock=False)
    ids = list(over.order_by("id").values_list("id", flat=True)[:500])
    for restriction_id in ids:
        lift(restriction_id=restriction_id, now=now)
    return len(ids)


def lift(*, restriction_id: int, now: datetime) -> None:
    """End a restriction before its time; the platform keeps what another cause still asks for in this scope."""
    row = Restriction.objects.select_for_update().filter(pk=restriction_id, lifted_at__isnull=True).first()
    if row is None:
        return
    row.lifted_at = now
    row.save(update_fields=["lifted_at"])
    in_force = _beside(row).filter(Q(until__isnull=True) | Q(until__gt=now))
    stays = in_force.order_by(F("until").desc(nulls_first=True)).first()
    if stays is None:
        _tell_platform(row, "unrestrict", f"unrestrict-{row.pk}")
    else:
        _tell_platform(stays, "restrict", f"restrict-{stays.pk}-after-{row.pk}")


@transaction.atomic
def tell_of_bans(*, batch: Batch, now: datetime) -> None:
    """Leave the bans in force for a batch that has come to its platform after them."""
    bans = Restriction.objects.in_force(now).no_work().filter(_covering(batch), worker__account_id=batch.account_id)
    earlier = Batch.objects.filter(account_id=batch.account_id).exclude(remote_id="").exclude(pk=batch.pk)
    if earlier.exists():
        bans = bans.exclude(scope=Scope.ACCOUNT)  # they were told with the first
    for row in bans.order_by(F("until").asc(nulls_last=True), "id"):
        _tell_platform(row, "restrict", f"restrict-{row.pk}-in-{batch.pk}", place=batch.pk)


def _tell_platform(row: Restriction, kind: str, key: str, place: int | None = None) -> None:
    """Leave it for the platform where the worker belongs to one that gives out work, or sends people, itself.

    `place`: the batch that it is about, if not all it covers.
    """
    account = Account.objects.defer("secrets").get(workers=row.worker_id)
    if row.effect != Restriction.Effect.NO_WORK or account.platform not in elsewhere():
        return
    outbox.enqueue(
        kind=kind,
        key=key,
        account=account,
        batch_id=row.scope_id if row.scope == Scope.BATCH else None,
        lane=f"worker:{row.worker_id}",
        payload={"restriction_id": row.pk} | ({"place": place} if place else {}),
    )


def apply_rules(*, page: Assignment, now: datetime) -> None:
    """Learn from a page's control answers, then look at the batch's quality rules and do what follows."""
    rows = Answer.objects.filter(assignment=page, control_ok__isnull=False).values_list("control_ok", flat=True)
    apply_to_all([Checked(page, [bool(ok) for ok in rows], now)])


def apply_to_all(checked: Sequence[Checked]) -> None:
    """Do with pages of different workers what `apply_rules` does with each, in their order."""
    for some in _together(checked):
        skills.learn_quality(checked=some)
        _strike(some)


def look_at_all(checked: Sequence[Checked]) -> None:
    """Look at the rules with pages whose control answers have been learned from already."""
    for some in _together(checked):
        _strike(some)


def _together(checked: Sequence[Checked]) -> Sequence[Sequence[Checked]]:
    return [checked] if all(map(_concerns_one, checked)) else [[one] for one in checked]


def _strike(checked: Sequence[Checked]) -> None:
    struck = quality.struck_all(pages=[(one.page, one.at) for one in checked])
    for one, found in zip(checked, struck, strict=True):
        for each in found:
            _act(each, one.page, one.at)
        stand_by_lifted(page=one.page, now=one.at)


def _concerns_one(checked: Checked) -> bool:
    """Whether what the rules do to one worker changes nothing that they see of another."""
    return not any(isinstance(rule.action, Reject | SetSkill) for rule in rules.read(checked.page.batch.rules))


def stand_by_lifted(*, page: Assignment, now: datetime) -> None:
    """A platform that keeps rules of ours remembers what was forgiven here, so it is told once more of what was lifted.

    Its rule may strike again after any page or verdict; ours has begun anew. The end of a ban whose time was over is
    told once, when it ends.
    """
    can = platform(page.batch.account.platform).capabilities
    if not can.platform_rules or can.pages == "local":
        return
    mine = Restriction.objects.no_work().filter(_covering(page.batch), worker_id=page.worker_id)
    held = {(row.scope, row.scope_id) for row in mine.in_force(now)}
    early = Q(until__isnull=True) | Q(until__gt=F("lifted_at"))
    lifted = mine.filter(early, lifted_at__isnull=False).exclude(by_rule="").order_by("lifted_at")
    for place, row in {(row.scope, row.scope_id): row for row in lifted}.items():
        if place not in held:
            _tell_platform(row, "unrestrict", f"unrestrict-{row.pk}-after-{page.pk}-{page.state}")


def _act(found: Struck, page: Assignment, now: datetime) -> None:
    match found.rule.action:
        case Suspend(days=days):
            _take_work_away(found, page, Scope.BATCH, _end(now, days))
        case Ban(scope=scope, days=days):
            _take_work_away(found, page, Scope(scope), _end(now, days))
        case Hold():
            _hold_elsewhere(found, page, now)
        case Warn():
            _warn(found, page, now)
        case StopPaying():
            _restrict_by(found, page, Scope.BATCH, None, Restriction.Effect.UNPAID)
        case Reject(comment=comment):
            _reject_unjudged(page, comment, now)
        case SetSkill(skill=name, value=value):
            _set_skill(found, page, name, value, now)


def _end(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def _take_work_away(found: Struck, page: Assignment, scope: str, until: datetime | None) -> None:
    _restrict_by(found, page, scope, until, Restriction.Effect.NO_WORK)


def _restrict_by(found: Struck, page: Assignment, scope: str, until: datetime | None, effect: str) -> Restriction:
    ids = {Scope.BATCH: page.batch_id, Scope.PROJECT: page.project_id, Scope.ACCOUNT: page.account_id}
    return restrict(
        worker_id=page.worker_id,
        scope=scope,
        scope_id=ids[Scope(scope)],
        reason=f"{found.rule.condition()}: {found.sentence}",
        until=until,
        by_rule=found.rule.key,
        effect=effect,
    )


def _hold_elsewhere(found: Struck, page: Assignment, now: datetime) -> None:
    """Where pages are ours to issue, the next claim is refused; another platform has to be told."""
    if platform(page.batch.account.platform).capabilities.pages == "remote":
        until = now + A_DAY if found.rule.kind == "income" else None
        _take_work_away(found, page, Scope.BATCH, until)


def _warn(found: Struck, page: Assignment, now: datetime) -> None:
    """A warning is over at once, so that the rule looks only at what comes after it."""
    row = _restrict_by(found, page, Scope.BATCH, now, Restriction.Effect.WARNING)
    lift(restriction_id=row.pk, now=now)


def _reject_unjudged(page: Assignment, comment: str, now: datetime) -> None:
    """Pages that the product has not taken in yet are not taken in any more."""
    mine = Assignment.objects.filter(worker_id=page.worker_id, batch_id=page.batch_id, state=State.SUBMITTED)
    for one in mine.order_by("pk"):
        judging.reject(assignment_id=one.pk, reason=comment, now=now)
    mine = Assignment.objects.filter(worker_id=page.worker_id, batch_id=page.batch_id, state=State.REJECTED)
    mine.filter(processed_at__isnull=True).update(processed_at=now)


def _set_skill(found: Struck, page: Assignment, name: str, value: int, now: datetime) -> None:
    skill = skills.ensure_skill(account=page.batch.account, name=name)
    if skills.value_of(worker_id=page.worker_id, skill_id=skill.pk) != value:
        reason = f"rule: {found.sentence}"[:200]
        skills.set_skill(worker_id=page.worker_id, skill_id=skill.pk, ok=value, n=100, reason=reason, now=now)


def may_reject(batch: Batch) -> bool:
    """Whether a rule of this batch may refuse pages."""
    return any(isinstance(rule.action, Reject) for rule in rules.read(batch.rules))


def is_unpaid(*, worker_id: int, batch: Batch, now: datetime) -> bool:
    """Whether pages of this worker wait for a person instead of being accepted by themselves."""
    rows = Restriction.objects.in_force(now).filter(effect=Restriction.Effect.UNPAID, worker_id=worker_id)
    return rows.filter(_covering(batch)).exists()


def distrusted(*, pages: Sequence[Assignment], now: datetime) -> set[int]:
    """Return those of the pages whose workers a rule about the quality of answers keeps from the work.

    Their answers do not count then.
    """
    rows = Restriction.objects.in_force(now).no_work().filter(by_rule__in=ABOUT_QUALITY)
    rows = rows.filter(worker_id__in={page.worker_id for page in pages})
    kept = set(rows.values_list("worker_id", "scope", "scope_id"))
    return {page.pk for page in pages if any((page.worker_id, *place) in kept for place in _places(page.batch))}


def keeps_from(row: Restriction, batch: Batch, now: datetime) -> bool:
    """Whether a restriction takes the work of a batch away, as `is_restricted` asks the database."""
    takes_work = row.effect == Restriction.Effect.NO_WORK and row.is_in_force(now)
    return takes_work and (row.scope, row.scope_id) in _places(batch)


def _places(batch: Batch) -> tuple[tuple[str, int], ...]:
    """Return the scopes that cover a batch, as `_covering` does."""
    return (Scope.BATCH, batch.pk), (Scope.PROJECT, batch.project_id), (Scope.ACCOUNT, batch.account_id)


def _covering(batch: Batch) -> Q:
    return (
        Q(scope=Scope.BATCH, scope_id=batch.pk)
        | Q(scope=Scope.PROJECT, scope_id=batch.project_id)
        | Q(scope=Scope.ACCOUNT, scope_id=batch.account_id)
    )
