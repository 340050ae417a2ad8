"""The side bar of the asset browser: values with their counts, each a link; and the days as a bar."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from curation.dashboard.asset_list import Asked
from curation.models import Asset, Project, SavedView
from curation.services.asset_query import Query, QueryError, Value, parse
from curation.services.asset_query.counting import CUBE, Counted
from curation.services.asset_query.fields import BLUR, LIGHT, NONE, RESOLUTIONS, typed
from curation.services.asset_query.filters import CROWD
from curation.services.overview.words import reason_words

ORDER: Final = (
    "state", "class", "reason", "stage", "light", "blur", "resolution", "tag", "worker", "source", "split",
)  # fmt: skip
TITLES: Final = {"class": "Class", "tag": "Tag", "worker": "Sent by"}
OPEN: Final = frozenset({"state", "class", "reason"})
SHOWN: Final = 8
MOST_BARS: Final = 90
STATES: Final[dict[str, str]] = {
    Asset.State.PUBLISHED: "Published",
    Asset.State.DROPPED: "Dropped",
    Asset.State.HELD: "Held for a person",
    Asset.State.WAITING: "Waiting",
    Asset.State.WORKING: "In work",
}
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": STATES,
    "light": {"low": "Low light", "normal": "Normal", "bright": "Bright", NONE: "Not measured"},
    "blur": {"blurred": "Blurred", "soft": "Soft", "sharp": "Sharp", NONE: "Not measured"},
    "resolution": {"sd": "SD", "hd": "HD", "full-hd": "Full HD", "4k": "4K", NONE: "Not measured"},
    "source": {CROWD: "Sent by workers", NONE: "Not known"},
    "class": {NONE: "Without a class"},
}
IN_ORDER: Final = {"state": tuple(STATES), "light": (*LIGHT, NONE), "blur": (*BLUR, NONE)}
IN_ORDER["resolution"] = (*RESOLUTIONS, NONE)
REJECTED_AS_COPIES: Final = "reason:near_duplicate,same_scene,same_photo,same_file"


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    words: str
    n: int
    chosen: bool
    href: str
    share: int


@dataclass(frozen=True, slots=True)
class Facet:
    key: str
    title: str
    values: tuple[FacetValue, ...]
    is_open: bool

    @property
    def chosen(self) -> list[FacetValue]:
        return [value for value in self.values if value.chosen]

    @property
    def first(self) -> tuple[FacetValue, ...]:
        return self.values[:SHOWN]

    @property
    def more(self) -> tuple[FacetValue, ...]:
        return self.values[SHOWN:]


@dataclass(frozen=True, slots=True)
class Bar:
    """Some days of the list: where they stand in the bar, in thousandths of its width."""

    x: float
    width: float
    height: float
    href: str
    words: str


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    href: str
    n: int | None
    is_current: bool
    view: SavedView | None = None


def facets(asked: Asked, counted: Counted, project: Project) -> list[Facet]:
    """Return the facets that say something: those with two values, or with a chosen one."""
    titles = {stage.name: stage.title for stage in project.stages.all()}
    found = (_facet(name, asked, _counts(name, counted), titles) for name in ORDER)
    return [facet for facet in found if len(facet.values) > 1 or facet.chosen]


def _counts(name: str, counted: Counted) -> Mapping[str, int]:
    if name in CUBE:
        return counted.by(name)
    values = counted.sides.values.get(name, ()) if counted.sides else ()
    return {value or NONE: n for value, n in values}


def _facet(name: str, asked: Asked, counts: Mapping[str, int], titles: Mapping[str, str]) -> Facet:
    chosen = asked.query.chosen(name)
    found = {**dict.fromkeys(chosen, 0), **counts}
    if name == "reason":
        found.pop(NONE, None)
    order = _ordered(name, found, titles)
    top = max([*found.values(), 1])
    values = tuple(
        FacetValue(
            value=word,
            words=words_of(name, word, titles),
            n=found[word],
            chosen=word in chosen,
            href=asked.address(asked.query.toggled(name, Value(word, typed(name, word)))),
            share=round(1000 * found[word] / top),
        )
        for word in order
    )
    return Facet(name, TITLES.get(name, name.capitalize()), values, name in OPEN or bool(chosen))


def _ordered(name: str, found: Mapping[str, int], titles: Mapping[str, str]) -> list[str]:
    order: Sequence[str] = tuple(titles) if name == "stage" else IN_ORDER.get(name, ())
    if order:
        return [word for word in order if word in found]
    return sorted(found, key=lambda word: (word == NONE, -found[word], word))


def words_of(name: str, word: str, titles: Mapping[str, str]) -> str:
    if name == "reason":
        return reason_words(word).capitalize()
    if name == "stage":
        return titles.get(word, word)
    return WORDS.get(name, {}).get(word, word)


def bars(asked: Asked, days: Iterable[tuple[str, int]]) -> list[Bar]:
    """Return the days as bars, several days to a bar where there are many, oldest at the left."""
    by_day = {date.fromisoformat(text): n for text, n in days}
    if len(by_day) < 2:
        return []
    first, last = min(by_day), max(by_day)
    each = -(-((last - first).days + 1) // MOST_BARS)
    starts = [first + timedelta(days=offset) for offset in range(0, (last - first).days + 1, each)]
    sums = [sum(by_day.get(start + timedelta(days=step), 0) for step in range(each)) for start in starts]
    top, width = max(sums), 1000 / len(starts)
    found = []
    for place, (start, n) in enumerate(zip(starts, sums, strict=True)):
        end = min(last, start + timedelta(days=each - 1))
        words = f"{start:%-d %b %Y}: {n:,}" if each == 1 else f"{start:%-d %b} to {end:%-d %b %Y}: {n:,}"
        href = asked.address(at=end.isoformat())
        found.append(
            Bar(round(place * width, 2), round(width * 0.86, 2), max(1.0, round(30 * n / top, 1)), href, words)
        )
    return found


def tabs(asked: Asked, counted: Counted, project: Project, views: Sequence[SavedView]) -> list[Tab]:
    """Return the views everybody has, then the saved ones."""
    review = [stage.name for stage in project.stages.all() if stage.kind == "review"]
    usual = {
        "All": "",
        "To review": f"state:held stage:{','.join(review)}" if review else "state:held",
        "Published": "state:published",
        "Rejected": "state:dropped",
        "Near-duplicates": REJECTED_AS_COPIES,
    }
    found = [
        Tab(name, _tab_address(asked, text), counted.of(parse(text)), asked.view is None and _is(asked, text))
        for name, text in usual.items()
    ]
    return [*found, *(_saved(asked, counted, view) for view in views)]


def _is(asked: Asked, text: str) -> bool:
    return not asked.error and asked.query == parse(text)


def _tab_address(asked: Asked, text: str) -> str:
    return asked.address(parse(text)) if text else asked.address(Query())


def _saved(asked: Asked, counted: Counted, view: SavedView) -> Tab:
    try:
        n = counted.of(parse(view.query))
    except QueryError:
        n = None
    return Tab(view.name, f"?view={view.public_id}", n, asked.view == view, view)
