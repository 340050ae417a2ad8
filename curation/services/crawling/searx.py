"""A searx or searxng instance asked for pictures through its JSON interface.

https://docs.searxng.org/dev/search_api.html: GET /search?q=…&format=json&categories=images&engines=…&pageno=…
Answers come from a stranger: whatever has not the shape that is read is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from crowd.bulk import UNSTORABLE
from crowd.fetching import FetchError, Limits, fetch_public

LIMITS: Final = Limits(most_bytes=8_000_000, total_seconds=60.0, idle_seconds=30.0, plain_http=True)
LONGEST_URL: Final = 2048
LONGEST_TEXT: Final = 300
MOST_RESULTS: Final = 10**15


class SearchFailed(Exception):
    """The instance gave no answer; the sentence says why. `permanent`: asking again will not help."""

    def __init__(self, sentence: str, *, permanent: bool) -> None:
        super().__init__(sentence)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Hit:
    """One picture: its address, the page it stands on, and how far up the engine showed it (1 = first)."""

    url: str
    page_url: str
    title: str
    rank: int
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`refused`: why the engine itself did not answer, such as too many requests; empty = it did.

    `results`: how many there are, as the engine says; where it says nothing, as many as the page shows.
    """

    hits: tuple[Hit, ...]
    refused: str = ""
    results: int = 0


def ask(base_url: str, text: str, *, engine: str, page: int, allow: frozenset[str], category: str = "images") -> Answer:
    """Ask one engine for one page of pictures, or of another category. Raises SearchFailed."""
    question = {"q": text, "format": "json", "categories": category, "engines": engine, "pageno": page}
    try:
        with fetch_public(f"{base_url.rstrip('/')}/search?{urlencode(question)}", limits=LIMITS, allow=allow) as reply:
            document = json.loads(reply.read())
    except FetchError as error:
        raise SearchFailed(str(error), permanent=error.permanent) from error
    except (ValueError, RecursionError) as error:
        raise SearchFailed(
            "The instance sent no JSON: allow the format json in its settings.", permanent=True
        ) from error
    if not isinstance(document, dict):
        raise SearchFailed("The instance sent JSON that is no search result.", permanent=True)
    return read(document, engine)


def read(document: Mapping[str, Any], engine: str) -> Answer:
    results = document.get("results")
    rows = [row for row in results if isinstance(row, dict)] if isinstance(results, list) else []
    hits = tuple(
        Hit(
            url=url,
            page_url=_text(row, "url", LONGEST_URL),
            title=_text(row, "title", LONGEST_TEXT),
            rank=rank,
            licence=_text(row, "license", LONGEST_TEXT),
        )
        for rank, row in enumerate(rows, start=1)
        if (url := _address(row))
    )
    return Answer(hits, "" if rows else _why_not(document, engine), _results(document) or len(rows))


def _results(document: Mapping[str, Any]) -> int:
    """Return how many results an engine claims; 0 where it says nothing that is a number."""
    said = document.get("number_of_results")
    if not isinstance(said, int | float) or isinstance(said, bool) or not 0 < said < MOST_RESULTS:
        return 0
    return int(said)


def _address(row: Mapping[str, Any]) -> str:
    """Return where the picture is; some engines leave out the scheme."""
    url = row.get("img_src")
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        return ""
    url = f"https:{url}" if url.startswith("//") else url
    return url if url.startswith(("https://", "http://")) and not UNSTORABLE.search(url) else ""


def _text(row: Mapping[str, Any], name: str, longest: int) -> str:
    value = row.get(name)
    return " ".join(value.split())[:longest] if isinstance(value, str) and not UNSTORABLE.search(value) else ""


def _why_not(document: Mapping[str, Any], engine: str) -> str:
    told = document.get("unresponsive_engines")
    for row in told if isinstance(told, list) else []:
        if isinstance(row, list | tuple) and len(row) == 2 and row[0] == engine:
            return " ".join(str(row[1]).split())[:LONGEST_TEXT] or "no answer"
    return ""
