"""From text to a query. Grammar:

query = { term };  term = [ "-" ] ( field op value { "," value } | value )
op = ":" | "=" | "!=" | "<" | "<=" | ">" | ">=";  value = word | '"' any '"' | [ value ] ".." [ value ]
"""

import re
from collections.abc import Iterator
from typing import Final

from curation.services.asset_query.fields import field_of, typed
from curation.services.asset_query.grammar import COMPARISONS, IS, Between, Query, QueryError, Term, Value

LONGEST: Final = 1000
MOST_TERMS: Final = 30
MOST_VALUES: Final = 100
_HEAD = re.compile(r"(?P<field>[A-Za-z_]+)\s*(?P<op>!=|<=|>=|[:=<>])")
_WORD = re.compile(r"[^\s,\"]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_SPACE = re.compile(r"\s*")


def parse(text: str) -> Query:
    """Return the query that a text means. Raises QueryError with one sentence."""
    if len(text) > LONGEST:
        raise QueryError(f"A query has at most {LONGEST:,} characters, not {len(text):,}.")
    terms = tuple(dict.fromkeys(_terms(text)))
    if len(terms) > MOST_TERMS:
        raise QueryError(f"A query has at most {MOST_TERMS} conditions, not {len(terms)}.")
    return Query(terms)


def _terms(text: str) -> Iterator[Term]:
    at = _skip(text, 0)
    while at < len(text):
        negated = text[at] == "-"
        term, at = _term(text, at + negated, negated=negated)
        yield term
        at = _skip(text, at)


def _term(text: str, at: int, *, negated: bool) -> tuple[Term, int]:
    head = _HEAD.match(text, at)
    if head is None:
        parts, at = _value(text, at, "name")
        return Term("name", IS, (_single("name", parts),), negated), at
    name, op = head["field"].lower(), head["op"]
    field = field_of(name)
    if op in COMPARISONS and not field.compares:
        raise QueryError(f"{name} cannot be compared with {op}; write {field.example}.")
    values, at = _values(text, head.end(), name)
    if op in COMPARISONS and (len(values) > 1 or isinstance(values[0], Between)):
        raise QueryError(f"{name}{op} takes one value, as in {field.example}.")
    return Term(name, op if op in COMPARISONS else IS, values, negated != (op == "!=")), at


def _values(text: str, at: int, name: str) -> tuple[tuple[Value | Between, ...], int]:
    values: dict[Value | Between, None] = {}
    while True:
        parts, at = _value(text, at, name)
        values[_meant(name, parts)] = None
        if text[at : at + 1] != ",":
            break
        at += 1
    if len(values) > MOST_VALUES:
        raise QueryError(f"{name} takes at most {MOST_VALUES} values, not {len(values)}.")
    return tuple(values), at


def _value(text: str, at: int, name: str) -> tuple[tuple[str, bool], int]:
    """Return one value, whether it was quoted, and where the text goes on."""
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        return (_ESCAPED.sub(r"\1", quoted[1]).strip(), True), quoted.end()
    if text[at : at + 1] == '"':
        raise QueryError(f"The quote that opens after “{name}” is not closed.")
    word = _WORD.match(text, at)
    if word is None:
        raise QueryError(f"After “{name}” a value is missing, as in {field_of(name).example}.")
    return (word[0], False), word.end()


def _meant(name: str, part: tuple[str, bool]) -> Value | Between:
    text, quoted = part
    if quoted or ".." not in text or not field_of(name).compares:
        return _single(name, part)
    low, _, high = text.partition("..")
    if not low and not high:
        raise QueryError(f"A range of {name} needs at least one end, as in {field_of(name).example}.")
    return Between(_end(name, low), _end(name, high))


def _end(name: str, text: str) -> Value | None:
    return Value(text, typed(name, text)) if text else None


def _single(name: str, part: tuple[str, bool]) -> Value:
    text, _ = part
    meant = typed(name, text)
    return Value(meant if isinstance(meant, str) else text, meant)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
