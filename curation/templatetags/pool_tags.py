"""What tables and pages of pools show."""

import re

from django import template
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from crowd.money import plain
from curation.seats import Seat
from curation.services.overview import Eta, PoolRow
from curation.services.overview.advice import ACCOUNT, BUDGET, RULES, Advice
from curation.services.overview.pools import RAISE
from curation.services.overview.words import NOBODY_KNOWS, PERCENT, eta_words, range_words

register = template.Library()
BETWEEN_TAGS = re.compile(r">\s*\n\s*<")


@register.filter
def eta(row: PoolRow) -> str:
    """Return the time left of a pool, from its middle to its late end."""
    return eta_words(row)


@register.filter
def span(found: Eta | None) -> str:
    return range_words(found) if found and found.p50 else NOBODY_KNOWS


@register.filter
def whole_percent(share: float | None) -> str:
    return NOBODY_KNOWS if share is None else f"{100 * share:.0f}{PERCENT}"


@register.simple_block_tag
def tight(content: str) -> SafeString:
    """Leave out the line breaks between tags: in a table of a hundred rows they are a tenth of the page."""
    return mark_safe(BETWEEN_TAGS.sub("><", content))  # noqa: S308  rendered and escaped already


@register.simple_tag
def raise_to(row: PoolRow, seat: Seat) -> str:
    """Return the address of a pool's price field with a better price filled in."""
    return _priced(row, seat, row.better_price_micro)


@register.simple_tag
def mends(advice: Advice, row: PoolRow, seat: Seat) -> str:
    """Return the address of what mends a number out of range."""
    project = seat.project.public_id
    if advice.action == RAISE and advice.price_micro is not None:
        return _priced(row, seat, advice.price_micro)
    if advice.action == BUDGET:
        return reverse("money", args=[project])
    if advice.action == ACCOUNT:
        return reverse("platform-account", args=[row.pool.account.slug])
    return reverse("pool-rules" if advice.action == RULES else "pool-edit", args=[project, row.pool.pk])


@register.filter
def beside(advice: list[Advice], about: str) -> list[Advice]:
    """Return the advice that stands beside one number."""
    return [one for one in advice if one.about == about]


@register.simple_tag(takes_context=True)
def assets_where(context: template.Context, **words: str) -> str:
    """Return the address of exactly those assets of the page's project."""
    return f"{reverse('assets', args=[context['seat'].project.public_id])}?{urlencode(words)}"


def _priced(row: PoolRow, seat: Seat, price_micro: int) -> str:
    address = reverse("pool", args=[seat.project.public_id, row.pool.pk])
    return f"{address}?{urlencode({'price': plain(price_micro)})}#change"
