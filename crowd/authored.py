"""Texts that a project's author wrote. Those of our own recipes are in the catalogues; others stay as they are."""

import re
from typing import Any

from django.utils.translation import gettext

PARTS = re.compile(r"(: |\n|(?<=[.!?]) )")


def told(text: Any) -> str:
    """Return a text in the reader's language where we have it, whole or part by part: at colons, full stops, lines."""
    words = str(text or "").strip()
    if not words:
        return ""
    whole = gettext(words)
    if whole != words:
        return whole
    return "".join(gettext(part) if part.strip(": \n") else part for part in PARTS.split(words))
