"""Rows as an answer, CSV or JSON lines: written while they are sent, never whole in memory."""

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

LINES_A_PIECE: Final = 500


def answer_csv(request: HttpRequest, pieces: Iterator[bytes], *, name: str) -> StreamingHttpResponse:
    return answer_rows(request, pieces, name=name, content_type="text/csv; charset=utf-8")


def answer_lines(request: HttpRequest, lines: Iterable[str], *, name: str, content_type: str) -> StreamingHttpResponse:
    """Send lines, many of them at a time."""
    some = iter(lines)
    pieces = iter(lambda: "".join(islice(some, LINES_A_PIECE)).encode(), b"")
    return answer_rows(request, pieces, name=name, content_type=content_type)


def answer_rows(
    request: HttpRequest, pieces: Iterator[bytes], *, name: str, content_type: str
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        _async_pieces(pieces) if isinstance(request, ASGIRequest) else pieces, content_type=content_type
    )
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


async def _async_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same for the asynchronous server. The database connection belongs to the request's one thread."""
    following = sync_to_async(lambda: next(pieces, b""), thread_sensitive=True)
    while piece := await following():
        yield piece
