"""How amounts of several currencies look, and the days' bars."""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crowd.money import exact_text, money_text, plain
from curation.dashboard.money_numbers import Day

register = template.Library()
STEP, WIDE, HIGH = 10, 7, 100
FEWEST_DAYS = 14
NOTHING = SafeString('<span class="nothing">–</span>')


@register.filter
def amount(micro: int, currency: str) -> str:
    """Sums have two decimals."""
    return money_text(micro, 2, currency)


@register.filter
def exact(micro: int, currency: str) -> str:
    """Single amounts have as many decimals as they need, at least two."""
    return exact_text(micro, currency)


@register.filter
def change(micro: int, currency: str) -> str | SafeString:
    """Return +$0.03, −$0.03 or a dash for nothing."""
    if not micro:
        return NOTHING
    return f"{'+' if micro > 0 else '−'}{exact_text(abs(micro), currency)}"


@register.filter
def each(micro: int, count: int) -> int | None:
    """Return what one of them costs, or nothing when there is none."""
    return micro // count if count > 0 else None


@register.filter
def plain_amount(micro: int) -> str:
    """Return the amount as a form takes it."""
    return plain(micro)


@register.filter
def add_number(text: str, number: int) -> str:
    """Return “pool:” and 12 as “pool:12”."""
    return f"{text}{number}"


@register.filter
def dearest(days: Sequence[Day]) -> int:
    return max(day.spent_micro for day in days)


@register.simple_tag
def day_bars(days: Sequence[Day], currency: str) -> SafeString:
    """Draw one bar for each day, as high as what was spent; a day on which more came back stays empty.

    The last day stands at the right; few days leave room at the left instead of growing into blocks.
    """
    empty = max(0, FEWEST_DAYS - len(days))
    top = max([day.spent_micro for day in days], default=0) or 1
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                (empty + step) * STEP,
                HIGH - high,
                WIDE,
                high,
                f"{day.day:%-d %b}",
                money_text(day.spent_micro, 2, currency),
            )
            for step, day in enumerate(days)
            for high in [_height(day.spent_micro, top)]
        ),
    )
    wide = (empty + len(days)) * STEP - (STEP - WIDE)
    return format_html(
        '<svg class="day-bars" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        wide,
        HIGH,
        bars,
    )


def _height(micro: int, top: int) -> int:
    return max(1, HIGH * micro // top) if micro > 0 else 0
