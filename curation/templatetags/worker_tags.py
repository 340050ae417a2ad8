"""What the pages of workers need: amounts and days in their language, and the switch between languages."""

from datetime import date, datetime
from typing import Any

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.template import Context
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString

from crowd.authored import told
from curation.portal import amounts
from curation.portal.languages import current

register = template.Library()


register.filter("told", told)


@register.filter
def price(amount_micro: int, currency: str = "USD") -> str:
    return amounts.price(amount_micro, currency)


@register.filter
def number(value: int) -> str:
    return amounts.number(value)


@register.filter
def day(value: date) -> str:
    return amounts.day(value)


@register.filter
def moment(value: datetime) -> SafeString:
    """Return a time element; a module puts the worker's own time in its place."""
    return format_html('<time datetime="{}" data-moment>{}</time>', value.isoformat(), amounts.moment(value))


class Unescaped(DjangoJSONEncoder):
    """Letters of other alphabets as they are: six times fewer bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


@register.simple_tag
def words_script(words: dict[str, str]) -> SafeString:
    """Hand the page's modules their sentences."""
    return json_script(words, "words", encoder=Unescaped)


@register.inclusion_tag("worker/_languages.html", takes_context=True)
def languages(context: Context) -> dict[str, Any]:
    """Let the reader choose another language: a worker for good, anybody else for this address."""
    request, here = context["request"], current()
    query = request.GET.copy()
    choices = []
    for code, name in settings.LANGUAGES:
        query["lang"] = code
        choices.append({"code": code, "name": name, "is_current": code == here, "href": f"?{query.urlencode()}"})
    worker = context.get("worker")
    return {
        "choices": choices,
        "keeps": worker is not None and bool(context.get("csrf_token")),
        "csrf_token": context.get("csrf_token", ""),
        "back": request.get_full_path(),
    }
