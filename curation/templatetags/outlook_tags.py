"""Predictions of time and money as words and small charts."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from crowd.money import money_text, plain
from crowd.quality.wording import whole_percent
from curation.dashboard.outlook_facts import OutlookView, Said, day_words
from curation.seats import Seat
from curation.services.outlook.choices import PEOPLE, PRICE, Choice
from curation.services.overview import PoolRow
from curation.services.overview.words import span_words

register = template.Library()


@register.filter
def day_in(moment: datetime | None, zone: ZoneInfo) -> str:
    return day_words(moment.astimezone(zone)) if moment else "—"


@register.filter
def final_cost(view: OutlookView) -> str:
    """Return '$31.20–34.80', from the middle to the late end; a dash when nobody can say."""
    told = view.told
    if told is None or told.soon_micro is None or told.late_micro is None:
        return "—"
    low, high = (money_text(micro, currency=view.currency) for micro in (told.soon_micro, told.late_micro))
    return low if low == high else f"{low.removesuffix(f' {view.currency}')}–{high.removeprefix('$')}"


@register.filter
def hours_words(hours: float) -> str:
    return " ".join(span_words(hours))


@register.filter
def in_percent(share: float) -> str:
    return whole_percent(share)


@register.simple_tag
def way_to(way: Choice, row: PoolRow, seat: Seat) -> str:
    """Return where a lead does what is offered. A price is filled in and saved by him: nothing is raised by a link."""
    project, pool = seat.project.public_id, row.pool
    if way.kind == PRICE:
        address = reverse("pool", args=[project, pool.pk])
        return f"{address}?{urlencode({'price': plain(way.value)})}#change"
    if way.kind == PEOPLE:
        return reverse("pool-edit", args=[project, pool.pk])
    return reverse("settings-stage", args=[project, pool.stage_id])


@register.simple_tag
def said_bar(one: Said, said: Sequence[Said], ended: datetime | None) -> SafeString:
    """Draw from when to when something was said to be done, with a dot at the middle and a line where it was."""
    moments = [moment for row in said for moment in (row.at, row.late)] + ([ended] if ended else [])
    start, span = min(moments), max(1.0, (max(moments) - min(moments)).total_seconds())
    at, low, middle, high = (
        f"{100 * (moment - start).total_seconds() / span:.2f}%" for moment in (one.at, one.soon, one.middle, one.late)
    )
    truth: str | SafeString = ""
    if ended:
        place = f"{100 * (ended - start).total_seconds() / span:.2f}%"
        truth = format_html('<line class="truth" x1="{0}" x2="{0}" y1="0" y2="20"/>', place)
    return format_html(
        '<svg class="said-bar" aria-hidden="true"><line class="scale" x1="0" x2="100%" y1="10" y2="10"/>{5}'
        '<line class="at" x1="{0}" x2="{0}" y1="5" y2="15"/><line class="range" x1="{1}" x2="{3}" y1="10" y2="10"/>'
        '<circle class="middle" cx="{2}" cy="10" r="{4}"/></svg>',
        at,
        low,
        middle,
        high,
        4,
        truth,
    )
