"""Pages of lists: filters, ranges, order and limit from the query, and whether there is more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cmp_to_key
from itertools import islice
from typing import Any, Generic, TypeVar

from crowd.emulators.toloka import moments
from crowd.emulators.toloka.errors import invalid_field
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.quality import COMPARISONS
from crowd.emulators.toloka.records import Form

T = TypeVar("T")
Query = Mapping[str, str]
Value = str | datetime | int | float


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """How one list answers. `source` gives what has a greater id than the given one, in the order of ids."""

    source: Callable[[Market, Query, str], Iterable[T]]
    view: Callable[[T], Form]
    filters: Mapping[str, Callable[[T, str], bool]]
    ranges: Mapping[str, Callable[[T], Value | None]]
    sort: tuple[str, ...]
    default: int
    most: int
    key: str = "id"
    needs: tuple[str, ...] = field(default=())


def page(market: Market, listing: Listing[T], query: Query) -> Form:
    tests = list(_tests(listing, query))
    if listing.needs and not any(name in query for name in listing.needs):
        raise invalid_field(listing.needs[0], "VALUE_REQUIRED", f"One of {', '.join(listing.needs)} is required.")
    limit = _limit(listing, query)
    if market.faults.hit("half_pages"):
        limit = max(1, limit // 2)
    things = listing.source(market, query, query.get(f"{listing.key}_gt", ""))
    fitting = (thing for thing in things if all(test(thing) for test in tests))
    found = list(islice(_ordered(listing, query, fitting), limit + 1))
    return {"items": [listing.view(thing) for thing in found[:limit]], "has_more": len(found) > limit}


def _limit(listing: Listing[T], query: Query) -> int:
    text = query.get("limit", str(listing.default))
    if not text.isdigit():
        raise invalid_field("limit", "INTEGER_EXPECTED", "An integer is expected.")
    if not 1 <= int(text) <= listing.most:
        code = "VALUE_GREATER_THAN_MAX" if int(text) > listing.most else "VALUE_LESS_THAN_MIN"
        raise invalid_field("limit", code, f"1 to {listing.most} are possible.", listing.most)
    return int(text)


def _tests(listing: Listing[T], query: Query) -> Iterator[Callable[[T], bool]]:
    for name, text in query.items():
        if name in ("limit", "sort"):
            continue
        if name in listing.filters:
            yield _bound(listing.filters[name], text)
            continue
        column, _, comparison = name.rpartition("_")
        if column not in listing.ranges or comparison not in ("gt", "gte", "lt", "lte"):
            raise invalid_field(name, "VALUE_NOT_ALLOWED", "The list has no such parameter.")
        yield _within(listing.ranges[column], COMPARISONS[comparison.upper()], text, name)


def _bound(test: Callable[[T, str], bool], text: str) -> Callable[[T], bool]:
    return lambda thing: test(thing, text)


def _within(
    value_of: Callable[[T], Value | None], compare: Callable[[Any, Any], bool], text: str, name: str
) -> Callable[[T], bool]:
    read: dict[type, Any] = {str: text}

    def test(thing: T) -> bool:
        value = value_of(thing)
        if value is None:
            return False
        if type(value) not in read:
            read[type(value)] = _read(type(value), text, name)
        return compare(value, read[type(value)])

    return test


def _read(kind: type, text: str, name: str) -> Value:
    try:
        return moments.read(text) if kind is datetime else float(text)
    except ValueError:
        code = "INVALID_DATE_TIME_SYNTAX" if kind is datetime else "INTEGER_EXPECTED"
        raise invalid_field(name, code, f"{text!r} cannot be read.") from None


def _ordered(listing: Listing[T], query: Query, things: Iterable[T]) -> Iterable[T]:
    keys = [key.strip() for key in query.get("sort", "").split(",") if key.strip()]
    for key in keys:
        if key.removeprefix("-") not in listing.sort:
            raise invalid_field("sort", "UNKNOWN_ENUM_VALUE", f"{key} is no key to sort by.", *listing.sort)
    if not keys or keys[0] == listing.key:
        return things
    ordered = list(things)
    for key in reversed(keys):
        value_of = listing.ranges.get(key.removeprefix("-")) or _text_of(key.removeprefix("-"))
        ordered.sort(key=cmp_to_key(_by(value_of)), reverse=key.startswith("-"))
    return ordered


def _text_of(name: str) -> Callable[[Any], Value | None]:
    def value(thing: Any) -> Value | None:
        found = thing.form.get(name)
        return None if found is None else str(found)

    return value


def _by(value_of: Callable[[T], Value | None]) -> Callable[[T, T], int]:
    """Compare by a value; what has none comes first."""

    def compare(left: T, right: T) -> int:
        one, other = value_of(left), value_of(right)
        if one is None or other is None:
            return (one is not None) - (other is not None)
        return int(one > other) - int(one < other)  # type: ignore[operator]  # both are values of one column

    return compare
