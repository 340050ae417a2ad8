"""A stored file as an answer: in pieces, from where a broken download stopped, never whole in memory."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header

PIECE = 1 << 20
SENT = (200, 206, 302)
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def answer_file(
    request: HttpRequest, key: str, *, name: str, content_type: str = "application/zip", digest: str = ""
) -> HttpResponseBase:
    """Stream a stored file; a remote storage is answered with its own short-lived address, which knows ranges too.

    With its `digest` whoever goes on with a broken download learns whether the file is still the same.
    """
    etag = f'"{digest}"'
    if digest and etag in {one.strip() for one in request.headers.get("If-None-Match", "").split(",")}:
        return HttpResponse(status=304, headers={"ETag": etag})
    if not _is_local(key):
        return HttpResponseRedirect(default_storage.url(key))
    size = default_storage.size(key)
    wanted = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    span = _span(wanted, size)
    if span is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = span
    file = default_storage.open(key, "rb")
    response = StreamingHttpResponse(
        _async_pieces(file, first, last) if isinstance(request, ASGIRequest) else _pieces(file, first, last),
        status=206 if span != (0, size - 1) or _asked(wanted) else 200,
        content_type=content_type,
    )
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if digest:
        response["ETag"] = etag
    if response.status_code == 206:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def is_handed_over(request: HttpRequest, answer: HttpResponseBase) -> bool:
    """Say whether somebody gets a file by this answer, from its beginning; what goes on with it does not count."""
    begins = request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-")
    return begins and answer.status_code in SENT


def _is_local(key: str) -> bool:
    try:
        default_storage.path(key)
    except NotImplementedError:
        return False
    return True


def _asked(header: str) -> re.Match[str] | None:
    asked = RANGE.fullmatch(header.strip())
    return asked if asked and (asked[1] or asked[2]) else None


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte; all of them without a header we understand; None when it asks beyond the end."""
    asked = _asked(header)
    if asked is None:
        return 0, size - 1
    if not asked[1]:  # so many bytes from the end
        return (max(0, size - int(asked[2])), size - 1) if int(asked[2]) and size else None
    first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
    return (first, last) if first <= last else None


def _pieces(file: IO[Any], first: int, last: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = last - first + 1
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


async def _async_pieces(file: IO[Any], first: int, last: int) -> AsyncIterator[bytes]:
    """The same for the asynchronous server, which would gather a plain iterator in memory first."""
    pieces = _pieces(file, first, last)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
