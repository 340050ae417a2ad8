"""The query language of assets as a parameter of lists: of assets themselves, and of what is said about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from curation.api.paging import Filter, Given, Rows
from curation.api.problems import Problem
from curation.models import Project
from curation.services.asset_query import QueryError, matching, parse

ABOUT = "a query in the language of docs/query.md, such as `class:peace iou<0.8 -tag:blurred`"
INDEXED = frozenset(
    {"class", "state", "stage", "reason", "tag", "light", "blur", "iou", "worker", "created", "video", "id",
     "brightness", "sharpness"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssetQuery(Filter):
    """`column` is what rows call the asset they are about; empty = they are assets.

    With ?project= names of classes, stages and splits are that project's, else those of all the caller's projects.
    """

    column: str = ""

    def narrow(self, rows: Rows, name: str, given: Given) -> Rows:
        project = _asked_about(given["project"]) if "project" in given else None
        with a_query():
            query = parse(given[name])
            if not self.column:
                return matching(query, project=project, among=rows)
            return rows.filter(**{f"{self.column}__in": matching(query, project=project).order_by().values("pk")})

    def may_walk(self, text: str) -> bool:
        """Whether no index serves one of the conditions; none serves what is negated."""
        return any(term.negated or term.field not in INDEXED for term in parse(text).terms)


def _asked_about(public_id: str) -> Project | None:
    """Return the project with what a filter needs of it; a page of thirty is not to read its whole row."""
    return Project.objects.only("pk").filter(public_id=UUID(public_id)).first()


@contextmanager
def a_query() -> Iterator[None]:
    """Answer a query that is not understood with the sentence that says what is known."""
    try:
        yield
    except QueryError as error:
        raise Problem(400, "bad_query", str(error)) from None


def asset_query(column: str = "") -> AssetQuery:
    return AssetQuery(_never, f"{ABOUT}{', about the asset' if column else ''}", column=column)


def _never(rows: Rows, _: Any) -> Rows:
    return rows
