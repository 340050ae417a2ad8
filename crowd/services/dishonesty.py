"""Evidence of dishonesty, and what follows for a worker.

One hit bans nobody: a level is a smoothed rate whose lower bound must be high enough (crowd.honesty).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from crowd.honesty import BAN, NOTHING, WARN, Policy, Terms
from crowd.models import Assignment, Batch, Evidence, Restriction, Worker
from crowd.services.answers import COLLECTS
from crowd.services.trust import lift, restrict

Scope = Restriction.Scope
DISHONESTY = "dishonesty"
USUAL_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that speaks against who sent it, with its proof."""

    worker_id: int
    level: int
    kind: str
    item_id: int
    other_item_id: int | None
    details: Mapping[str, Any]
    batch_id: int | None = None
    awaits_person: bool = False


@transaction.atomic
def record_all(*, project_id: int, hits: Sequence[Hit], now: datetime, policy: Policy = USUAL_POLICY) -> list[Evidence]:
    """Keep hits with their proof, and return it; what each worker's level asks for follows, hit by hit.

    What a person has to look at first has no consequence yet. A picture accuses once for each kind, and again only
    after that was found to be a false alarm.
    """
    lock(*{hit.worker_id for hit in hits})
    there = Evidence.objects.filter(
        project_id=project_id, item_id__in={hit.item_id for hit in hits}, overturned_at__isnull=True
    )
    known = {(row.item_id, row.kind): row for row in there}
    fresh: dict[tuple[int, str], Hit] = {}
    for hit in hits:
        if (hit.item_id, hit.kind) not in known:
            fresh.setdefault((hit.item_id, hit.kind), hit)
    counting = [hit for hit in fresh.values() if not hit.awaits_person]
    standing = _standing(worker_ids={hit.worker_id for hit in counting}, project_id=project_id)
    rows = Evidence.objects.bulk_create(_evidence(project_id, hit, now) for hit in fresh.values())
    for hit in counting:
        mine = standing[hit.worker_id]
        mine.levels.append(hit.level)
        _follow(mine.reached(policy), hit.worker_id, project_id, hit.batch_id, now)
    known |= zip(fresh, rows, strict=True)
    return [known[hit.item_id, hit.kind] for hit in hits]


def _evidence(project_id: int, hit: Hit, now: datetime) -> Evidence:
    return Evidence(
        project_id=project_id,
        worker_id=hit.worker_id,
        level=hit.level,
        kind=hit.kind,
        item_id=hit.item_id,
        other_item_id=hit.other_item_id,
        details=dict(hit.details),
        created_at=now,
        awaits_person=hit.awaits_person,
    )


def lock(*worker_ids: int) -> None:
    """Let one at a time change what is held against workers; taken before the locks of their pictures."""
    rows = Worker.objects.select_for_update(no_key=True).filter(pk__in=worker_ids).order_by("pk")
    list(rows.values_list("pk", flat=True))


@transaction.atomic
def confirm(*, evidence_id: int, now: datetime, batch_id: int | None = None, policy: Policy = USUAL_POLICY) -> Evidence:
    """A person says that it is so: evidence that awaited this counts from now on. A false alarm stays one."""
    row = _locked(evidence_id)
    if row.awaits_person and row.overturned_at is None:
        row.awaits_person = False
        row.save(update_fields=["awaits_person"])
        act_on_level(worker_id=row.worker_id, project_id=row.project_id, batch_id=batch_id, policy=policy, now=now)
    return row


@transaction.atomic
def overturn(
    *, evidence_id: int, now: datetime, batch_id: int | None = None, policy: Policy = USUAL_POLICY
) -> Evidence:
    """It was a false alarm: the evidence stays on record but no longer counts.

    Bans because of it end. A ban by level becomes what the level that remains asks for, counted from the newest
    evidence that remains and never longer than it was.
    """
    row = _locked(evidence_id)
    if row.overturned_at is not None:
        return row
    row.overturned_at = now
    row.save(update_fields=["overturned_at"])
    for ban in _bans(row).filter(by_rule=because_of(row)):
        lift(restriction_id=ban.pk, now=now)
    by_level = list(_bans(row).filter(by_rule__in=[DISHONESTY, _in_account(row.project_id)]))
    if by_level:
        _ban_by_what_remains(row, by_level, batch_id, policy, now)
    return row


def _locked(evidence_id: int) -> Evidence:
    lock(Evidence.objects.values_list("worker_id", flat=True).get(pk=evidence_id))
    return Evidence.objects.select_for_update().get(pk=evidence_id)


def _bans(evidence: Evidence) -> QuerySet[Restriction]:
    batches = Batch.objects.filter(project_id=evidence.project_id).values("pk")
    here = Q(scope=Scope.PROJECT, scope_id=evidence.project_id) | Q(scope=Scope.BATCH, scope_id__in=batches)
    mine = Restriction.objects.no_work().filter(here | Q(scope=Scope.ACCOUNT), worker_id=evidence.worker_id)
    return mine.filter(lifted_at__isnull=True).order_by("pk")


def _ban_by_what_remains(
    evidence: Evidence, bans: Sequence[Restriction], batch_id: int | None, policy: Policy, now: datetime
) -> None:
    worker_id, project_id = evidence.worker_id, evidence.project_id
    terms = reached_by(worker_id=worker_id, project_id=project_id, policy=policy)
    pools = [ban.scope_id for ban in bans if ban.scope == Scope.BATCH]
    kept = None
    if terms is not None and terms.consequence == BAN:
        place = _place(terms, worker_id, project_id, pools[-1] if pools else batch_id)
        kept = (*place, terms.reason, _earlier(terms.until(_newest(evidence, terms, policy)), _latest(bans)))
    stands = [ban for ban in bans if (ban.scope, ban.scope_id, ban.by_rule, ban.reason, ban.until) == kept]
    for ban in bans:
        if ban not in stands:
            lift(restriction_id=ban.pk, now=now)
    if terms is not None and terms.consequence == WARN:
        act_on_level(worker_id=worker_id, project_id=project_id, batch_id=batch_id, policy=policy, now=now)
    if kept is None or stands:
        return
    scope, scope_id, mark, reason, until = kept
    if until is None or until > now:
        restrict(worker_id=worker_id, scope=scope, scope_id=scope_id, reason=reason, until=until, by_rule=mark)


def _newest(evidence: Evidence, terms: Terms, policy: Policy) -> datetime:
    """Return when the worker last did what gives him the level."""
    grave = [one.level for one in policy.levels if one.weight >= terms.weight]
    mine = Evidence.counting().filter(worker_id=evidence.worker_id, project_id=evidence.project_id)
    return mine.filter(level__in=grave).latest("created_at").created_at


def _latest(bans: Sequence[Restriction]) -> datetime | None:
    ends = [ban.until for ban in bans if ban.until is not None]
    return max(ends) if len(ends) == len(bans) else None


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier end; None = never."""
    return min(one, other) if one and other else one or other


def because_of(evidence: Evidence) -> str:
    """Return the mark of a ban that a person made because of one piece of evidence."""
    return f"evidence {evidence.pk}"


def _in_account(project_id: int) -> str:
    """A ban in the whole account remembers in which project it was earned."""
    return f"{DISHONESTY} {project_id}"


@dataclass(slots=True)
class _Standing:
    """The levels of what counts against a worker in a project, and how many of his submissions were judged there."""

    judged: int = 0
    levels: list[int] = field(default_factory=list)

    def reached(self, policy: Policy) -> Terms | None:
        return policy.reached(self.levels, self.judged)


def reached_by(*, worker_id: int, project_id: int, policy: Policy) -> Terms | None:
    """Return the gravest level the worker has in the project, or None."""
    return _standing(worker_ids={worker_id}, project_id=project_id)[worker_id].reached(policy)


def _standing(*, worker_ids: Collection[int], project_id: int) -> dict[int, _Standing]:
    found = {worker_id: _Standing() for worker_id in worker_ids}
    if not found:
        return found
    done = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    sent = Assignment.objects.filter(
        worker_id__in=worker_ids, project_id=project_id, batch__interface__in=COLLECTS, state__in=done
    )
    for worker_id, n in sent.values_list("worker_id").annotate(n=Count("pk")):
        found[worker_id].judged = n
    hits = Evidence.counting().filter(worker_id__in=worker_ids, project_id=project_id)
    for worker_id, level in hits.values_list("worker_id", "level"):
        found[worker_id].levels.append(level)
    return found


def level_of(*, worker_id: int, project_id: int, policy: Policy = USUAL_POLICY) -> int | None:
    """Return the gravest level the worker has, or None: fewer than five submissions give no level."""
    terms = reached_by(worker_id=worker_id, project_id=project_id, policy=policy)
    return None if terms is None else terms.level


def act_on_level(
    *, worker_id: int, project_id: int, batch_id: int | None, policy: Policy, now: datetime
) -> Restriction | None:
    """Warn or ban a worker as the level that was reached asks for."""
    terms = reached_by(worker_id=worker_id, project_id=project_id, policy=policy)
    return _follow(terms, worker_id, project_id, batch_id, now)


def _follow(
    terms: Terms | None, worker_id: int, project_id: int, batch_id: int | None, now: datetime
) -> Restriction | None:
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
