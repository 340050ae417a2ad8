"""Sending a stored file as a download, in pieces, whatever its size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

CHUNK = 256 * 1024


def download(
    request: HttpRequest, file: File[bytes], *, name: str, content_type: str, headers: dict[str, str] | None = None
) -> StreamingHttpResponse:
    """Answer with an attachment; under ASGI neither the event loop is held nor the file read as a whole."""
    chunks = _async_chunks(file) if isinstance(request, ASGIRequest) else _chunks(file)
    own = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment",
        "Content-Length": str(file.size),
    }
    return StreamingHttpResponse(chunks, content_type=content_type, headers={**(headers or {}), **own})


def _chunks(file: File[bytes]) -> Iterator[bytes]:
    with file:
        yield from file.chunks(CHUNK)


async def _async_chunks(file: File[bytes]) -> AsyncIterator[bytes]:
    read = sync_to_async(file.read)
    try:
        while piece := await read(CHUNK):
            yield piece
    finally:
        await sync_to_async(file.close)()
