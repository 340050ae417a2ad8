"""Lists: explicit filters, stable order, signed cursors, no total unless asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.request import Request

from curation.api.problems import Problem
from curation.services.patience import in_time

DEFAULT_LIMIT, MOST = 100, 1_000
OLDEST, NEWEST = "oldest", "newest"
ORDERS = (OLDEST, NEWEST)
OWN = ("cursor", "limit", "order", "count", "fields")
NOT_OF_A_CURSOR = frozenset({"cursor", "limit", "count", "fields"})
SALT = "curation.api.cursor"
LONGEST_MS = 5_000
TOO_SLOW = "This takes too long to find; add a condition such as a class, a state or a day."
BIGGEST = 2**63 - 1
Rows = QuerySet[Any]
Given = Mapping[str, str]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Filter:
    """One query parameter of a list: how it narrows, and the values it knows (none = free text)."""

    apply: Callable[[Rows, Any], Rows]
    about: str
    values: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    expected: str = "text"
    kind: type = str

    def narrow(self, rows: Rows, name: str, given: Given) -> Rows:
        text = given[name]
        if self.values and text not in self.values:
            raise Problem(400, "bad_parameter", f"{name}={text!r} is unknown; known are {', '.join(self.values)}.")
        try:
            value = self.parse(text)
        except ValueError:
            raise Problem(400, "bad_parameter", f"{name}={text!r} is not {self.expected}.") from None
        return self.apply(rows, value)

    def may_walk(self, text: str) -> bool:
        """Whether a page may have to look at every row, so that its time is bounded."""
        return False


def one_of(apply: Callable[[Rows, Any], Rows], about: str, values: Sequence[str]) -> Filter:
    return Filter(apply, about, tuple(values))


def by_id(apply: Callable[[Rows, UUID], Rows], about: str) -> Filter:
    return Filter(apply, about, parse=UUID, expected="an id as this API gives it", kind=UUID)


def by_number(apply: Callable[[Rows, int], Rows], about: str) -> Filter:
    return Filter(apply, about, parse=_whole, expected="a number as this API gives it", kind=int)


def by_time(apply: Callable[[Rows, datetime], Rows], about: str) -> Filter:
    return Filter(apply, about, parse=_moment, expected="a time such as 2026-10-18T09:30:00Z, or a day", kind=datetime)


def yes_or_no(apply: Callable[[Rows, bool], Rows], about: str) -> Filter:
    return Filter(apply, about, ("true", "false"), parse=lambda text: text == "true")


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    next: str | None
    count: int | None


def page_of(
    path: str, rows: Rows, filters: Mapping[str, Filter], given: Given, *, columns: Sequence[str] | None = None
) -> Page:
    """Return one page by id; a cursor belongs to the list, its filters and its order.

    With `columns`, rows are named tuples of `pk` and these instead of models.
    """
    asked = {name: one for name, one in filters.items() if name in given}
    for name, one in asked.items():
        rows = one.narrow(rows, name, given)
    limit, newest = limit_of(given), _one_of("order", given, ORDERS) == NEWEST
    counts = _one_of("count", given, ("1",)) == "1"
    where = [path, sorted([name, text] for name, text in given.items() if name not in NOT_OF_A_CURSOR)]
    some = rows.order_by("-pk" if newest else "pk")
    if "cursor" in given:
        after = place_of(given["cursor"], where)
        some = some.filter(pk__lt=after) if newest else some.filter(pk__gt=after)
    if columns is not None:
        some = some.values_list("pk", *columns, named=True)
    found = _read(some[: limit + 1], is_bounded=any(one.may_walk(given[name]) for name, one in asked.items()))
    more = len(found) > limit
    cursor = cursor_behind(found[limit - 1].pk, where) if more else None
    return Page(found[:limit], cursor, bounded(rows.count, TOO_SLOW) if counts else None)


def _read(some: Rows, *, is_bounded: bool) -> list[Any]:
    """Read a page; a search that may look at every row ends with a sentence."""
    return bounded(lambda: list(some), TOO_SLOW) if is_bounded else list(some)


def bounded(look: Callable[[], Found], otherwise: str, *, milliseconds: int = LONGEST_MS) -> Found:
    """Return what is found; when a statement takes longer, the answer is this sentence."""
    found = in_time(look, milliseconds=milliseconds)
    if found is None:
        raise Problem(400, "too_slow", otherwise)
    return found


def parameters_of(request: Request, known: Sequence[str]) -> dict[str, str]:
    """Return the query parameters, each once and known. Everything else is named and refused."""
    for name, texts in request.query_params.lists():
        if name not in known:
            there_are = f"known are {', '.join(known)}" if known else "there are none"
            raise Problem(400, "unknown_parameter", f"{name!r} is no parameter here; {there_are}.")
        if len(texts) > 1:
            raise Problem(400, "bad_parameter", f"{name} is given {len(texts)} times; give it once.")
    given = {name: str(text) for name, text in request.query_params.items()}
    if any("\0" in text for text in given.values()):
        raise Problem(400, "bad_parameter", "A parameter cannot hold a NUL character.")
    return given


def _one_of(name: str, given: Given, known: Sequence[str]) -> str | None:
    text = given.get(name)
    if text is not None and text not in known:
        raise Problem(400, "bad_parameter", f"{name}={text!r} is unknown; known are {', '.join(known)}.")
    return text


def limit_of(given: Given) -> int:
    """Return how many rows a page has."""
    text = given.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MOST:
        raise Problem(400, "bad_parameter", f"limit={text!r} is not a whole number from 1 to {MOST}.")
    return int(text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= BIGGEST):
        raise ValueError(text)
    return int(text)


def _moment(text: str) -> datetime:
    day = parse_date(text)
    found = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(text)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None


def cursor_behind(last: int, where: list[Any]) -> str:
    """Return the cursor of the page that begins behind the row of this id."""
    return signing.dumps([last, where], salt=SALT)


def place_of(cursor: str, where: list[Any]) -> int:
    """Return the id that a page begins behind; a cursor of another list or other filters is refused."""
    try:
        after, there = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError):
        raise Problem(400, "bad_cursor", "This cursor is damaged; start the list again without one.") from None
    if there != where:
        raise Problem(400, "bad_cursor", "This cursor belongs to another list or other filters; start again.")
    return int(after)
