"""What somebody typed, made safe to look up and to store."""

import secrets

from django.http import HttpRequest

from curation.seats import person
from curation.services import sent_once


def typed(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return a posted text without NUL (PostgreSQL refuses it) and surrounding blanks, cut to a length."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:most]


def once() -> str:
    """Return what a form carries whose answer is a page: reloading that page sends the form again."""
    return secrets.token_hex(8)


def is_repeated(request: HttpRequest) -> bool:
    """Say whether this form was sent before, to whichever web process; without its mark nobody knows."""
    token = typed(request, "once", 40)
    return bool(token) and not sent_once.is_first(user=person(request), key=token)
