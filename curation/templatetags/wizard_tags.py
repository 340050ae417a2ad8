"""What the pages of the pool wizard need besides."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at_key(found: Mapping[str, Any] | str, key: str) -> Any:
    """Return what a mapping holds for a key; a missing mapping arrives here as an empty text."""
    return found.get(key, "") if isinstance(found, Mapping) else ""
