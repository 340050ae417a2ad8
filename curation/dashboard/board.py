"""The board of dishonest workers: four columns of cards with pairs of pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import RowNumber

from crowd.models import Assignment, Evidence, Restriction
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


def board(project: Project) -> list[BoardColumn]:
    """Return the four columns; a worker has one card a level, the newest evidence on top."""
    rows = _newest(project)
    shares = _shares(project, {row.worker_id for row in rows})
    cards = [_card(row, shares.get(row.worker_id, {})) for row in rows]
    return [
        BoardColumn(
            level,
            RULES[level.level],
            tuple(card for card in cards if card.evidence.level == level.level)[:CARDS],
        )
        for level in honesty_levels(project=project)
    ]


def held_pictures(project: Project) -> int:
    """Return how many pictures with standing evidence wait for a person."""
    held = Asset.objects.filter(pk=OuterRef("item_id"), state=Asset.State.HELD)
    standing = Evidence.objects.filter(project_id=project.pk, overturned_at__isnull=True)
    return standing.filter(Exists(held)).count()


def _newest(project: Project) -> list[Any]:
    item, other = Asset.objects.filter(pk=OuterRef("item_id")), Asset.objects.filter(pk=OuterRef("other_item_id"))
    standing = Evidence.objects.filter(project_id=project.pk, overturned_at__isnull=True)
    newest = standing.annotate(
        place=Window(RowNumber(), partition_by=[F("worker"), F("level")], order_by=F("id").desc())
    ).filter(place=1)
    ranked = newest.order_by("-id").values("pk")[: CARDS * 12]
    return list(
        Evidence.objects.filter(pk__in=[row["pk"] for row in ranked])
        .annotate(
            asset=Subquery(item.values("public_id")[:1]),
            other=Subquery(other.values("public_id")[:1]),
            asset_state=Subquery(item.values("state")[:1]),
        )
        .select_related("worker__account")
        .order_by("-id")
    )


def _shares(project: Project, workers: set[int]) -> dict[int, dict[str, Any]]:
    """Count each worker's hits and judged submissions, and whether a ban is in force."""
    hits = _per_worker(Evidence.objects.filter(project_id=project.pk, overturned_at__isnull=True), workers)
    done = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    sent = Assignment.objects.filter(project_id=project.pk, batch__interface="photo", state__in=done)
    judged = _per_worker(sent, workers)
    bans = Restriction.objects.filter(
        Q(scope=Restriction.Scope.PROJECT, scope_id=project.pk), worker__in=workers, lifted_at__isnull=True
    )
    banned = set(bans.values_list("worker_id", flat=True))
    return {
        worker: {"hits": hits.get(worker, 0), "judged": judged.get(worker, 0), "banned": worker in banned}
        for worker in workers
    }


def _per_worker(rows: Any, workers: set[int]) -> dict[int, int]:
    found = rows.filter(worker__in=workers).order_by().values_list("worker").annotate(n=Count("id"))
    return dict(found)


def _card(row: Any, share: Mapping[str, Any]) -> Card:
    hits = share.get("hits", 0)
    return Card(
        evidence=row,
        asset=row.asset,
        other=row.other,
        state=row.asset_state or "",
        hits=hits,
        judged=max(share.get("judged", 0), hits),
        banned=share.get("banned", False),
    )
