"""The product of lists: `{colour} {model} car` over 10 colours and 1,046 models is 10,460 queries. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Final

PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
MOST_QUERIES: Final = 1_000_000
LONGEST: Final = 200


class BadQueries(ValueError):
    """Lists or a pattern that cannot be; the sentence says what is wrong."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One query, and the attributes that a picture found by it probably has."""

    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """A pattern with `{name}` where a value of that list stands; `without` are queries that are not asked."""

    pattern: str
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = PLACE.findall(self.pattern)
        if not self.pattern.strip() or {"{", "}"} & set(PLACE.sub("", self.pattern)):
            raise BadQueries(f"{self.pattern!r} is no query: write words, and {{name}} where a list's values go.")
        for name in names:
            if not self.lists.get(name):
                raise BadQueries(f"The query names {{{name}}}, and there is no list of that name with values.")
        for name in self.lists:
            if name not in names:
                raise BadQueries(f"The list “{name}” is used by no query: write {{{name}}} into it.")
        if self.most() > MOST_QUERIES:
            raise BadQueries(f"That makes {self.most():,} queries; at most {MOST_QUERIES:,} are asked in one crawl.")

    def most(self) -> int:
        """Return how many combinations there are, before exclusions."""
        return prod(len(set(self.lists[name])) for name in set(PLACE.findall(self.pattern)))

    def __iter__(self) -> Iterator[Wanted]:
        """Yield each query once, in the order of the lists."""
        names = list(dict.fromkeys(PLACE.findall(self.pattern)))
        seen: set[str] = set()
        for values in product(*(dict.fromkeys(self.lists[name]) for name in names)):
            attributes = dict(zip(names, values, strict=True))
            text = " ".join(self.pattern.format_map(attributes).split())[:LONGEST]
            if text not in seen and text not in self.without:
                seen.add(text)
                yield Wanted(text, attributes)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a crawl would ask for: calls = queries × engines × pages; hours at the pace of its slowest engine."""

    queries: int
    calls: int
    most_pictures: int
    hours: float


def preview(queries: int, *, engines: int, pages: int, per_query: int, seconds_between: float) -> Preview:
    """Each engine gives up to `per_query` pictures of a query; engines are asked beside each other."""
    asked = queries * engines
    return Preview(queries, asked * pages, asked * per_query, queries * pages * seconds_between / 3600)
