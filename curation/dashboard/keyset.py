"""Long lists page by page, newest first, by the number of a row and never by an OFFSET."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

Found = TypeVar("Found", bound=Model)


@dataclass(frozen=True, slots=True)
class Window(Generic[Found]):
    """Rows of one page; `newer` and `older` are where the neighbours begin, None where there are none."""

    rows: list[Found]
    newer: int | None
    older: int | None


def window(rows: "QuerySet[Found]", *, size: int, after: int | None, before: int | None) -> Window[Found]:
    """Return one page: `after` goes on to older rows, `before` back to newer ones."""
    going_back, start = before is not None, before if before is not None else after
    if start is not None:
        rows = rows.filter(pk__gt=start) if going_back else rows.filter(pk__lt=start)
    found = list(rows.order_by("pk" if going_back else "-pk")[: size + 1])
    more, found = len(found) > size, found[:size]
    if going_back:
        found.reverse()
    has_newer, has_older = (more, True) if going_back else (start is not None, more)
    newer, older = (found[0].pk, found[-1].pk) if found else (None, None)
    return Window(found, newer if has_newer else None, older if has_older else None)


def cursor(request: HttpRequest, name: str) -> int | None:
    return whole(request.GET.get(name, ""))


def whole(text: str) -> int | None:
    """Return the number of a row that an address names, None where it names none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
