"""The board of dishonest workers: four columns of cards with pairs of pictures."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber

from crowd.models import Assignment, Evidence, Restriction
from crowd.services.answers import COLLECTS
from crowd.services.trust import BAN_DAYS, lower_bound
from curation.models import Asset, Project
from curation.preprocessing.templates import MIN_INLIERS
from curation.preprocessing.verify import RADIUS
from curation.services.overview import HonestyLevel, honesty_levels

CARDS = 6
HASH_BITS = 256
WHY: Final[dict[str, str]] = {
    "same_file": "Sent the same file again",
    "same_photo": "Sent the same photo again",
    "template_copy": "Sent the example picture back",
    "flag": "Reported by a person",
}
RULES: Final[dict[int, str]] = {
    0: "Rejected, not paid",
    5: "Rejected, not paid",
    20: "Held: a person decides",
    80: "Only a person decides",
}


@dataclass(frozen=True, slots=True)
class Card:
    evidence: Evidence
    asset: UUID | None
    other: UUID | None
    state: str
    hits: int
    judged: int
    banned: bool

    @property
    def template_class(self) -> str:
        return str(self.evidence.details.get("template_class", ""))

    @property
    def held(self) -> bool:
        return self.state == Asset.State.HELD

    @property
    def why(self) -> str:
        """Say in words what was done."""
        if self.evidence.kind == "template_copy" and self.transforms:
            return "Edited the example and sent it"
        return WHY.get(self.evidence.kind, self.evidence.kind.replace("_", " ").capitalize())

    @property
    def transforms(self) -> list[str]:
        """Return what was done to the picture, in words."""
        details = self.evidence.details
        text = str(details.get("transform", "")) or str(details.get("orientation", ""))
        return [word.strip().replace("_", " ") for word in text.split("+") if word.strip() not in {"", "none"}]

    @property
    def distance(self) -> int | None:
        found = self.evidence.details.get("distance")
        return int(found) if isinstance(found, int | float) else None

    @property
    def inliers(self) -> int | None:
        found = self.evidence.details.get("inliers")
        return int(found) if isinstance(found, int | float) and found else None

    @property
    def at_least(self) -> float:
        """Return the lower 5 % point of the dishonest share."""
        return lower_bound(self.hits, self.judged)

    @property
    def ban_days(self) -> int:
        return BAN_DAYS[self.evidence.level]


@dataclass(frozen=True, slots=True)
class BoardColumn:
    level: HonestyLevel
    rule: str
    cards: tuple[Card, ...]

    @property
    def more(self) -> int:
        return max(0, self.level.workers - len(self.cards))


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the machine's limits lie on the cards' scales."""

    distance: int = RADIUS
    bits: int = HASH_BITS
    inliers: int = MIN_INLIERS


@dataclass(frozen=True, slots=True)
class Standing:
    """Pictures that wait for a person, and false alarms so far."""

    held: int
    overturned: int


def board(project: Project) -> list[BoardColumn]:
    """Return the four columns; a worker has one card a level, the newest evidence on top."""
    cards = [_card(row) for row in _newest(project)]
    return [
        BoardColumn(
            level,
            RULES[level.level],
            tuple(card for card in cards if card.evidence.level == level.level)[:CARDS],
        )
        for level in honesty_levels(project=project)
    ]


def standing(project: Project) -> Standing:
    held = Asset.objects.filter(pk=OuterRef("item_id"), state=Asset.State.HELD)
    counts = Evidence.objects.filter(project_id=project.pk).aggregate(
        held=Count("id", filter=Q(Exists(held), overturned_at__isnull=True)),
        overturned=Count("id", filter=Q(overturned_at__isnull=False)),
    )
    return Standing(counts["held"], counts["overturned"])


def _newest(project: Project) -> list[Any]:
    """Return each worker's newest evidence of each level, with its pictures and the worker's share: one query."""
    item, other = Asset.objects.filter(pk=OuterRef("item_id")), Asset.objects.filter(pk=OuterRef("other_item_id"))
    mine = Evidence.objects.filter(project_id=project.pk, overturned_at__isnull=True)
    ranked = mine.annotate(place=Window(RowNumber(), partition_by=[F("worker"), F("level")], order_by=F("id").desc()))
    shown = ranked.filter(place=1).order_by("-id").values("pk")[: CARDS * 12]
    done = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    sent = Assignment.objects.filter(project_id=project.pk, batch__interface__in=COLLECTS, state__in=done)
    ban = Restriction.objects.no_work().filter(
        worker=OuterRef("worker"), scope=Restriction.Scope.PROJECT, scope_id=project.pk, lifted_at__isnull=True
    )
    return list(
        Evidence.objects.filter(pk__in=shown)
        .annotate(
            asset=Subquery(item.values("public_id")[:1]),
            other=Subquery(other.values("public_id")[:1]),
            asset_state=Subquery(item.values("state")[:1]),
            hits=_per_worker(mine),
            judged=_per_worker(sent),
            banned=Exists(ban),
        )
        .select_related("worker__account")
        .order_by("-id")
    )


def _per_worker(rows: QuerySet[Any, Any]) -> Coalesce:
    own = rows.filter(worker=OuterRef("worker")).order_by().values("worker").annotate(n=Count("id"))
    return Coalesce(Subquery(own.values("n")), 0)


def _card(row: Any) -> Card:
    return Card(
        evidence=row,
        asset=row.asset,
        other=row.other,
        state=row.asset_state or "",
        hits=row.hits,
        judged=max(row.judged, row.hits),
        banned=row.banned,
    )
