"""The board of dishonest workers: four columns of cards with pairs of pictures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber

from crowd.honesty import BAN, NOTHING, WARN, Policy, Terms, lower_bound
from crowd.models import Assignment, Evidence, Worker
from crowd.models.worker import pseudonym
from crowd.services import trust
from crowd.services.answers import COLLECTS
from curation.models import Asset, Project
from curation.preprocessing.templates import MIN_INLIERS
from curation.preprocessing.verify import RADIUS
from curation.services import assets, cuts
from curation.services.overview import HonestyLevel, honesty_levels

CARDS, MOST_CARDS = 6, 60
HASH_BITS = 256
TO_DECIDE, DECIDED = "to-decide", "decided"
SHOWN: Final[dict[str, str]] = {"": "All", TO_DECIDE: "To decide", DECIDED: "Decided"}
WHY: Final[dict[str, str]] = {
    "same_file": "Sent the same file again",
    "same_photo": "Sent the same photo again",
    "template_copy": "Sent the example picture back",
    "flag": "Reported by a person",
    assets.GENERATED: "A detector takes it for generated",
}
STANDS: Final = Q(overturned_at__isnull=True)
FOLLOWS: Final[dict[str, str]] = {NOTHING: "", WARN: "a warning", BAN: "ban"}


@dataclass(frozen=True, slots=True)
class Card:
    evidence: Evidence
    terms: Terms
    asset: UUID | None
    other: UUID | None
    sender: str
    state: str
    at_level: int
    hits: int
    judged: int
    banned: bool

    @property
    def template_class(self) -> str:
        return str(self.evidence.details.get("template_class", ""))

    @property
    def template_key(self) -> str:
        return str(self.evidence.details.get("template_key", ""))

    @property
    def held(self) -> bool:
        return self.state == Asset.State.HELD

    @property
    def why(self) -> str:
        """Say in words what was done."""
        if self.evidence.kind == "template_copy" and self.transforms:
            return "Edited the example and sent it"
        if self.sender:
            return "Same photo from two accounts"
        return WHY.get(self.evidence.kind, self.evidence.kind.replace("_", " ").capitalize())

    @property
    def note(self) -> str:
        return str(self.evidence.details.get("note", ""))

    @property
    def detector(self) -> str:
        return str(self.evidence.details.get("detector", ""))

    @property
    def score(self) -> float:
        return float(self.evidence.details.get("score", 0.0))

    @property
    def least_score(self) -> float:
        return float(self.evidence.details.get("least_score", 0.0))

    @property
    def other_caption(self) -> str:
        return f"From {self.sender}" if self.sender else "First sent"

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


@dataclass(frozen=True, slots=True)
class BoardColumn:
    level: HonestyLevel
    rule: str
    cards: tuple[Card, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the machine's limits lie on the cards' scales."""

    distance: int = RADIUS
    bits: int = HASH_BITS
    inliers: int = MIN_INLIERS


@dataclass(frozen=True, slots=True)
class Standing:
    """Pictures that wait for a person, false alarms so far, dishonest pictures and what was not paid for them."""

    held: int
    overturned: int
    pictures: int
    saved_micro: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Of one level: workers with a card, pictures that wait for a person, and false alarms."""

    listed: int
    held: int
    overturned: int


@dataclass(frozen=True, slots=True)
class Board:
    columns: tuple[BoardColumn, ...]
    standing: Standing


NOBODY: Final = Counted(0, 0, 0)


def board(project: Project, *, policy: Policy, now: datetime, shown: str = "", level: int | None = None) -> Board:
    """Return the columns; a worker has one card a level, the newest evidence on top. `level` = all of one column."""
    levels = honesty_levels(project=project, policy=policy)
    most = CARDS if level is None else MOST_CARDS
    cards = [_card(row, policy) for row in _newest(project, shown, level, most, now)]
    counted = _counted(project, shown)
    columns = []
    for one in levels:
        mine = tuple(card for card in cards if card.evidence.level == one.level)[:most]
        if level is None or level == one.level:
            more = counted.get(one.level, NOBODY).listed - len(mine)
            columns.append(BoardColumn(one, rule_words(project, policy.of(one.level)), mine, more))
    return Board(tuple(columns), _standing(counted.values(), levels))


def rule_words(project: Project, terms: Terms) -> str:
    """Say what happens to a picture of this level and to its worker."""
    follows = FOLLOWS[terms.consequence]
    if terms.consequence == BAN:
        follows = f"ban {'for good' if terms.days is None else f'{terms.days} days'}"
    return ", ".join(part for part in (picture_words(project, terms.level), follows) if part)


def picture_words(project: Project, level: int) -> str:
    stage = cuts.stage_of(project)
    settings = stage.settings if stage else {}
    if level == Evidence.Level.SYNTHETIC:
        return "Only a person decides"
    waits = {Evidence.Level.DUPLICATE: ("same_photo", "reject"), Evidence.Level.PROCESSED: ("edited_templates", "hold")}
    name, usual = waits.get(Evidence.Level(level), ("", "reject"))
    return "A person decides" if settings.get(name, usual) == "hold" else "Rejected, not paid"


def _standing(counted: Collection[Counted], levels: Sequence[HonestyLevel]) -> Standing:
    return Standing(
        held=sum(one.held for one in counted),
        overturned=sum(one.overturned for one in counted),
        pictures=sum(level.pictures for level in levels),
        saved_micro=sum(level.saved_micro for level in levels),
    )


def _counted(project: Project, shown: str) -> dict[int, Counted]:
    """Count evidence by level."""
    rows = Evidence.objects.filter(project_id=project.pk).order_by().values_list("level")
    counts = rows.annotate(
        listed=Count("worker", distinct=True, filter=_listed(shown)),
        held=Count("id", filter=STANDS & _held()),
        overturned=Count("id", filter=~STANDS),
    )
    return {level: Counted(*numbers) for level, *numbers in counts}


def _held() -> Q:
    return Q(Exists(Asset.objects.filter(pk=OuterRef("item_id"), state=Asset.State.HELD)))


def _listed(shown: str) -> Q:
    """Return which evidence has cards."""
    return STANDS & {TO_DECIDE: _held(), DECIDED: ~_held()}.get(shown, Q())


def _newest(project: Project, shown: str, level: int | None, most: int, now: datetime) -> QuerySet[Any, Any]:
    """Return each worker's newest evidence of each level, with its pictures and the worker's share: one query."""
    item, other = Asset.objects.filter(pk=OuterRef("item_id")), Asset.objects.filter(pk=OuterRef("other_item_id"))
    every = Evidence.objects.filter(project_id=project.pk)
    mine, listed = every.filter(STANDS), every.filter(_listed(shown))
    listed = listed if level is None else listed.filter(level=level)
    newest = listed.order_by().values("worker", "level").annotate(newest=Max("id")).values("newest")
    ranked = Evidence.objects.filter(pk__in=newest).annotate(
        nth=Window(RowNumber(), partition_by=[F("level")], order_by=F("id").desc())
    )
    chosen = ranked.filter(nth__lte=most).order_by("-id").values("pk")
    done = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    sent = Assignment.objects.filter(project_id=project.pk, batch__interface__in=COLLECTS, state__in=done)
    another = Worker.objects.filter(pk=OuterRef("sender_id")).exclude(pk=OuterRef("worker"))
    ban = trust.bans_in(project_id=project.pk, now=now).filter(worker=OuterRef("worker"))
    return (
        Evidence.objects.filter(pk__in=chosen)
        .annotate(
            asset=Subquery(item.values("public_id")[:1]),
            other=Subquery(other.values("public_id")[:1]),
            sender_id=Subquery(other.values("worker_id")[:1]),
            sender=Subquery(another.values("ext_digest")),
            asset_state=Subquery(item.values("state")[:1]),
            at_level=_per_worker(mine.filter(level=OuterRef("level"))),
            hits=_per_worker(mine.filter(awaits_person=False)),
            judged=_per_worker(sent),
            banned=Exists(ban),
        )
        .select_related("worker__account")
        .order_by("-id")
    )


def _per_worker(rows: QuerySet[Any, Any]) -> Coalesce:
    own = rows.filter(worker=OuterRef("worker")).order_by().values("worker").annotate(n=Count("id"))
    return Coalesce(Subquery(own.values("n")), 0)


def _card(row: Any, policy: Policy) -> Card:
    return Card(
        evidence=row,
        terms=policy.of(row.level),
        asset=row.asset,
        other=row.other,
        sender=pseudonym(row.sender) if row.sender else "",
        state=row.asset_state or "",
        at_level=row.at_level,
        hits=row.hits,
        judged=max(row.judged, row.hits),
        banned=row.banned,
    )
