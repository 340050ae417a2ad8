"""The form of a search: what stands in it, as text, and what it means."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from django.http import HttpRequest

from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.intake.queries import LONGEST
from curation.models import Crawl, Project
from curation.recipes.loading import BadRecipe, load
from curation.recipes.search import Search
from curation.services.crawling.plans import Spec

LONGEST_LISTS: Final = 200_000
FIELDS: Final = ("name", "searx_url", "pattern", "engines", "class_from", "pages", "per_query", "seconds_between")
LIST = re.compile(r"([a-z][a-z0-9_]{0,39}):(.*)")


def proposed(project: Project) -> Search | None:
    """Return the search that the project's recipe proposes."""
    try:
        return load(project.recipe).search
    except BadRecipe:
        return None


def blank(project: Project) -> dict[str, str]:
    """Return the form as it first stands: the recipe's search, and the instance that was asked last."""
    search = proposed(project)
    last = Crawl.objects.filter(project=project).order_by("-pk").first()
    fields = dict.fromkeys((*FIELDS, "lists", "without"), "")
    fields |= {"name": f"round {Crawl.objects.filter(project=project).count() + 1}", "per_query": "100", "pages": "1"}
    fields |= {"seconds_between": "1.7", "searx_url": last.searx_url if last else ""}
    if search is None:
        return fields
    return fields | {
        "pattern": search.pattern,
        "engines": ", ".join(search.engines),
        "class_from": search.class_from,
        "pages": str(search.pages),
        "per_query": str(search.per_query),
        "seconds_between": f"{search.seconds_between:g}",
        "lists": written(search.lists),
    }


def posted(request: HttpRequest) -> dict[str, str]:
    fields = {name: typed(request, name) for name in FIELDS}
    return fields | {name: typed(request, name, LONGEST_LISTS) for name in ("lists", "without")}


def spec_of(fields: Mapping[str, str]) -> Spec:
    """Return what the form asks for. Raises CrowdError with one sentence."""
    if not fields["name"]:
        raise CrowdError("Give the search a name.")
    return Spec(
        name=fields["name"][:120],
        searx_url=fields["searx_url"],
        pattern=fields["pattern"],
        engines=_words(fields["engines"]),
        lists=read_lists(fields["lists"]),
        without=[line.strip()[:LONGEST] for line in fields["without"].splitlines() if line.strip()],
        class_from=fields["class_from"],
        pages=_whole(fields["pages"], "Result pages"),
        per_query=_whole(fields["per_query"], "Pictures of a query"),
        seconds_between=_number(fields["seconds_between"]),
    )


def written(lists: Mapping[str, list[str]]) -> str:
    return "\n".join(f"{name}: {', '.join(values)}" for name, values in lists.items())


def read_lists(text: str) -> dict[str, list[str]]:
    """Read `colour: red, blue`; lines without a name belong to the list above them."""
    lists: dict[str, list[str]] = {}
    for name, rest in _lines(text):
        if not name and not lists:
            raise CrowdError(
                f"“{rest[:40]}” belongs to no list: begin one with its name and a colon, such as “colour:”."
            )
        if name and name in lists:
            raise CrowdError(f"There are two lists “{name}”.")
        lists.setdefault(name or list(lists)[-1], []).extend(_words(rest))
    return lists


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, (line.strip() for line in text.splitlines())):
        found = LIST.fullmatch(line)
        yield (found[1], found[2]) if found else ("", line)


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise CrowdError(f"{what}: a whole number is expected, not {text!r}.")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CrowdError(f"Seconds between two questions: a number is expected, not {text!r}.") from None
