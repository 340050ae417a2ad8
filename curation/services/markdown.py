"""Markdown that leads write, as HTML that is safe on a worker's page."""

from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

WORDS = {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a", "ul", "ol", "li"}
TAGS = {*WORDS, "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
SCHEMES = {"http", "https", "mailto"}


@cache
def _reader() -> MarkdownIt:
    """Pictures stand beside the text, with a caption each; HTML is text like any other."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def to_html(text: str) -> SafeString:
    """Return the text as HTML. Its headings begin one level below that of the page."""
    tokens = _reader().parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    drawn = _reader().renderer.render(tokens, _reader().options, {})
    safe = nh3.clean(drawn, tags=TAGS, attributes={"a": {"href"}}, url_schemes=SCHEMES, link_rel="noopener nofollow")
    return mark_safe(safe)  # noqa: S308  cleaned on the line above
