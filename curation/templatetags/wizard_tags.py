"""What the pages of the pool wizard need besides."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from curation.engine.planning import Span

register = template.Library()
WIDE, HIGH, MIDDLE = 300, 18, 9


@register.filter
def at_key(found: Mapping[str, Any] | str, key: str) -> Any:
    """Return what a mapping holds for a key; a missing mapping arrives here as an empty text."""
    return found.get(key, "") if isinstance(found, Mapping) else ""


@register.simple_tag
def span_bar(span: Span, total: int, left: int) -> SafeString:
    """Draw what a plan may come to as a whisker with a dot, on a scale that ends at the budget or behind it."""
    budget = total + left
    end = max(budget, span.high_micro, total, 1) * 1.05
    low, at, high, limit = (round(WIDE * value / end, 1) for value in (span.low_micro, total, span.high_micro, budget))
    return format_html(
        '<svg class="span-bar" viewBox="0 0 {0} {1}" aria-hidden="true">'
        '<line class="scale" x1="0" x2="{0}" y1="{2}" y2="{2}"/><line class="limit" x1="{6}" x2="{6}" y1="1" y2="17"/>'
        '<line class="range" x1="{3}" x2="{5}" y1="{2}" y2="{2}"/><circle cx="{4}" cy="{2}" r="4.5"/></svg>',
        WIDE,
        HIGH,
        MIDDLE,
        low,
        at,
        high,
        limit,
    )
