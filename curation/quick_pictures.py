"""Small pictures of lists, answered before Django is asked: a grid wants hundreds of them while it scrolls.

A page gives its reader a pass for each of its pictures. Whoever comes with the pass and with the cookie of the same
session gets the file, without a look at the session, the membership and the asset. A pass ends after minutes; then, and
without one, the ordinary view decides.
"""

import re
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import parse_cookie
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from curation import request_counts

SALT: Final = "winnow.picture-pass"
WINDOW_SECONDS: Final = 300
"""Passes of a window are alike, so that a page seen again finds its pictures in the browser; they end one later."""
NOBODY: Final = UUID(int=0)
TYPES: Final[dict[str, str]] = {".webp": "image/webp", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
SAFE_HEADERS: Final[dict[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}
OF_EVERY_ANSWER: Final[dict[str, str]] = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def pass_for(*, session: str, asset: UUID, key: str, now: float) -> str:
    """Return the query string with which this session sees this stored picture of an asset for some minutes."""
    until = (int(now) // WINDOW_SECONDS + 2) * WINDOW_SECONDS
    return urlencode({"key": key, "until": until, "pass": _mark(session, str(asset), key, str(until))}, safe="/")


def key_of(*, query: str, session: str, asset: str, now: float) -> str:
    """Return the key of the picture that a pass is for; nothing when it has ended or is not this session's."""
    given = {name: values[0] for name, values in parse_qs(query).items()}
    key, until, mark = given.get("key", ""), given.get("until", ""), given.get("pass", "")
    is_ours = bool(session and mark) and constant_time_compare(mark, _mark(session, asset, key, until))
    return key if is_ours and int(until) > now else ""


def _mark(session: str, asset: str, key: str, until: str) -> str:
    return salted_hmac(SALT, f"{session} {asset} {until} {key}", algorithm="sha256").hexdigest()[:32]


class QuickPictures:
    """The application before the one behind it: answers what has a pass and lies in a folder, hands on all else."""

    def __init__(self, behind: App) -> None:
        self.behind = behind

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        began = time.monotonic()
        key = _asked(scope)
        data = _read(key) if key else None
        if data is None:
            await self.behind(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": _headers(key, len(data))})
        await send({"type": "http.response.body", "body": data})
        request_counts.note("media", "GET", 200, time.monotonic() - began)


def _asked(scope: Scope) -> str:
    """Return the key of the picture that is asked for with a pass; nothing for any other request."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["query_string"]:
        return ""
    asked = _address().fullmatch(scope["path"])
    if asked is None:
        return ""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    session = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    query = scope["query_string"].decode("latin-1")
    return key_of(query=query, session=session, asset=asked[1], now=time.time())


@cache
def _address() -> re.Pattern[str]:
    before, after = reverse("media", args=[NOBODY, "thumb"]).split(str(NOBODY))
    return re.compile(f"{re.escape(before)}([0-9a-f-]{{36}}){re.escape(after)}")


def _read(key: str) -> bytes | None:
    """Read a small file at once: handing it to a thread costs more. What lies in a bucket is not for here."""
    try:
        return Path(default_storage.path(key)).read_bytes()
    except (NotImplementedError, OSError):
        return None


def _headers(key: str, length: int) -> list[tuple[bytes, bytes]]:
    kind = TYPES.get(PurePosixPath(key).suffix.lower(), "application/octet-stream")
    named = {"Content-Type": kind, "Content-Length": str(length), **SAFE_HEADERS, **OF_EVERY_ANSWER}
    return [(name.lower().encode(), value.encode()) for name, value in named.items()]
