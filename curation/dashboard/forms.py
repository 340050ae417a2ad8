"""What somebody typed, made safe to look up and to store."""

import secrets
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

KEPT_SECONDS: Final = 24 * 3600


def typed(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return a posted text without NUL (PostgreSQL refuses it) and surrounding blanks, cut to a length."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:most]


def once() -> str:
    """Return what a form carries whose answer is a page: reloading that page sends the form again."""
    return secrets.token_hex(8)


def is_repeated(request: HttpRequest) -> bool:
    """Say whether this form was sent before."""
    token = typed(request, "once", 40)
    return bool(token) and not cache.add(f"form:{request.user.pk}:{token}", "sent", KEPT_SECONDS)
