"""Photos and videos in pieces: the phone asks what has arrived and goes on. Who the worker is, `urls.py` says."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crowd.errors import BadAnswer, CrowdError
from crowd.models import Answer, Upload, Worker
from curation.portal.pages import body_of, refuse
from curation.services import uploads
from curation.services.pieces import WrongOffset

PIECE, LARGE_PIECE = 256 * 1024, 1024 * 1024
LARGE = 20 * LARGE_PIECE


@require_POST
def start(request: HttpRequest, worker: Worker) -> HttpResponse:
    try:
        body = body_of(request)
        answer_id, size = body.get("answer"), body.get("size")
        if not isinstance(answer_id, int) or not isinstance(size, int):
            raise BadAnswer(_("An upload needs the numbers “answer” and “size”."))
        _own_task(worker, answer_id)
        upload = uploads.start(
            worker_id=worker.pk,
            answer_id=answer_id,
            name=str(body.get("name", "")),
            size=size,
            sha256=str(body.get("sha256", "")).lower(),
        )
    except CrowdError as error:
        return refuse(request, error)
    return JsonResponse({**_state(upload), "piece": LARGE_PIECE if upload.size > LARGE else PIECE}, status=201)


def _own_task(worker: Worker, answer_id: int) -> None:
    if not Answer.objects.filter(pk=answer_id, worker=worker).exists():
        raise Http404


@require_http_methods(["GET", "PUT"])
def upload(request: HttpRequest, worker: Worker, upload_id: UUID) -> HttpResponse:
    """GET tells how much has arrived; PUT ?offset=N adds a piece."""
    row = _own(worker, upload_id)
    if request.method == "GET":
        return JsonResponse(_state(row))
    offset = request.GET.get("offset", "")
    try:
        if not offset.isdecimal():
            raise BadAnswer(_("A piece needs its offset."))
        return JsonResponse(_state(uploads.append(upload=row, offset=int(offset), data=request.body)))
    except WrongOffset:
        return JsonResponse(_state(_own(worker, upload_id)), status=409)
    except CrowdError as error:
        return refuse(request, error)


@require_POST
def finish(request: HttpRequest, worker: Worker, upload_id: UUID) -> HttpResponse:
    row = _own(worker, upload_id)
    try:
        return JsonResponse(_state(uploads.finish(upload=row)))
    except WrongOffset:
        return JsonResponse(_state(row), status=409)
    except CrowdError as error:
        return refuse(request, error)


def _own(worker: Worker, upload_id: UUID) -> Upload:
    row = uploads.find(worker_id=worker.pk, public_id=upload_id)
    if row is None:
        raise Http404
    return row


def _state(row: Upload) -> dict[str, object]:
    return {"id": str(row.public_id), "received": row.received, "size": row.size, "state": row.state}
