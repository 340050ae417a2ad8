"""The guides of `docs/` as pages of the product: who has no copy of the source reads the same words."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER: Final = Path(settings.BASE_DIR) / "docs"
FIRST: Final = "user-guide"
PICTURES: Final = "pictures/"
GROUPS: Final = {
    "Campaigns": (FIRST, "forecast", "rehearsal", "in-house", "task-kinds", "quality-rules", "prices", "money"),
    "Pictures": ("query", "checks", "dishonesty", "review", "balance", "sampling", "tags", "crawling"),
    "Data sets": ("data-sets", "formats", "publishing", "models"),
    "Recipes": ("recipes/",),
    "Platforms": ("platforms", "platforms/", "emulators"),
    "Programs": ("api", "client", "webhooks"),
    "Server": ("operator", "sizing", "storage", "threat-model"),
}


@dataclass(frozen=True, slots=True)
class Guide:
    """A page of `docs/` by its path without `.md`."""

    name: str
    title: str
    url: str


@cache
def all_guides() -> dict[str, Guide]:
    paths = sorted(FOLDER.rglob("*.md"))
    return {
        name: _guide(name, path) for path in paths for name in [path.relative_to(FOLDER).with_suffix("").as_posix()]
    }


@cache
def groups() -> list[tuple[str, list[Guide]]]:
    """Return the guides as they are listed: by what one wants to do, and at the end how it is built."""
    found = [(title, [one for name in names for one in _named(name)]) for title, names in GROUPS.items()]
    listed = {one.name for _, guides in found for one in guides}
    return [*found, ("How it is built", [one for one in all_guides().values() if one.name not in listed])]


def _named(name: str) -> list[Guide]:
    if name.endswith("/"):
        return [one for one in all_guides().values() if one.name.startswith(name)]
    return [all_guides()[name]]


def _guide(name: str, path: Path) -> Guide:
    with path.open(encoding="utf-8") as lines:
        title = next(lines).removeprefix("#").strip()
    return Guide(name, title, reverse("help") if name == FIRST else reverse("help-page", args=[name]))


@cache
def html_of(name: str) -> SafeString:
    """Return a guide as HTML: its links lead to the other guides, its headings can be linked to."""
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = reader.parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    for at, token in enumerate(tokens):
        token.attrs.pop("style", None)  # a column's side: the policy allows no style in the text
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[at + 1].content))
        _lead_on(token.children or [], posixpath.dirname(name))
    return mark_safe(_scrolling(reader, tokens))  # noqa: S308  our own words, in which HTML is text


def _scrolling(reader: MarkdownIt, tokens: Sequence[Token]) -> str:
    """Tables and blocks of code wider than the page scroll in themselves, also by keys."""
    drawn: str = reader.renderer.render(tokens, reader.options, {})
    drawn = drawn.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
    return drawn.replace("<pre>", '<pre tabindex="0">')


def _lead_on(words: Sequence[Token], folder: str) -> None:
    """Let pictures and links lead to where they are served; files of the source stay words."""
    is_word = False
    for token in words:
        if token.type == "image":
            picture = _path(folder, str(token.attrs["src"])).removeprefix(PICTURES)
            token.attrs |= {"src": static(f"guide/{picture}"), "loading": "lazy"}
        elif token.type == "link_open":
            address = _address(str(token.attrs["href"]), folder)
            is_word = address is None
            token.attrs = {} if address is None else {"href": address}
        if token.type in {"link_open", "link_close"} and is_word:
            token.tag = "span"


def _address(link: str, folder: str) -> str | None:
    page, _, part = link.partition("#")
    if not page or "://" in page:
        return link
    known = all_guides().get(_path(folder, page).removesuffix(".md"))
    if known is None:
        return None
    return f"{known.url}#{part}" if part else known.url


def _path(folder: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(folder, link))


def _anchor(heading: str) -> str:
    """Return the name that a heading has on code hosts too: lower case, words joined by hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
