"""Lists: explicit filters, stable order, signed cursors, no total unless asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet
from rest_framework.request import Request

from curation.api.problems import Problem

DEFAULT_LIMIT, MOST = 100, 1_000
OWN = ("cursor", "limit", "count")
SALT = "curation.api.cursor"
Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """One query parameter of a list: how it narrows, and the values it knows (none = free text)."""

    apply: Callable[[Rows, Any], Rows]
    about: str
    values: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    expected: str = "text"

    def narrow(self, rows: Rows, name: str, text: str) -> Rows:
        if self.values and text not in self.values:
            raise Problem(400, "bad_parameter", f"{name}={text!r} is unknown; known are {', '.join(self.values)}.")
        try:
            value = self.parse(text)
        except ValueError:
            raise Problem(400, "bad_parameter", f"{name}={text!r} is not {self.expected}.") from None
        return self.apply(rows, value)


def one_of(apply: Callable[[Rows, Any], Rows], about: str, values: Sequence[str]) -> Filter:
    return Filter(apply, about, tuple(values))


def by_id(apply: Callable[[Rows, UUID], Rows], about: str) -> Filter:
    return Filter(apply, about, parse=UUID, expected="an id as this API gives it")


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    next: str | None
    count: int | None


def page_of(request: Request, rows: Rows, filters: Mapping[str, Filter]) -> Page:
    """Return one page, oldest first; a cursor belongs to the list and filters it came from."""
    given = _given(request, filters)
    for name, one in filters.items():
        if name in given:
            rows = one.narrow(rows, name, given[name])
    limit = _number(given.get("limit", str(DEFAULT_LIMIT)))
    where = [request.path, sorted((name, text) for name, text in given.items() if name not in OWN)]
    after = _after(given["cursor"], where) if "cursor" in given else 0
    found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
    more = len(found) > limit
    cursor = signing.dumps([found[limit - 1].pk, where], salt=SALT) if more else None
    return Page(found[:limit], cursor, rows.count() if given.get("count") == "1" else None)


def _given(request: Request, filters: Mapping[str, Filter]) -> dict[str, str]:
    known = (*filters, *OWN)
    for name in request.query_params:
        if name not in known:
            raise Problem(400, "unknown_parameter", f"{name!r} is no parameter here; known are {', '.join(known)}.")
    given = {name: str(text) for name, text in request.query_params.items()}
    if any("\0" in text for text in given.values()):
        raise Problem(400, "bad_parameter", "A parameter cannot hold a NUL character.")
    return given


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MOST:
        raise Problem(400, "bad_parameter", f"limit={text!r} is not a whole number from 1 to {MOST}.")
    return int(text)


def _after(cursor: str, where: list[Any]) -> int:
    try:
        after, there = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError):
        raise Problem(400, "bad_cursor", "This cursor is damaged; start the list again without one.") from None
    if there != [where[0], [list(pair) for pair in where[1]]]:
        raise Problem(400, "bad_cursor", "This cursor belongs to another list or other filters; start again.")
    return int(after)
