"""Icons as the package draws them, each kept as drawn: a page of a hundred rows shows the same few."""

from functools import cache

from django import template
from lucide.templatetags.lucide import lucide

register = template.Library()
register.simple_tag(cache(lucide), name="lucide")
