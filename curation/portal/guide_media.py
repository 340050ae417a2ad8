"""Pictures and videos of instructions. Videos come in the pieces that a player asks for: phones play nothing else."""

import re

from django.core.files.storage import default_storage
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from crowd.links import key_of
from curation.portal.media import file_response

FOLDER = "instructions/"
KINDS = {".mp4": "video/mp4", ".webm": "video/webm"}
RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
MOST_PIECE = 4 * 1024 * 1024


@require_safe
@cache_control(public=True, max_age=86_400, immutable=True)
def media(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send a file that belongs to instructions; who has the signed address may see it."""
    try:
        key = key_of(token)
    except BadSignature:
        raise Http404 from None
    if not key.startswith(FOLDER) or not default_storage.exists(key):
        raise Http404
    kind = next((kind for suffix, kind in KINDS.items() if key.endswith(suffix)), "")
    asked = RANGE.fullmatch(request.headers.get("Range", "")) if kind else None
    if asked is not None:
        return _piece(key, kind, int(asked[1]), int(asked[2] or 0))
    response = file_response(key)
    if kind:
        response["Accept-Ranges"] = "bytes"
    return response


def _piece(key: str, kind: str, start: int, end: int) -> HttpResponse:
    size = default_storage.size(key)
    if start >= size:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    last = min(end or size - 1, size - 1, start + MOST_PIECE - 1)
    with default_storage.open(key) as file:
        file.seek(start)
        data = file.read(max(0, last - start + 1))
    headers = {"Content-Range": f"bytes {start}-{last}/{size}", "Accept-Ranges": "bytes"}
    return HttpResponse(data, status=206, content_type=kind, headers=headers)
