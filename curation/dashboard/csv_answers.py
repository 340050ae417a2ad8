"""A CSV as an answer: written while it is sent, never whole in memory."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header


def answer_csv(request: HttpRequest, pieces: Iterator[bytes], *, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        _async_pieces(pieces) if isinstance(request, ASGIRequest) else pieces, content_type="text/csv; charset=utf-8"
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
