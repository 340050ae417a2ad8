"""The asset browser: filters from the address, facets with counts, keyset pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, CharField, Count, F, Value, When
from django.http import QueryDict

from curation.dashboard import tag_facet
from curation.models import Asset, Consensus, LabelClass, Project
from curation.models.asset import AssetQuerySet
from curation.services.overview import AssetCounts
from curation.services.overview.counts import Place
from curation.services.overview.words import reason_words

PAGE = 60
MOST_SOURCES = 12
CROWD = "crowd"
DOUBTFUL = 0.8
FACETS: Final = ("state", "stage", "class", "reason", "source", "tag")
KEPT: Final = ("state", "stage", "class", "reason")  # facets whose counts are kept
COLUMNS: Final = {"state": "state", "stage": "stage__name", "class": "label_class__name", "reason": "reason"}
TITLES: Final = {
    "state": "State",
    "stage": "Stage",
    "class": "Class",
    "reason": "Reason",
    "source": "Source",
    "tag": "Tag",
}
STATES: Final[dict[str, str]] = {
    Asset.State.PUBLISHED: "Published",
    Asset.State.DROPPED: "Dropped",
    Asset.State.HELD: "Held for a person",
    Asset.State.WAITING: "Waiting",
    Asset.State.WORKING: "In work",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; each facet holds the chosen values."""

    chosen: Mapping[str, tuple[str, ...]]
    worker: int | None = None

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        chosen = {facet: tuple(dict.fromkeys(_values(query, facet))) for facet in FACETS}
        worker = query.get("worker", "")
        return cls({facet: values for facet, values in chosen.items() if values}, _number(worker))

    def has(self, facet: str, value: str) -> bool:
        return value in self.chosen.get(facet, ())

    def toggled(self, facet: str, value: str) -> "Filters":
        """Return the filters with one value more, or less when it was chosen."""
        now = self.chosen.get(facet, ())
        values = tuple(one for one in now if one != value) if value in now else (*now, value)
        chosen = {**self.chosen, facet: values}
        return replace(self, chosen={name: given for name, given in chosen.items() if given})

    def query(self, **more: str) -> str:
        pairs = {facet: ",".join(values) for facet, values in self.chosen.items()}
        if self.worker is not None:
            pairs["worker"] = str(self.worker)
        return f"?{urlencode({**pairs, **more}, safe=',')}"

    @property
    def any(self) -> bool:
        return bool(self.chosen) or self.worker is not None


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    words: str
    n: int
    chosen: bool
    href: str


@dataclass(frozen=True, slots=True)
class Facet:
    key: str
    title: str
    values: tuple[FacetValue, ...]

    @property
    def chosen(self) -> list[FacetValue]:
        return [value for value in self.values if value.chosen]


@dataclass(frozen=True, slots=True)
class Page:
    assets: tuple[Asset, ...]
    newer: UUID | None
    older: UUID | None


@dataclass(frozen=True, slots=True)
class Names:
    """Stage and class ids as the address and the screen call them."""

    stages: Mapping[int, tuple[str, str]]
    classes: Mapping[int, str]

    @classmethod
    def of(cls, project: Project) -> "Names":
        classes = LabelClass.objects.filter(project=project).values_list("pk", "name")
        return cls({stage.pk: (stage.name, stage.title) for stage in project.stages.all()}, dict(classes))

    def value(self, facet: str, place: Place) -> str:
        if facet == "stage":
            return self.stages.get(place.stage_id, ("", ""))[0]
        if facet == "class":
            return self.classes.get(place.class_id or 0, "none")
        return place.state if facet == "state" else place.reason

    def words(self, facet: str, value: str) -> str:
        if facet == "stage":
            return next((title for name, title in self.stages.values() if name == value), value)
        if facet == "reason":
            return reason_words(value)
        return STATES.get(value, value) if facet == "state" else value


def filtered(project: Project, filters: Filters) -> AssetQuerySet:
    assets = Asset.objects.filter(project=project)
    for facet, column in COLUMNS.items():
        if facet in filters.chosen:
            assets = assets.filter(**{f"{column}__in": filters.chosen[facet]})
    if "source" in filters.chosen:
        assets = assets.alias(origin=origin()).filter(origin__in=filters.chosen["source"])
    assets = tag_facet.having(assets, filters.chosen.get("tag", ()))
    return assets if filters.worker is None else assets.filter(worker_id=filters.worker)


def origin() -> Case:
    """Return where an asset came from: all workers are one source."""
    return Case(When(worker_id__isnull=False, then=Value(CROWD)), default=F("source"), output_field=CharField())


def facets(*, project: Project, filters: Filters, counts: AssetCounts, names: Names) -> list[Facet]:
    """Count every value under the other facets' filters, from the kept counts; sources and tags ask the database."""
    found = [_facet(name, filters, counts, names) for name in KEPT]
    return [facet for facet in [*found, _sources(project, filters), _tags(project, filters)] if facet.values]


def total(*, filters: Filters, counts: AssetCounts, names: Names) -> int | None:
    """Return how many assets fit, or None when the kept counts cannot tell (sources, tags and workers)."""
    if filters.worker is not None or set(filters.chosen) - set(KEPT):
        return None
    return sum(place.n for place in counts.places if _fits(place, filters, names, skip=""))


def _fits(place: Place, filters: Filters, names: Names, skip: str) -> bool:
    chosen = (item for item in filters.chosen.items() if item[0] in KEPT and item[0] != skip)
    return all(names.value(facet, place) in values for facet, values in chosen)


def _facet(facet: str, filters: Filters, counts: AssetCounts, names: Names) -> Facet:
    found: Counter[str] = Counter(dict.fromkeys(filters.chosen.get(facet, ()), 0))
    for place in counts.places:
        value = names.value(facet, place)
        if value and _fits(place, filters, names, skip=facet):
            found[value] += place.n
    order = found.most_common() if facet in {"class", "reason"} else _in_order(facet, found, names)
    return Facet(
        facet, TITLES[facet], tuple(_value(facet, value, names.words(facet, value), n, filters) for value, n in order)
    )


def _in_order(facet: str, found: Mapping[str, int], names: Names) -> list[tuple[str, int]]:
    order = [name for name, _ in names.stages.values()] if facet == "stage" else [str(state) for state in STATES]
    return [(value, found[value]) for value in order if value in found]


def _sources(project: Project, filters: Filters) -> Facet:
    others = replace(filters, chosen={name: values for name, values in filters.chosen.items() if name != "source"})
    rows = (
        filtered(project, others)
        .annotate(origin=origin())
        .order_by()
        .values_list("origin")
        .annotate(n=Count("id"))
        .order_by("-n", "origin")[:MOST_SOURCES]
    )
    words = {CROWD: "Sent by workers", "": "Not known"}
    values = (_value("source", origin, words.get(origin, origin), n, filters) for origin, n in rows)
    return Facet("source", TITLES["source"], tuple(values))


def _tags(project: Project, filters: Filters) -> Facet:
    """Offer tags with their counts in the whole project."""
    offered = tag_facet.offered(project, filters.chosen.get("tag", ()))
    values = (_value("tag", text, tag_facet.words(text), n, filters) for text, n in offered)
    return Facet("tag", TITLES["tag"], tuple(values))


def _value(facet: str, value: str, words: str, n: int, filters: Filters) -> FacetValue:
    return FacetValue(value, words, n, filters.has(facet, value), filters.toggled(facet, value).query())


def page(assets: AssetQuerySet, *, project: Project, after: UUID | None, before: UUID | None) -> Page:
    """Return one page, newest first: `after` goes on to older ones, `before` back to newer ones. Never an OFFSET."""
    going_back = before is not None
    cursor = _place_of(project, before or after)
    if cursor is not None:
        assets = assets.filter(pk__gt=cursor) if going_back else assets.filter(pk__lt=cursor)
    rows = list(assets.order_by("id" if going_back else "-id").select_related("label_class", "preview")[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if going_back:
        rows.reverse()
    has_newer = more if going_back else cursor is not None
    has_older = cursor is not None if going_back else more
    decorate(rows)
    return Page(
        tuple(rows),
        rows[0].public_id if rows and has_newer else None,
        rows[-1].public_id if rows and has_older else None,
    )


def _place_of(project: Project, public_id: UUID | None) -> int | None:
    if public_id is None:
        return None
    return Asset.objects.filter(project=project, public_id=public_id).values_list("pk", flat=True).first()


def decorate(assets: Sequence[Asset]) -> None:
    """Hang the current consensus with its boxes on each asset: two queries for a page."""
    rows = (
        Consensus.objects.filter(asset__in=assets, is_current=True, status__in=["hard", "soft", "drop"])
        .prefetch_related("boxes")
        .order_by("stage__position")
    )
    by_asset = {row.asset_id: row for row in rows}
    for asset in assets:
        found: Any = by_asset.get(asset.pk)
        asset.agreed = found  # type: ignore[attr-defined]
        asset.doubtful_iou = (  # type: ignore[attr-defined]
            found.lowest_iou if found and found.lowest_iou is not None and found.lowest_iou < DOUBTFUL else None
        )


def _values(query: QueryDict, facet: str) -> list[str]:
    return [value for text in query.getlist(facet) for value in text.split(",") if value and "\x00" not in value]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
