"""Small look-ups of the balance page."""

from collections.abc import Mapping, Sequence

from django import template

from curation.services.coverage import Factor

register = template.Library()


@register.filter
def at(found: Mapping[int, int], key: int) -> int | None:
    return found.get(key)


@register.filter
def has_factor(plan: Sequence[Factor], name: str) -> bool:
    return any(one.name == name for one in plan)
