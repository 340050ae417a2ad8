"""What somebody typed, made safe to look up and to store."""

from django.http import HttpRequest


def typed(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return a posted text without NUL (PostgreSQL refuses it) and surrounding blanks, cut to a length."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:most]
