"""Dishonest workers by level of effort, and the newest pair of pictures that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, OuterRef, Q, Subquery, Sum

from crowd.honesty import Policy, Terms
from crowd.models import Assignment, Evidence
from curation.models import Asset, Project

CLASSES = {0: "l0", 5: "l5", 20: "l20", 80: "l80"}
SURE = Q(awaits_person=False)
MOST_FINDS: Final = 3
BARS = {0: "grey", 5: "warn", 20: "hot", 80: "bad"}


@dataclass(frozen=True, slots=True)
class HonestyLevel:
    """What counts to one level: what a machine is sure of or a person has confirmed; `waiting` pictures do not yet."""

    level: int
    weight: int
    label: str
    workers: int
    pictures: int
    waiting: int
    saved_micro: int

    @property
    def css(self) -> str:
        return CLASSES[self.level]

    @property
    def bar(self) -> str:
        return BARS[self.level]


@dataclass(frozen=True, slots=True)
class Find:
    """Evidence that stands, with the pictures it is about."""

    evidence: Evidence
    asset: UUID | None
    other: UUID | None


@dataclass(frozen=True, slots=True)
class NewestPair:
    """The last standing evidence: the picture sent, and the earlier one or the class whose example it is."""

    level: int
    label: str
    asset: UUID
    other: UUID | None
    template_class: str
    template_key: str
    at: datetime


def honesty_levels(*, project: Project, policy: Policy) -> list[HonestyLevel]:
    """Count workers, pictures and money not paid for them, by level of evidence that counts, and what waits."""
    unpaid = Asset.objects.filter(pk=OuterRef("item_id"), answer__assignment__state=Assignment.State.REJECTED)
    rows = (
        Evidence.objects.filter(project_id=project.pk, overturned_at__isnull=True)
        .annotate(price=Subquery(unpaid.values("answer__assignment__price_micro")[:1]))
        .order_by()
        .values("level")
        .annotate(
            workers=Count("worker", distinct=True, filter=SURE),
            pictures=Count("id", filter=SURE),
            waiting=Count("id", filter=~SURE),
            saved=Sum("price", filter=SURE),
        )
    )
    found: dict[int, dict[str, Any]] = {row["level"]: dict(row) for row in rows}
    return [_level(terms, found.get(terms.level, {})) for terms in policy.levels]


def _level(terms: Terms, row: dict[str, Any]) -> HonestyLevel:
    return HonestyLevel(
        level=terms.level,
        weight=terms.weight,
        label=terms.name,
        workers=row.get("workers", 0),
        pictures=row.get("pictures", 0),
        waiting=row.get("waiting", 0),
        saved_micro=row.get("saved") or 0,
    )


def newest_finds(*, project: Project) -> list[Find]:
    """Return what was found against workers last, the newest first."""
    rows = (
        Evidence.objects.filter(project_id=project.pk, overturned_at__isnull=True)
        .select_related("worker")
        .annotate(asset=_picture("item_id"), other=_picture("other_item_id"))
        .order_by("-id")[:MOST_FINDS]
    )
    return [Find(row, row.asset, row.other) for row in rows]


def _picture(column: str) -> Subquery:
    return Subquery(Asset.objects.filter(pk=OuterRef(column)).values("public_id")[:1])


def newest_pair(*, finds: Sequence[Find], policy: Policy) -> NewestPair | None:
    newest = finds[0] if finds else None
    if newest is None or newest.asset is None:
        return None
    row = newest.evidence
    return NewestPair(
        level=row.level,
        label=policy.of(row.level).name,
        asset=newest.asset,
        other=newest.other,
        template_class=str(row.details.get("template_class", "")),
        template_key=str(row.details.get("template_key", "")),
        at=row.created_at,
    )
