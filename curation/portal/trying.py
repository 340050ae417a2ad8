"""A task page to try on a phone, before anybody is paid for it: nothing that is answered here is stored."""

from functools import lru_cache
from typing import Any

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Batch
from crowd.rehearsal.pictures import scene
from crowd.rehearsal.pictures.jpeg import encode
from crowd.rehearsal.pictures.tricks import template_file
from crowd.services.claims import PageTask
from curation.portal.links import Links
from curation.portal.media import OF_TASK, file_response, of_work
from curation.portal.pages import payload_of, refuse, wants_json
from curation.portal.shown import shown_page
from curation.portal.words import words
from curation.services import trials, worker_pages
from curation.services.trials import Trial

OVER = gettext_noop("This is only a look: nothing is sent, stored or paid.")
WIDE, HIGH = 1280, 720


def _trial(token: str) -> Trial:
    """After an hour there is nothing at this address."""
    trial = trials.find(token)
    if trial is None:
        raise Http404
    return trial


@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page as a worker gets it."""
    trial = _trial(token)
    batch = _batch(trial)
    row = Assignment(pk=0, worker_id=0, batch=batch, account=batch.account, price_micro=trial.price_micro)
    tasks = [PageTask(number, number, payload) for number, payload in enumerate(trial.tasks)]
    wanted = request.GET.get("task", "")
    shown = shown_page(row, {}, int(wanted) if wanted.isdecimal() else None, _links(token), tasks=tasks)
    context = {"shown": shown, "worker": None, "time_pay": None, "words": words(trial.interface)}
    return render(request, f"worker/{trial.interface}.html", context)


def _batch(trial: Trial) -> Batch:
    account = Account(platform="inhouse", currency=trial.currency)
    return Batch(
        interface=trial.interface,
        kind=trial.kind,
        spec=trial.spec,
        page_size=len(trial.tasks),
        account=account,
        stage_id=trial.stage_id,
        pool_id=trial.pool_id,
    )


def _links(token: str) -> Links:
    here = reverse("w-try", args=[token])
    return Links(
        page=here,
        answers=f"{here}answers/",
        submit=f"{here}submit/",
        skip=f"{here}skip/",
        uploads=f"{here}uploads/",
        pictures=f"{here}media/",
    )


@require_POST
def answer(request: HttpRequest, token: str, answer_id: int) -> HttpResponse:
    """Check an answer as a real one is checked, and forget it."""
    trial = _trial(token)
    if answer_id >= len(trial.tasks):
        raise Http404
    try:
        batch = _batch(trial)
        worker_pages.check_draft(batch, payload_of(request, batch))
    except CrowdError as error:
        return refuse(request, error)
    if wants_json(request):
        return JsonResponse({"ok": True, "hint": ""})
    return redirect(f"{reverse('w-try', args=[token])}?task={answer_id + 2}")


@require_POST
def submit(request: HttpRequest, token: str) -> HttpResponse:
    _trial(token)
    target = f"{reverse('w-try', args=[token])}done/"
    if wants_json(request):
        return JsonResponse({"next": target, "sentence": _(OVER)})
    return redirect(target)


@never_cache
@require_safe
def done(request: HttpRequest, token: str) -> HttpResponse:
    _trial(token)
    return render(request, "worker/tried.html", {"again": reverse("w-try", args=[token])})


@require_POST
def uploads(_request: HttpRequest, token: str) -> HttpResponse:
    _trial(token)
    problem = {"title": _(OVER), "status": 409, "code": "OnlyALook"}
    return JsonResponse(problem, status=409, content_type="application/problem+json")


@require_safe
def media(_request: HttpRequest, token: str, answer_id: str, kind: str) -> HttpResponseBase:
    """Send a task's picture, or a drawn one of its class where it has none yet."""
    trial = _trial(token)
    number = int(answer_id)
    if number >= len(trial.tasks):
        raise Http404
    payload: dict[str, Any] = trial.tasks[number]
    key = str(payload.get(OF_TASK[kind], "")) if kind in OF_TASK else of_work(trial.spec, kind)
    if key and default_storage.exists(key):
        return file_response(key)
    data = _drawn(str(payload.get("class", "")), kind)
    return HttpResponse(data, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@lru_cache(maxsize=64)  # names are anybody's own
def _drawn(sign: str, kind: str) -> bytes:
    if kind == "template":
        return template_file(sign)[0]
    return encode(scene(f"try-{sign}", sign, width=WIDE, height=HIGH).image)
