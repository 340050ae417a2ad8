"""Pictures of a page, only for the worker who holds it. Storage keys never leave the house."""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from crowd.models import Answer, Assignment, Worker
from curation.portal.people import current_worker

KINDS = {"image": "image_key", "template": "template_key"}
SIGNATURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp"))


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
    row = Answer.objects.filter(pk=answer_id, worker=worker, assignment__state=Assignment.State.ACTIVE).select_related(
        "task"
    )
    found = row.first()
    return str(found.task.payload.get(KINDS[kind], "")) if found and kind in KINDS else ""


def file_response(key: str) -> FileResponse:
    """Send a picture by what its bytes are; neither its name nor its age says where it comes from."""
    file = default_storage.open(key)
    head = file.read(4)
    file.seek(0)
    kind = next((kind for signature, kind in SIGNATURES if head.startswith(signature)), "application/octet-stream")
    response = FileResponse(file, content_type=kind)
    del response["Content-Disposition"]
    response["Content-Security-Policy"] = "sandbox"
    return response
