"""The asset browser's list: what the address asks for, and one page of it by keyset, never an OFFSET."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.http import QueryDict

from crowd.models import Worker
from curation.dashboard import tag_facet
from curation.models import Asset, BulkDropped, Consensus, ConsensusBox, Project, SavedView
from curation.models.asset import AssetQuerySet
from curation.services.asset_query import Query, QueryError, Term, Value, matching, parse
from curation.services.asset_query.fields import typed
from curation.services.asset_query.filters import midnight
from curation.services.asset_query.grammar import IS

GRID, LIST = "grid", "list"
PAGES: Final = {GRID: 120, LIST: 60}
BY_NUMBER: Final = ("id",)
EVERYTHING: Final = Query()
DOUBTFUL: Final = 0.8
MOST_FRAMES: Final = 300
SHOWN: Final = ("public_id", "state", "reason", "name", "width", "height", "media", "created_at")
PARAMETERS: Final = ("state", "stage", "class", "reason", "source", "worker")
"""Fields that links to the browser may also name one by one; `tag` as well, in a form of its own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `error` = the query is not understood, and nothing is shown."""

    query: Query = EVERYTHING
    text: str = ""
    error: str = ""
    layout: str = GRID
    as_text: bool = False
    view: SavedView | None = None
    after: UUID | None = None
    before: UUID | None = None
    at: date | None = None

    def address(self, query: Query | None = None, **more: str) -> str:
        """Return the query string that shows another query, or another part of this one, in the same layout."""
        text = str(self.query if query is None else query)
        pairs = {"q": text, "layout": self.layout if self.layout != GRID else "", **more}
        return f"?{urlencode({name: value for name, value in pairs.items() if value}, safe=':,<>')}"

    @property
    def grid_address(self) -> str:
        return replace(self, layout=GRID).address() or "?"

    @property
    def list_address(self) -> str:
        return replace(self, layout=LIST).address()

    @property
    def video(self) -> UUID | None:
        """Return the video whose frames are asked for, when it is one."""
        terms = [term for term in self.query.terms if term.field == "video" and term.chooses]
        found = terms[0].values[0] if len(terms) == 1 and len(terms[0].values) == 1 else None
        return found.typed if isinstance(found, Value) and isinstance(found.typed, UUID) else None


@dataclass(frozen=True, slots=True)
class Page:
    """`newest` = of all that the query means, where this page tells it."""

    assets: tuple[Asset, ...]
    newer: UUID | None = None
    older: UUID | None = None
    newest: UUID | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """One term of the query as a token."""

    text: str
    href: str
    parts: tuple[str, str] = field(default=("", ""))


def read(query: QueryDict, project: Project, views: Sequence[SavedView] = ()) -> Asked:
    """Read the address; what is not understood becomes a sentence."""
    view = next((one for one in views if str(one.public_id) == query.get("view", "")), None)
    text = str(query.get("q", view.query if view else ""))
    layout = query.get("layout") or (view.layout if view else GRID)
    asked = Asked(
        text=text[:1200],
        layout=layout if layout in PAGES else GRID,
        as_text=query.get("as") == "text",
        view=view,
        after=_uuid(query.get("after", "")),
        before=_uuid(query.get("before", "")),
        at=_day(query.get("at", "")),
    )
    try:
        meant = parse(text).plus(_named(query, project)).plus(parse(query.get("more", "")))
    except QueryError as error:
        return failed(replace(asked, text=f"{text} {query.get('more', '')}".strip()[:1200]), str(error))
    return replace(asked, query=meant, text=str(meant))


def failed(asked: Asked, sentence: str) -> Asked:
    """Return what was asked as text to be mended, with the sentence that says what is wrong."""
    return replace(asked, query=EVERYTHING, error=sentence, as_text=True)


def _named(query: QueryDict, project: Project) -> Query:
    """Read fields that are parameters of their own, as in ?state=dropped&stage=checks."""
    terms = []
    for name in PARAMETERS:
        words = dict.fromkeys(_words(query, name))
        if name == "worker":
            words = dict.fromkeys(_pseudonyms(words, project))
        if words:
            terms.append(Term(name, IS, tuple(Value(word, typed(name, word)) for word in words)))
    by_key: dict[str, list[Value]] = {}
    for code in dict.fromkeys(_words(query, "tag")):
        key, value = tag_facet.decoded(code)
        word = f"{key}: {value}"
        by_key.setdefault(key, []).append(Value(word, word))
    return Query((*terms, *(Term("tag", IS, tuple(values)) for values in by_key.values())))


def _pseudonyms(words: Iterable[str], project: Project) -> list[str]:
    """Call workers that a link names by number as screens do, where they have sent something."""
    numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 19]
    senders = Asset.objects.filter(project=project, worker_id__in=numbers).values("worker_id")
    known = {str(one.pk): one.short_id for one in Worker.objects.filter(pk__in=senders)} if numbers else {}
    return [known.get(word, word) for word in words]


def _words(query: QueryDict, name: str) -> list[str]:
    return [word for text in query.getlist(name) for word in text.split(",") if word and "\x00" not in word]


def chips(asked: Asked) -> list[Chip]:
    """Return the query's terms, each with the address without it."""
    terms = asked.query.terms
    return [
        Chip(str(term), asked.address(asked.query.minus(place)), (_head(term), ", ".join(term.words)))
        for place, term in enumerate(terms)
    ]


def _head(term: Term) -> str:
    head = term.field if term.op == IS else f"{term.field} {term.op}"
    return f"not {head}" if term.negated else head


def page(asked: Asked, *, project: Project) -> Page:
    """Return one page, newest first: `after` goes on to older ones, `before` back to newer, `at` begins with a day."""
    size, going_back, columns = PAGES[asked.layout], asked.before is not None, _order(asked.query)
    rows = matching(asked.query, project=project)
    place = _place_of(project, asked.before or asked.after)
    if place is not None:
        rows = rows.filter(_beyond(place, columns, "gt" if going_back else "lt"))
    elif asked.at is not None:
        place = _place_of_day(rows, asked.at)
        rows = rows.none() if place is None else rows.filter(_beyond(place, columns, or_itself=True))
    order = [name if going_back else f"-{name}" for name in columns]
    if any(term.field == "name" for term in asked.query.terms):
        # Asked apart from what is shown, an index alone tells which they are, even when it must be read to its end.
        rows = Asset.objects.filter(pk__in=rows.order_by(*order).values("pk")[: size + 1])
    found = list(_shown(rows).order_by(*order)[: size + 1])
    more, found = len(found) > size, found[:size]
    if going_back:
        found.reverse()
    has_newer = more if going_back else place is not None
    has_older = place is not None if going_back else more
    decorate(found)
    return Page(
        tuple(found),
        found[0].public_id if found and has_newer else None,
        found[-1].public_id if found and has_older else None,
        found[0].public_id if found and not has_newer and columns == BY_NUMBER else None,
    )


def _order(query: Query) -> tuple[str, ...]:
    """By number; days are read in their own order, else all that came after them would be walked over first."""
    by_day = any(term.field == "created" and not term.negated for term in query.terms)
    return ("created_at", "id") if by_day else BY_NUMBER


def _beyond(place: Asset, columns: Sequence[str], side: str = "lt", *, or_itself: bool = False) -> Q:
    """Return what lies on this side of an asset in the order of the list; an index answers the first test."""
    by_number = Q(**{f"id__{side}{'e' if or_itself else ''}": place.pk})
    if columns == BY_NUMBER:
        return by_number
    same_or_beyond = Q(**{f"created_at__{side}e": place.created_at})
    return same_or_beyond & (Q(**{f"created_at__{side}": place.created_at}) | by_number)


def frames(asked: Asked, *, project: Project) -> list[Asset]:
    """Return the frames of the one video that is asked for, in the order of time."""
    if asked.video is None:
        return []
    rows = matching(asked.query, project=project).filter(frame_ms__isnull=False)
    return list(rows.select_related("preview", "label_class").order_by("frame_ms", "id")[:MOST_FRAMES])


def _shown(rows: AssetQuerySet) -> AssetQuerySet:
    alike = BulkDropped.objects.filter(other=OuterRef("pk"), from_stage__isnull=False, brought_back_at=None).order_by()
    copies = alike.values("other").annotate(n=Count("pk")).values("n")
    return (
        rows.select_related("label_class", "stage")
        .only(*SHOWN, "label_class__name", "stage__title")
        .annotate(
            copies=Coalesce(Subquery(copies, output_field=IntegerField()), 0), preview_key=F("preview__thumb_key")
        )
    )


def _place_of(project: Project, public_id: UUID | None) -> Asset | None:
    if public_id is None:
        return None
    return Asset.objects.filter(project=project, public_id=public_id).only("created_at").first()


def _place_of_day(rows: AssetQuerySet, day: date) -> Asset | None:
    """Return the newest asset that arrived on the day or before it."""
    end = midnight(Value(str(day), day), 1)
    return rows.filter(created_at__lt=end).only("created_at").order_by("-created_at", "-id").first()


def decorate(assets: Sequence[Asset]) -> None:
    """Hang the current consensus with its boxes on each asset: one query for a page."""
    boxes = ConsensusBox.objects.filter(consensus=OuterRef("pk")).order_by("seq")
    rows = (
        Consensus.objects.filter(asset__in=assets, is_current=True, status__in=["hard", "soft", "drop"])
        .annotate(shown_boxes=ArraySubquery(boxes.values(box=JSONObject(x="x", y="y", w="w", h="h"))))
        .defer("trace", "settings", "inputs", "used", "dropped")
        .order_by("stage__position")
    )
    by_asset = {row.asset_id: row for row in rows}
    for asset in assets:
        found: Any = by_asset.get(asset.pk)
        asset.agreed = found  # type: ignore[attr-defined]
        asset.doubtful_iou = (  # type: ignore[attr-defined]
            found.lowest_iou if found and found.lowest_iou is not None and found.lowest_iou < DOUBTFUL else None
        )
        asset.drawn = _drawn(found)  # type: ignore[attr-defined]


def _drawn(consensus: Any) -> str:
    """Return the boxes as the grid's module reads them: x,y,w,h in shares of the picture, one after another."""
    boxes = consensus.shown_boxes if consensus else ()
    return " ".join(f"{box['x']:.4f},{box['y']:.4f},{box['w']:.4f},{box['h']:.4f}" for box in boxes)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
