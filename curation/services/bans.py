"""A person bans a worker from a project because of evidence, or lifts what keeps a worker away."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch, Evidence, Restriction, Worker
from crowd.services import dishonesty, judging, trust
from curation.models import Asset, Project, User
from curation.services import events, honesty, suspicions, versions
from curation.services.consensus import readmitting
from curation.services.rings import Ring

MOST_DAYS = 3650


@transaction.atomic
def reject_and_ban(
    *,
    evidence: Evidence,
    project: Project,
    by: User,
    days: int | None,
    scope: str = Restriction.Scope.PROJECT,
    now: datetime,
) -> Restriction:
    """Reject the picture if it is still held, and keep its worker out for some days, or for good (None).

    The ban ends when the evidence turns out to be a false alarm.
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise CrowdError(f"A ban lasts 1 to {MOST_DAYS:,} days, not {days:,}.")
    if suspicions.confirm(evidence_id=evidence.pk, by=by, now=now).overturned_at is not None:
        raise CrowdError("This was found to be no cheating, so it bans nobody; report the picture again if it is.")
    ban = trust.restrict(
        worker_id=evidence.worker_id,
        scope=scope,
        scope_id=_place(evidence, project, scope),
        reason=honesty.policy_of(project.pk).of(evidence.level).reason,
        until=None if days is None else now + timedelta(days=days),
        by_rule=dishonesty.because_of(evidence),
    )
    for_how_long = "for good" if days is None else f"for {days} days"
    text = f"{by.name} banned worker {evidence.worker.short_id} {for_how_long} from {ban.get_scope_display()}."
    events.record(kind="worker.banned", text=text, project=project, subject=evidence.worker, by=by, now=now)
    versions.bump(project_id=project.pk)
    return ban


def _place(evidence: Evidence, project: Project, scope: str) -> int:
    match scope:
        case Restriction.Scope.PROJECT:
            return project.pk
        case Restriction.Scope.ACCOUNT:
            return evidence.worker.account_id
        case Restriction.Scope.BATCH:
            batch = Asset.objects.filter(pk=evidence.item_id).values_list("answer__assignment__batch_id", flat=True)
            found = batch.first()
            if found is None:
                raise CrowdError("This picture came in no pool, so a ban cannot be for one.")
            return found
    raise CrowdError(f"A ban holds in batch, project or account, not {scope!r}.")


@transaction.atomic
def keep_out(*, worker: Worker, project: Project, by: User, reason: str, days: int, now: datetime) -> Restriction:
    """Keep a worker out of the project for some days because of the quality of the answers."""
    if not 1 <= days <= MOST_DAYS:
        raise CrowdError(f"A ban lasts 1 to {MOST_DAYS:,} days, not {days:,}.")
    ban = trust.restrict(
        worker_id=worker.pk,
        scope=Restriction.Scope.PROJECT,
        scope_id=project.pk,
        reason=reason,
        until=now + timedelta(days=days),
    )
    text = f"{by.name} banned worker {worker.short_id} for {days} days: {reason}"
    events.record(kind="worker.banned", text=text, project=project, subject=worker, by=by, now=now)
    versions.bump(project_id=project.pk)
    return ban


@transaction.atomic
def ban_ring(*, ring: Ring, chosen: Collection[int], project: Project, by: User, days: int, now: datetime) -> int:
    """Keep chosen accounts of those that share pictures or wrong answers out of the project; returns how many."""
    members = [member for member in ring.members if member.worker.pk in chosen and not member.banned]
    if not members:
        raise CrowdError("Choose at least one account that is not banned yet.")
    what = " and ".join(["pictures"] * bool(ring.pictures) + ["wrong answers"] * bool(ring.pairs))
    reason = f"Shares {what} with {len(ring.members) - 1} other account{'s' if len(ring.members) > 2 else ''}"
    for member in members:
        keep_out(worker=member.worker, project=project, by=by, reason=reason, days=days, now=now)
    return len(members)


@transaction.atomic
def warn(*, worker: Worker, project: Project, by: User, reason: str, now: datetime) -> None:
    """Put a warning on record; it keeps nobody from work and is over at once."""
    scope = Restriction.Scope.PROJECT
    effect = Restriction.Effect.WARNING
    row = trust.restrict(worker_id=worker.pk, scope=scope, scope_id=project.pk, reason=reason, until=now, effect=effect)
    trust.lift(restriction_id=row.pk, now=now)
    text = f"{by.name} warned worker {worker.short_id}: {reason}"
    events.record(kind="worker.warned", text=text, project=project, subject=worker, by=by, now=now)
    versions.bump(project_id=project.pk)


def against(*, worker: Worker, project: Project) -> QuerySet[Restriction]:
    """Return all that was ever decided against a worker in a project, its pools, or its whole account."""
    pools = Batch.objects.filter(project_id=project.pk).values("pk")
    return Restriction.objects.filter(
        Q(scope=Restriction.Scope.PROJECT, scope_id=project.pk)
        | Q(scope=Restriction.Scope.BATCH, scope_id__in=pools)
        | Q(scope=Restriction.Scope.ACCOUNT, scope_id=worker.account_id),
        worker=worker,
    )


@transaction.atomic
def lift(*, restriction: Restriction, project: Project, by: User, now: datetime) -> None:
    """Let a worker go on. Pages that waited for a person because of it are accepted with it."""
    trust.lift(restriction_id=restriction.pk, now=now)
    readmitting.ask(restriction)
    paid = _accept_waiting(restriction, now) if restriction.effect == Restriction.Effect.UNPAID else 0
    also = f" {paid:,} waiting pages are accepted." if paid else ""
    text = f"{by.name} lifted “{restriction.reason[:120]}” from worker {restriction.worker.short_id}.{also}"
    events.record(kind="worker.lifted", text=text, project=project, subject=restriction.worker, by=by, now=now)
    versions.bump(project_id=project.pk)


def _accept_waiting(restriction: Restriction, now: datetime) -> int:
    """Only pools that pay at once, when no other cause stops their pay: elsewhere the checks go on deciding."""
    batch = Batch.objects.filter(pk=restriction.scope_id).first()
    if batch is None or trust.is_unpaid(worker_id=restriction.worker_id, batch=batch, now=now):
        return 0
    waiting = Assignment.objects.filter(
        worker=restriction.worker,
        batch=batch,
        batch__auto_accept=True,
        state=Assignment.State.SUBMITTED,
        awaits_files=False,
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for one in ids:
        judging.accept(assignment_id=one, now=now)
    return len(ids)
