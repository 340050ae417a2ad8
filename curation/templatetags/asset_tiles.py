"""Tiles of the asset grid, each written by one call: a page has 120 of them."""

import time
from functools import cache
from typing import Any
from uuid import UUID

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from curation.quick_pictures import NOBODY, pass_for
from curation.services.overview.words import reason_words

register = template.Library()

SHORT_LABEL = 8  # letters that fit on any tile beside what stands in its other corner


@register.simple_tag(takes_context=True)
def tile(context: Context, asset: Any, project_id: UUID) -> SafeString:
    """Write an asset as a link with what it shows: class, near-duplicates, why it was dropped, doubtful boxes."""
    label = asset.label_class.name if asset.label_class else ""
    address, thumb = _addresses(project_id)
    own = str(asset.public_id)
    picture = asset.preview_key
    return format_html(
        '<a class="thumb {}{}" href="{}" data-id="{}" data-label="{}"{} aria-label="{}">{}{}{}</a>\n',
        asset.state,
        _looks(asset, label),
        address.replace(str(NOBODY), own),
        own,
        label,
        _boxes(asset),
        _words(asset, label),
        format_html('<img src="{}" alt="" loading="lazy" decoding="async">', _picture(context, asset, thumb))
        if picture
        else "",
        _corner(asset),
        ""
        if asset.doubtful_iou is None
        else format_html('<span class="tag iou">IoU {}</span>', f"{asset.doubtful_iou:.2f}"),
    )


@register.simple_tag(takes_context=True)
def quick_picture(context: Context, asset: Any) -> str:
    """Write the address of an asset's small picture, with a pass for whoever looks at this page."""
    return _picture(context, asset, _addresses(NOBODY)[1])


def _picture(context: Context, asset: Any, thumb: str) -> str:
    session = context["request"].session.session_key or ""
    passed = pass_for(session=session, asset=asset.public_id, key=asset.preview_key, now=time.time())
    return f"{thumb.replace(str(NOBODY), str(asset.public_id))}?{passed}"


@cache
def _addresses(project_id: UUID) -> tuple[str, str]:
    """Return the addresses of an asset and of its picture, with a stand-in for its id."""
    return reverse("asset", args=[project_id, NOBODY]), reverse("media", args=[NOBODY, "thumb"])


def _looks(asset: Any, label: str) -> str:
    long = len(label) > SHORT_LABEL
    looks = {"long": long, "narrow": long and asset.doubtful_iou is not None, "bare": not asset.preview_key}
    return "".join(f" {look}" for look, has in looks.items() if has)


def _boxes(asset: Any) -> SafeString | str:
    if not asset.drawn:
        return ""
    return format_html(' data-boxes="{}" data-size="{} {}"', asset.drawn, asset.width or 4, asset.height or 3)


def _corner(asset: Any) -> SafeString | str:
    if asset.copies:
        return format_html('<span class="tag copies">{}</span>', f"{asset.copies:,}")
    if asset.state == asset.State.DROPPED:
        return format_html('<span class="tag lost">{}</span>', reason_words(asset.reason).capitalize())
    return ""


def _words(asset: Any, label: str) -> str:
    words = [label or "no class", asset.state]
    if asset.reason:
        words.append(reason_words(asset.reason))
    if asset.copies:
        words.append(f"{asset.copies:,} near-duplicate{'' if asset.copies == 1 else 's'}")
    if asset.doubtful_iou is not None:
        words.append(f"lowest IoU {asset.doubtful_iou:.2f}")
    return ", ".join(words)
