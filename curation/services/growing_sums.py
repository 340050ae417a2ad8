"""Sums over a ledger that only grows: what was added up once is kept, and what came since is added to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncDate

from crowd.models import LedgerEntry
from crowd.services import ledger
from curation.models import Project
from curation.services import shared_cache

Kind = LedgerEntry.Kind
Key = tuple[Any, ...]
Amounts = tuple[int, ...]
SUMMED: Final = ("pages", "work", "bonus", "fee", "refund", "correction")
NEW_BEFORE_KEPT = 20_000
KEPT_SECONDS: Final = 7 * 24 * 3600


@dataclass(frozen=True)
class _Kept:
    """The sums of all entries up to one; `mark` tells that entry from another that has its number after a restore."""

    upto: int = 0
    mark: tuple[str, str, datetime] | None = None
    sums: Mapping[Key, Amounts] = field(default_factory=dict)


def sums(project: Project, *columns: str) -> Mapping[Key, Amounts]:
    """Return what left the project by currency and these columns: pages, work, bonus, fee, refund, correction."""
    key = f"ledger:{project.pk}:{','.join(columns)}"
    kept = _still_true(project, shared_cache.found([key]).get(key, _Kept()))
    new = list(_rows(project, columns, pk__gt=kept.upto))
    newest = max((row[-1] for row in new), default=0)
    if newest - kept.upto > NEW_BEFORE_KEPT and (upto := ledger.settled(project_id=project.pk)):
        grown = _added(kept.sums, _rows(project, columns, pk__gt=kept.upto, pk__lte=upto))
        shared_cache.keep(key, _Kept(upto, _mark(project, upto), grown), KEPT_SECONDS)
    return _added(kept.sums, new)


def _of(project: Project) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(project_id=project.pk)


def _still_true(project: Project, kept: _Kept) -> _Kept:
    return kept if kept.mark is None or kept.mark == _mark(project, kept.upto) else _Kept()


def _mark(project: Project, upto: int) -> tuple[str, str, datetime] | None:
    return _of(project).filter(pk=upto).values_list("kind", "ref", "created_at").first()


def _rows(project: Project, columns: Sequence[str], **which: int) -> QuerySet[Any, Any]:
    def total(kind: str) -> Coalesce:
        return Coalesce(Sum("spent_micro", filter=Q(kind=kind)), Value(0))

    spent: Any = LedgerEntry.objects.spent().filter(project_id=project.pk, **which)
    if "day" in columns:
        spent = spent.annotate(day=TruncDate("created_at"))
    named: dict[str, Any] = {kind: total(kind) for kind in ("bonus", "fee", "refund", "correction")}
    named |= {"pages": Count("id", filter=Q(kind=Kind.CHARGE)), "work": total(Kind.CHARGE)}
    found: QuerySet[Any, Any] = spent.order_by().values("currency", *columns).annotate(**named)
    return found.values_list("currency", *columns, *SUMMED, Max("id"))


def _added(known: Mapping[Key, Amounts], rows: Iterable[Any]) -> dict[Key, Amounts]:
    found = dict(known)
    for *key, pages, work, bonus, fee, refund, correction, _newest in rows:
        there = found.get(tuple(key), (0,) * len(SUMMED))
        amounts = pages, work, bonus, fee, refund, correction
        found[tuple(key)] = tuple(map(sum, zip(there, amounts, strict=True)))
    return found
