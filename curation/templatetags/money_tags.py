"""How amounts of several currencies look, and the days' bars."""

from collections.abc import Sequence
from fractions import Fraction

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crowd.money import exact_text, money_text, plain
from curation.dashboard.money_costs import Price
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
def amount_or_dash(micro: int | str | None, currency: str) -> str | SafeString:
    """Return the amount, a dash for nothing; what a row lacks arrives here as nothing or an empty text."""
    return money_text(micro, 2, currency) if isinstance(micro, int) and micro else NOTHING


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


@register.filter
def whole(micro: Fraction | float | None) -> int | None:
    """Return a price as the nearest micro-unit."""
    return None if micro is None else round(micro)


@register.simple_tag
def price_bar(price: Price, top: float) -> SafeString:
    """Draw a price as a bar, with a whisker from the low to the high end of its interval."""
    whisker: str | SafeString = ""
    if price.interval:
        low, high = (_share(one, top) for one in (price.interval.low, price.interval.high))
        whisker = format_html(
            '<g class="whisker"><line x1="{0}" x2="{1}" y1="9" y2="9"/><line x1="{0}" x2="{0}" y1="4" y2="14"/>'
            '<line x1="{1}" x2="{1}" y1="4" y2="14"/></g>',
            low,
            high,
        )
    return format_html(
        '<svg class="price-bar" aria-hidden="true"><rect class="track" width="100%" height="18" rx="4"/>'
        '<rect class="{}" width="{}" height="18" rx="4"/>{}</svg>',
        price.css,
        _share(float(price.micro), top),
        whisker,
    )


def _share(part: float, top: float) -> str:
    return f"{min(100.0, 100 * part / top):.2f}%" if top else "0%"


def _height(micro: int, top: int) -> int:
    return max(1, HIGH * micro // top) if micro > 0 else 0
