"""Evidence of dishonesty, and what follows for a worker.

One hit bans nobody: a level is a smoothed rate whose lower bound must be high enough (crowd.honesty).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from crowd.honesty import NOTHING, WARN, Policy, Terms
from crowd.models import Assignment, Batch, Evidence, Restriction, Worker
from crowd.services.answers import COLLECTS
from crowd.services.trust import lift, restrict

Scope = Restriction.Scope
DISHONESTY = "dishonesty"
USUAL_POLICY = Policy()


@transaction.atomic
def record_evidence(
    *,
    worker_id: int,
    project_id: int,
    level: int,
    kind: str,
    item_id: int,
    other_item_id: int | None,
    details: Mapping[str, Any],
    now: datetime,
    batch_id: int | None = None,
    policy: Policy = USUAL_POLICY,
) -> Evidence:
    """Keep a hit with its proof (once per picture and kind); what the worker's level asks for follows."""
    row, made = Evidence.objects.get_or_create(
        project_id=project_id,
        item_id=item_id,
        kind=kind,
        defaults={
            "worker_id": worker_id,
            "level": level,
            "other_item_id": other_item_id,
            "details": dict(details),
            "created_at": now,
        },
    )
    if made:
        act_on_level(worker_id=worker_id, project_id=project_id, batch_id=batch_id, policy=policy, now=now)
    return row


@transaction.atomic
def overturn(*, evidence_id: int, now: datetime, policy: Policy = USUAL_POLICY) -> Evidence:
    """It was a false alarm: the evidence stays on record but no longer counts, and bans because of it are lifted."""
    row = Evidence.objects.select_for_update().get(pk=evidence_id)
    if row.overturned_at is None:
        row.overturned_at = now
        row.save(update_fields=["overturned_at"])
    reasons = [because_of(row)]
    if level_of(worker_id=row.worker_id, project_id=row.project_id, policy=policy) is None:
        reasons += [DISHONESTY, _in_account(row.project_id)]
    batches = Batch.objects.filter(project_id=row.project_id).values("pk")
    here = Q(scope=Scope.PROJECT, scope_id=row.project_id) | Q(scope=Scope.BATCH, scope_id__in=batches)
    bans = Restriction.objects.filter(
        here | Q(scope=Scope.ACCOUNT), worker_id=row.worker_id, by_rule__in=reasons, lifted_at__isnull=True
    )
    for ban in bans:
        lift(restriction_id=ban.pk, now=now)
    return row


def because_of(evidence: Evidence) -> str:
    """Return the mark of a ban that a person made because of one piece of evidence."""
    return f"evidence {evidence.pk}"


def _in_account(project_id: int) -> str:
    """A ban in the whole account remembers in which project it was earned."""
    return f"{DISHONESTY} {project_id}"


def judged_submissions(*, worker_id: int, project_id: int) -> int:
    done = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    return Assignment.objects.filter(
        worker_id=worker_id, project_id=project_id, batch__interface__in=COLLECTS, state__in=done
    ).count()


def reached_by(*, worker_id: int, project_id: int, policy: Policy) -> Terms | None:
    """Return the gravest level the worker has in the project, or None."""
    hits = Evidence.objects.filter(worker_id=worker_id, project_id=project_id, overturned_at__isnull=True)
    judged = judged_submissions(worker_id=worker_id, project_id=project_id)
    return policy.reached(list(hits.values_list("level", flat=True)), judged)


def level_of(*, worker_id: int, project_id: int, policy: Policy = USUAL_POLICY) -> int | None:
    """Return the gravest level the worker has, or None: fewer than five submissions give no level."""
    terms = reached_by(worker_id=worker_id, project_id=project_id, policy=policy)
    return None if terms is None else terms.level


def act_on_level(
    *, worker_id: int, project_id: int, batch_id: int | None, policy: Policy, now: datetime
) -> Restriction | None:
    """Warn or ban a worker as the level that was reached asks for."""
    terms = reached_by(worker_id=worker_id, project_id=project_id, policy=policy)
    if terms is None or terms.consequence == NOTHING:
        return None
    scope, scope_id, mark = _place(terms, worker_id, project_id, batch_id)
    if terms.consequence == WARN:
        return _warn_once(worker_id, scope, scope_id, terms, now)
    return restrict(
        worker_id=worker_id,
        scope=scope,
        scope_id=scope_id,
        reason=terms.reason,
        until=terms.until(now),
        by_rule=mark,
    )


def _place(terms: Terms, worker_id: int, project_id: int, batch_id: int | None) -> tuple[str, int, str]:
    """Return where a ban holds, and its mark; without a pool it holds in the project."""
    if terms.scope == Scope.ACCOUNT:
        account_id = Worker.objects.values_list("account_id", flat=True).get(pk=worker_id)
        return Scope.ACCOUNT, account_id, _in_account(project_id)
    if terms.scope == Scope.BATCH and batch_id is not None:
        return Scope.BATCH, batch_id, DISHONESTY
    return Scope.PROJECT, project_id, DISHONESTY


def _warn_once(worker_id: int, scope: str, scope_id: int, terms: Terms, now: datetime) -> Restriction | None:
    """A warning for each level, over at once."""
    warning = Restriction.Effect.WARNING
    earlier = Restriction.objects.filter(worker_id=worker_id, scope=scope, scope_id=scope_id, effect=warning)
    if earlier.filter(by_rule=DISHONESTY, reason=terms.reason).exists():
        return None
    row = restrict(
        worker_id=worker_id,
        scope=scope,
        scope_id=scope_id,
        reason=terms.reason,
        until=now,
        by_rule=DISHONESTY,
        effect=warning,
    )
    lift(restriction_id=row.pk, now=now)
    return row
