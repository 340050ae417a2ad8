"""Headers of every answer, pages compressed, and calm answers when the database is away or a bucket refuses."""

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string
from whitenoise.middleware import WhiteNoiseMiddleware

from curation.logs import request_id
from curation.services.patience import took_too_long
from curation.storing.errors import BucketRefused

log = logging.getLogger(__name__)
Answer = Callable[[HttpRequest], HttpResponse]

AWAY = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Winnow is starting</title>"
    "<h1>The database does not answer</h1><p>Nothing is lost. This page works again as soon as it is back; "
    "reload in a few seconds.</p></html>"
)
TOO_SLOW = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>This takes too long</title>"
    "<h1>This takes too long</h1><p>It was stopped, and nothing has changed. Ask for less at once, with a filter.</p>"
    "</html>"
)
REFUSED = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>A file cannot be fetched</title>"
    "<h1>This file cannot be fetched</h1><p>The storage it lies in refuses. Nothing is lost. Tell whoever runs this "
    "server: its page Health and ./winnow doctor say why.</p></html>"
)
NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" role="img">'
    "<title>This picture cannot be fetched: the storage it lies in refuses.</title>"
    '<rect width="320" height="240" fill="#e4e7ec"/>'
    '<g fill="#475467" font-family="sans-serif" font-size="15" text-anchor="middle">'
    '<text x="160" y="114">This picture cannot be fetched:</text>'
    '<text x="160" y="136">the storage it lies in refuses.</text></g></svg>'
)


class StorageRefusedMiddleware:
    """A bucket that refuses a file gives 503: a placeholder that says so to an image, a sentence to a page."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, BucketRefused):
            return None
        log.warning("a bucket refused %s: %s", request.path, error)
        headers = {"Retry-After": "60", "Cache-Control": "no-store"}
        if _is_for_an_image(request):
            return HttpResponse(NO_PICTURE, status=503, content_type="image/svg+xml", headers=headers)
        return HttpResponse(REFUSED, status=503, headers=headers)


def _is_for_an_image(request: HttpRequest) -> bool:
    wanted = request.headers.get("Sec-Fetch-Dest", "")
    return wanted == "image" or (not wanted and request.headers.get("Accept", "").startswith("image/"))


class DatabaseAwayMiddleware:
    """A lost database gives 503 with Retry-After, never a traceback; what took too long is not to be repeated."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        if took_too_long(error):
            return _too_slow(request)
        log.warning("the database did not answer a request: %s", error)
        if request.path.startswith("/api/"):
            told = _problem(
                503, "database_away", "The database does not answer", "Nothing is lost; send it again later."
            )
            told["Retry-After"] = "5"
            return told
        return HttpResponse(AWAY, status=503, headers={"Retry-After": "5"})


def _too_slow(request: HttpRequest) -> HttpResponse:
    log.warning("a statement of %s took too long and was stopped", request.path)
    if not request.path.startswith("/api/"):
        return HttpResponse(TOO_SLOW, status=503)
    stopped = "It was stopped, and nothing has changed; ask for less at once."
    return _problem(400, "too_slow", "This takes too long", stopped)


def _problem(status: int, code: str, title: str, detail: str) -> HttpResponse:
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours, and the name under which it stands in the log; nothing of what failed."""
    name = request_id(request)
    if request.path.startswith("/api/"):
        told = f"The fault is ours. Tell whoever runs this server that it stands in its log under {name}."
        return _problem(500, "fault", "Something went wrong here", told)
    return HttpResponse(render_to_string("500.html", {"request_id": name}), status=500)


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Static files are small and read whole: the asynchronous server would gather a file in pieces first, and warn."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        pieces = WhiteNoiseMiddleware.serve(static_file, request)
        file = pieces.file_to_stream or BytesIO()
        with closing(file):  # closing the answer itself would say that the request has ended
            return HttpResponse(pieces.getvalue(), status=pieces.status_code, headers=pieces.headers)


class CompressedPagesMiddleware(GZipMiddleware):
    """Pages are sent compressed, padded by chance so that their length betrays nothing; all else goes as it is.

    Files keep their length and ranges. The token of forms is masked anew in each page.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response


class SecurityHeadersMiddleware:
    """Content Security Policy with a nonce, the permissions no page needs, and no cookie inside of platforms."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.csp_nonce = secrets.token_urlsafe(16)  # type: ignore[attr-defined]
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = policy(request)
        camera = "camera=(self)" if request.path.startswith("/w/") else "camera=()"
        response.setdefault("Permissions-Policy", f"{camera}, microphone=(), geolocation=()")
        response.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if request.path.startswith("/x/"):  # pages inside platforms know nobody by a cookie, not even their 404
            response.cookies.clear()
        return response


def policy(request: HttpRequest, *, framed_by: Sequence[str] = (), posts_to: Sequence[str] = ()) -> str:
    """Return the policy of a page; only pages for people of other platforms are framed or post elsewhere."""
    nonce = request.csp_nonce  # type: ignore[attr-defined]
    host = request.META.get("HTTP_HOST", "").split(",")[0].strip()
    sockets = f" ws://{host} wss://{host}" if host in _known(request) else ""
    script = f"'self' 'nonce-{nonce}'"
    forms, frames = " ".join(["'self'", *posts_to]), " ".join(framed_by) or "'none'"
    media = " ".join(["'self'", "blob:", *settings.MEDIA_HOSTS])  # a clip is answered with the storage's own address
    style = "'self'"
    if request.path.startswith("/api/docs"):  # Swagger UI writes inline styles
        style = "'self' 'unsafe-inline'"
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data: blob:; "
        f"media-src {media}; connect-src 'self'{sockets}; font-src 'self'; manifest-src 'self'; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors {frames}"
    )


def _known(request: HttpRequest) -> set[str]:
    """The host as the browser wrote it, only if it is one of ours (it lands in a header)."""
    host = request.META.get("HTTP_HOST", "")
    name = host.rsplit(":", 1)[0] if host.rsplit(":", 1)[-1].isdigit() else host
    allowed = {*settings.ALLOWED_HOSTS, *(["testserver"] if settings.DEBUG else [])}
    return {host} if name in allowed else set()
