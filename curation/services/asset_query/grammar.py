"""What a query is once it is understood: terms that must all hold, each a field, an operator and typed values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

Typed = str | float | date | UUID
PLAIN: Final = re.compile(r"""^[^\s,"'()<>=]+$""")
IS, LESS, AT_MOST, MORE, AT_LEAST = ":", "<", "<=", ">", ">="
COMPARISONS: Final = (LESS, AT_MOST, MORE, AT_LEAST)


class QueryError(ValueError):
    """A query that cannot be understood; the sentence names the part that is wrong and what is known."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it was written, and what it means."""

    text: str
    typed: Typed

    def __str__(self) -> str:
        if PLAIN.match(self.text) and ".." not in self.text:
            return self.text
        escaped = self.text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends belong to the range; one of them may be open."""

    low: Value | None
    high: Value | None

    def __str__(self) -> str:
        return f"{self.low or ''}..{self.high or ''}"

    @property
    def text(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; several values mean any of them."""

    field: str
    op: str
    values: tuple[Value | Between, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.negated else ''}{self.field}{self.op}{','.join(map(str, self.values))}"

    @property
    def chooses(self) -> bool:
        """Whether it picks values of its field, as a facet does."""
        return self.op == IS and not self.negated

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(value.text for value in self.values)


@dataclass(frozen=True, slots=True)
class Query:
    """All of its terms must hold; none = every asset."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def of(self, fields: Iterable[str]) -> "Query":
        wanted = frozenset(fields)
        return Query(tuple(term for term in self.terms if term.field in wanted))

    def without(self, fields: Iterable[str]) -> "Query":
        unwanted = frozenset(fields)
        return Query(tuple(term for term in self.terms if term.field not in unwanted))

    def minus(self, place: int) -> "Query":
        """Return the query with the term at this place taken away."""
        return Query(self.terms[:place] + self.terms[place + 1 :])

    def plus(self, other: "Query") -> "Query":
        return Query((*self.terms, *(term for term in other.terms if term not in self.terms)))

    def chosen(self, field: str) -> tuple[str, ...]:
        """Return the values of a field that the query picks."""
        return tuple(word for term in self.terms if term.field == field and term.chooses for word in term.words)

    def toggled(self, field: str, value: Value) -> "Query":
        """Return the query with one more value of the field, or one less when it was picked."""
        found = next((place for place, term in enumerate(self.terms) if term.field == field and term.chooses), None)
        if found is None:
            return Query((*self.terms, Term(field, IS, (value,))))
        term = self.terms[found]
        kept = tuple(one for one in term.values if one.text != value.text)
        if not kept:
            return self.minus(found)
        values = kept if len(kept) < len(term.values) else (*term.values, value)
        return Query((*self.terms[:found], replace(term, values=values), *self.terms[found + 1 :]))
