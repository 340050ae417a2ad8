"""Who may work: evidence of dishonesty, levels, quality rules, restrictions.

One hit bans nobody: a level is a smoothed rate whose lower bound must be high enough.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from scipy.stats import beta

from crowd.models import Answer, Assignment, Batch, Evidence, Restriction, Worker

PRIOR_DISHONEST, PRIOR_HONEST = 1, 19
LEAST_JUDGED = 5
LEVEL_THRESHOLD = 0.10
BAN_DAYS = {0: 10, 5: 10, 20: 30, 80: 365}


def is_restricted(*, worker: Worker, batch: Batch, now: datetime) -> bool:
    """Whether any restriction in force covers this batch, for any account of the same person."""
    people = Q(worker=worker)
    if worker.person_id is not None:
        people |= Q(worker__person_id=worker.person_id)
    here = (
        Q(scope=Restriction.Scope.BATCH, scope_id=batch.pk)
        | Q(scope=Restriction.Scope.PROJECT, scope_id=batch.project_id)
        | Q(scope=Restriction.Scope.ACCOUNT, scope_id=batch.account_id)
    )
    in_force = Q(lifted_at__isnull=True) & (Q(until__isnull=True) | Q(until__gt=now))
    return Restriction.objects.filter(people, here, in_force).exists()


@transaction.atomic
def restrict(
    *, worker_id: int, scope: str, scope_id: int, reason: str, until: datetime | None, by_rule: str = ""
) -> Restriction:
    """Restrict a worker; a restriction already in force in this scope is prolonged, never doubled or shortened."""
    asked = {"reason": reason[:200], "until": until, "by_rule": by_rule}
    row, made = Restriction.objects.select_for_update().get_or_create(
        worker_id=worker_id, scope=scope, scope_id=scope_id, lifted_at=None, defaults=asked
    )
    if made or row.until is None or (until is not None and until <= row.until):
        return row
    row.reason, row.until, row.by_rule = reason[:200], until, by_rule
    row.save(update_fields=list(asked))
    return row


def lift(*, restriction_id: int, now: datetime) -> None:
    Restriction.objects.filter(pk=restriction_id, lifted_at__isnull=True).update(lifted_at=now)


def lower_bound(hits: int, judged: int) -> float:
    """Lower 5 % point of the dishonest share, Beta(1 + hits, 19 + judged - hits)."""
    return float(beta.ppf(0.05, PRIOR_DISHONEST + hits, PRIOR_HONEST + max(0, judged - hits)))


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
) -> Evidence:
    """Keep a hit with its proof (once per picture and kind) and ban the worker when his level is reached."""
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
        ban_if_dishonest(worker_id=worker_id, project_id=project_id, now=now)
    return row


def overturn(*, evidence_id: int, now: datetime) -> Evidence:
    """It was a false alarm: the evidence stays on record but no longer counts, and rule-made bans are lifted."""
    row = Evidence.objects.get(pk=evidence_id)
    if row.overturned_at is None:
        row.overturned_at = now
        row.save(update_fields=["overturned_at"])
    if level_of(worker_id=row.worker_id, project_id=row.project_id) is None:
        Restriction.objects.filter(
            worker_id=row.worker_id,
            scope=Restriction.Scope.PROJECT,
            scope_id=row.project_id,
            by_rule="dishonesty",
            lifted_at__isnull=True,
        ).update(lifted_at=now)
    return row


def judged_submissions(*, worker_id: int, project_id: int) -> int:
    done = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    return Assignment.objects.filter(
        worker_id=worker_id, project_id=project_id, batch__interface="photo", state__in=done
    ).count()


def level_of(*, worker_id: int, project_id: int) -> int | None:
    """Return the highest level the worker has, or None: fewer than five submissions give no level."""
    judged = judged_submissions(worker_id=worker_id, project_id=project_id)
    if judged < LEAST_JUDGED:
        return None
    hits = Evidence.objects.filter(worker_id=worker_id, project_id=project_id, overturned_at__isnull=True)
    levels = list(hits.values_list("level", flat=True))
    for level in sorted(set(levels), reverse=True):
        if lower_bound(sum(one >= level for one in levels), judged) >= LEVEL_THRESHOLD:
            return level
    return None


def ban_if_dishonest(*, worker_id: int, project_id: int, now: datetime) -> Restriction | None:
    level = level_of(worker_id=worker_id, project_id=project_id)
    if level is None:
        return None
    return restrict(
        worker_id=worker_id,
        scope=Restriction.Scope.PROJECT,
        scope_id=project_id,
        reason=f"Level {level}: {Evidence.Level(level).label.lower()}",
        until=now + timedelta(days=BAN_DAYS[level]),
        by_rule="dishonesty",
    )


def apply_rules(*, page: Assignment, now: datetime) -> None:
    """Look at the batch's rules after a page: control answers and speed."""
    rules = page.batch.rules
    if "control" in rules and _fails_controls(page, rules["control"]):
        _restrict_in_project(page, "Too many wrong answers on control tasks", "control", now)
    elif "speed" in rules and _is_too_fast(page, rules["speed"]):
        _restrict_in_project(page, "Answers came faster than anybody can look", "speed", now)


def _fails_controls(page: Assignment, rule: Mapping[str, Any]) -> bool:
    """True when even the upper 99 % point of the control accuracy is under the least accuracy."""
    oks = Answer.objects.filter(
        worker_id=page.worker_id, task__batch__stage_id=page.batch.stage_id, control_ok__isnull=False
    ).filter(task__batch__kind=Batch.Kind.MAIN)
    n, ok = oks.count(), oks.filter(control_ok=True).count()
    if n < int(rule.get("least_answers", 5)):
        return False
    return float(beta.ppf(0.99, 1 + ok, 1 + n - ok)) < float(rule.get("least_accuracy", 0.7))


def _is_too_fast(page: Assignment, rule: Mapping[str, Any]) -> bool:
    """True when at least three of the last ten pages took less than the batch's least seconds a task."""
    least = float(rule.get("seconds_per_task", 1.0)) * 1000
    last = list(
        Assignment.objects.filter(worker_id=page.worker_id, batch=page.batch, duration_ms__isnull=False)
        .order_by("-id")
        .annotate(n=Count("answers"))
        .values_list("duration_ms", "n")[:10]
    )
    return sum(duration < least * n for duration, n in last if duration is not None) >= int(rule.get("times", 3))


def _restrict_in_project(page: Assignment, reason: str, rule: str, now: datetime) -> None:
    restrict(
        worker_id=page.worker_id,
        scope=Restriction.Scope.PROJECT,
        scope_id=page.project_id,
        reason=reason,
        until=now + timedelta(days=30),
        by_rule=rule,
    )
