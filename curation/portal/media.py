"""Pictures of a page, only for the worker who holds it. Storage keys never leave the house."""

from collections.abc import Mapping
from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from crowd.models import Answer, Assignment, Worker
from curation.portal.people import current_worker

KIND = r"image|template|other|option-\d{1,3}"
OF_TASK = {"image": "image_key", "template": "template_key", "other": "other_key"}
SIGNATURES = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG", "image/png"),
    (0, b"RIFF", "image/webp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)


@require_safe
@cache_control(private=True, max_age=1800, immutable=True)
def media(request: HttpRequest, answer_id: int, kind: str) -> FileResponse:
    worker = current_worker(request)
    if worker is None:
        raise Http404
    return picture_for(worker, answer_id, kind)


def picture_for(worker: Worker, answer_id: int, kind: str) -> FileResponse:
    """Send a picture of a page that this worker has in hand; else there is none."""
    key = _key(worker, answer_id, kind)
    if not key or not default_storage.exists(key):
        raise Http404
    return file_response(key)


def _key(worker: Worker, answer_id: int, kind: str) -> str:
    rows = Answer.objects.filter(pk=answer_id, worker=worker, assignment__state=Assignment.State.ACTIVE)
    found = rows.select_related("task", "assignment__batch").first()
    if found is None:
        return ""
    if kind in OF_TASK:
        return str(found.task.payload.get(OF_TASK[kind], ""))
    return of_work(found.assignment.batch.spec, kind)


def of_work(spec: Mapping[str, Any], kind: str) -> str:
    """Return the key of a picture that goes with the work as a whole: that of an option."""
    number, options = int(kind.removeprefix("option-")), spec.get("options", [])
    return str(options[number - 1].get("picture", "")) if 0 < number <= len(options) else ""


def file_response(key: str) -> FileResponse:
    """Send a picture by what its bytes are; neither its name nor its age says where it comes from."""
    file = default_storage.open(key)
    head = file.read(12)
    file.seek(0)
    known = (kind for at, signature, kind in SIGNATURES if head[at:].startswith(signature))
    kind = next(known, "application/octet-stream")
    response = FileResponse(file, content_type=kind)
    del response["Content-Disposition"]
    response["Content-Security-Policy"] = "sandbox"
    return response
