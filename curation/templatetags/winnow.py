"""How numbers, money and time look, and the small drawings that need no script."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString, mark_safe

from crowd.money import money_text
from curation.services.overview.words import PERCENT, reason_words

register = template.Library()
NOBODY_KNOWS = "—"
SELECTED = SafeString(" selected")
FEED_LOOKS = {
    "pool.opened": ("play", "acc"),
    "pool.paused": ("pause", "warn"),
    "pool.closed": ("check", "ok"),
    "pool.changed": ("sliders-horizontal", "acc"),
    "pool.rules": ("shield-check", "acc"),
    "stage.paused": ("pause", "warn"),
    "stage.resumed": ("play", "acc"),
    "asset.restored": ("undo-2", "ok"),
    "worker.banned": ("user-x", "bad"),
    "worker.lifted": ("undo-2", "ok"),
    "worker.warned": ("triangle-alert", "warn"),
    "evidence.found": ("copy", "bad"),
    "evidence.overturned": ("undo-2", "ok"),
    "member.added": ("user-plus", "acc"),
    "dataset.frozen": ("package", "acc"),
    "consensus.applying": ("layers", "acc"),
    "consensus.applied": ("layers", "ok"),
    "budget.changed": ("wallet", "acc"),
    "budget.warning": ("triangle-alert", "warn"),
    "money.refund": ("corner-up-left", "ok"),
    "money.correction": ("pencil", "warn"),
}
VERDICT_LOOKS = {
    "entered": ("log-in", ""),
    "passed": ("check", "ok"),
    "dropped": ("x", "bad"),
    "held": ("hand", "warn"),
    "restored": ("undo-2", "acc"),
    "returned": ("corner-up-left", "warn"),
}


@register.filter
def count(value: int | str | None) -> str:
    """Return 8,005; a key that a JSON column lacks arrives here as an empty text."""
    return f"{value:,}" if isinstance(value, int) else NOBODY_KNOWS


@register.filter
def money(value: int | None, currency: str = "USD") -> str:
    """Sums have two decimals."""
    return NOBODY_KNOWS if value is None else money_text(value, 2, currency)


@register.filter
def unit_price(value: int | None, currency: str = "USD") -> str:
    """Unit prices have four decimals."""
    return NOBODY_KNOWS if value is None else money_text(value, 4, currency)


@register.filter
def percent(share: float | None) -> str:
    return NOBODY_KNOWS if share is None else f"{100 * share:.1f}{PERCENT}"


@register.filter
def percent_of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}{PERCENT}" if whole else NOBODY_KNOWS


@register.filter
def duration(hours: float | None) -> str:
    """Return '6 days 3 h', '2 h', '5 min' or a dash when nobody can say."""
    if hours is None or hours > 24 * 365:
        return NOBODY_KNOWS
    minutes = round(hours * 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{round(hours)} h"
    days, rest = divmod(round(hours), 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


@register.filter
def seconds(milliseconds: float | None) -> str:
    return NOBODY_KNOWS if milliseconds is None else f"{milliseconds / 1000:,.1f} s"


@register.filter
def ago(moment: datetime) -> str:
    """Return '12 s', '5 min', '3 h' or the date."""
    age = timezone.now() - moment
    if age < timedelta(minutes=1):
        return f"{max(0, int(age.total_seconds()))} s"
    if age < timedelta(days=1):
        return duration(age.total_seconds() / 3600)
    return f"{moment:%-d %b}"


@register.filter
def when(moment: datetime | None) -> str | SafeString:
    """Return a time element that reads '18 Oct, 09:22', of another year '18 Oct 2027, 09:22'."""
    if moment is None:
        return NOBODY_KNOWS
    local = timezone.localtime(moment)
    year = "" if local.year == timezone.localtime().year else f" {local.year}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), f"{local:%-d %b}{year}, {local:%H:%M}")


@register.filter
def reason(value: str) -> str:
    return reason_words(value)


@register.filter
def initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:2]).upper() or "?"


@register.filter
def sentence(word: str) -> str:
    """Return a code such as send_back as words with a capital."""
    return word.replace("_", " ").capitalize()


@register.filter
def sentence_start(words: str) -> str:
    """Return words with a capital at the front and the rest as it is."""
    return words[:1].upper() + words[1:]


@register.filter
def clock(milliseconds: int | None) -> str:
    """Return 1:05.2 for a place in a video."""
    minutes, rest = divmod((milliseconds or 0) / 1000, 60)
    return f"{int(minutes)}:{rest:04.1f}"


@register.filter
def feed_icon(kind: str) -> str:
    return FEED_LOOKS.get(kind, ("activity", ""))[0]


@register.filter
def feed_tone(kind: str) -> str:
    return FEED_LOOKS.get(kind, ("activity", ""))[1]


@register.filter
def verdict_icon(verdict: str) -> str:
    return VERDICT_LOOKS.get(verdict, ("circle", ""))[0]


@register.filter
def verdict_tone(verdict: str) -> str:
    return VERDICT_LOOKS.get(verdict, ("circle", ""))[1]


@register.filter
def as_percent(fraction: float) -> str:
    """Return a fraction of the image as an SVG length."""
    return f"{100 * fraction:.3f}%"


@register.simple_tag
def corners(points: Sequence[Sequence[float]], width: int | None, height: int | None) -> str:
    """Return the corners of an outline as an SVG polygon of a picture of that size has them."""
    return " ".join(f"{x * (width or 4):.2f},{y * (height or 3):.2f}" for x, y in points)


@register.simple_tag
def options(named: Mapping[Any, str], chosen: Any = None, kind: str = "") -> SafeString:
    """Return an option for each name, the chosen one selected; of a `kind` its value is “pool:12”."""
    values = ((f"{kind}:{key}" if kind else str(key), words) for key, words in named.items())
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, SELECTED if value == str(chosen) else "", words) for value, words in values),
    )


@register.simple_tag
def bar(part: float, whole: float, css: str = "", more: float = 0, live: str = "") -> SafeString:
    """Draw a bar in two tones: `part`, and lighter `more` behind it. `live` names the fields that move it."""
    first, both = _width(part, whole), _width(part + more, whole)
    behind = (
        format_html('<rect class="light" width="{}" height="100%"{}/>', both, _live(live, "both"))
        if more or live
        else ""
    )
    return format_html(
        '<svg class="bar {}" aria-hidden="true">{}<rect width="{}" height="100%"{}/></svg>',
        css,
        behind,
        first,
        _live(live, "share"),
    )


def _live(name: str, part: str) -> str | SafeString:
    return format_html(' data-live-width="{}:{}"', name, part) if name else ""


def _width(part: float, whole: float) -> str:
    return f"{min(100.0, 100 * part / whole):.2f}%" if whole else "0%"


@register.simple_tag
def spark(steps: Sequence[int]) -> str | SafeString:
    """Draw a small line of the last steps."""
    if len(steps) < 2 or not any(steps):
        return ""
    top = max(steps)
    points = " ".join(f"{100 * x / (len(steps) - 1):.1f},{29 - 27 * y / top:.1f}" for x, y in enumerate(steps))
    return format_html(
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon points="0,30 {} 100,30"/><polyline points="{}"/></svg>',
        points,
        points,
    )


@register.simple_tag
def distance_scale(value: float, limit: float, top: float) -> SafeString:
    """Draw where a value lies on a scale with a limit."""
    return format_html(
        '<svg class="scale" aria-hidden="true"><rect class="track" y="3" width="100%" height="6" rx="3"/>'
        '<rect class="limit" y="3" width="{}" height="6" rx="3"/>'
        '<svg x="{}" overflow="visible"><rect class="at" x="-2" width="4" height="12" rx="2"/></svg></svg>',
        _width(limit, top),
        _width(value, top),
    )


@register.simple_tag(takes_context=True)
def import_map(context: Context) -> SafeString:
    """Map the plain address of every module of ours to its hashed one, so that sources import plainly."""
    files: dict[str, str] = getattr(staticfiles_storage, "hashed_files", {})
    base: str = getattr(staticfiles_storage, "base_url", None) or "/static/"
    modules = {f"{base}{name}": f"{base}{hashed}" for name, hashed in files.items() if _is_ours(name)}
    text = json.dumps({"imports": modules}).replace("<", "\\u003c")
    nonce = context.get("csp_nonce", "")
    return format_html('<script type="importmap" nonce="{}">{}</script>', nonce, mark_safe(text))  # noqa: S308


def _is_ours(name: str) -> bool:
    return name.startswith("js/") and name.endswith(".js")


@register.simple_tag
def data_script(value: Any, element_id: str) -> SafeString:
    """Hand data to a module as a JSON block; never code."""
    return json_script(value, element_id)


@register.simple_tag(takes_context=True)
def sort_query(context: Context, column: str) -> str:
    """Return the query string that sorts by a column, the other way round when it is the present one."""
    query = context["request"].GET.copy()
    query["sort"] = f"-{column}" if query.get("sort") == column else column
    query.pop("page", None)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def sort_state(context: Context, column: str) -> str:
    """Return ascending, descending or nothing, for aria-sort."""
    present = context["request"].GET.get("sort", context.get("sort", ""))
    return {column: "ascending", f"-{column}": "descending"}.get(present, "")
