"""A page of tasks: looking at it, answering, handing in, giving it back."""

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import BadAnswer, CrowdError, NotYours, StorageRefused
from crowd.models import Assignment, Batch, Worker
from crowd.services import handing_in
from crowd.services.answers import several
from curation.portal.home import go_on
from curation.portal.links import own_links
from curation.portal.paid_time import time_pay
from curation.portal.people import for_workers
from curation.portal.shown import shown_page
from curation.portal.words import words
from curation.services import worker_pages

OVER = gettext_noop("The time for that page is over; its tasks went to somebody else.")


@require_safe
@for_workers
def page(request: HttpRequest, worker: Worker, page_id: int) -> HttpResponse:
    row = own_page(worker, page_id)
    now = database_now()
    if row.state != Assignment.State.ACTIVE or row.lease_until < now:
        messages.info(request, _(OVER) if row.state in {"active", "expired"} else _("That page is handed in."))
        return redirect("w-home")
    wanted = request.GET.get("task", "")
    number = int(wanted) if wanted.isdecimal() else None
    shown = shown_page(row, worker_pages.answers_to_show(row), number, own_links(row))
    context = {"shown": shown, "worker": worker, "time_pay": time_pay(row, now), "words": words(row.batch.interface)}
    return render(request, f"worker/{row.batch.interface}.html", context)


def own_page(worker: Worker, page_id: int) -> Assignment:
    row = Assignment.objects.filter(pk=page_id, worker=worker).select_related("batch", "account").first()
    if row is None:
        raise Http404
    return row


@require_POST
@for_workers
def answer(request: HttpRequest, worker: Worker, page_id: int, answer_id: int) -> HttpResponse:
    row = own_page(worker, page_id)
    number = row.answers.filter(pk=answer_id).values_list("seq", flat=True).first()
    if number is None:
        raise Http404
    if worker_pages.has_ended(row):  # the reply to the last answer may have been lost on the way
        return ended(request, reverse("w-result", args=[row.pk]))
    try:
        payload = payload_of(request, row.batch)
        hint = worker_pages.save_answer(
            assignment_id=row.pk, worker_id=worker.pk, answer_id=answer_id, payload=payload, now=database_now()
        )
        if worker_pages.is_settled(row):
            worker_pages.hand_in_settled(page=row, worker_id=worker.pk, now=database_now())
            return ended(request, reverse("w-result", args=[row.pk]))
    except CrowdError as error:
        return refuse(request, error, row)
    if wants_json(request):
        return JsonResponse({"ok": hint.ok, "hint": hint.text})
    if not hint.ok:
        messages.warning(request, hint.text)
    return redirect(f"{reverse('w-page', args=[row.pk])}?task={number + 1 + int(hint.ok)}")


def ended(request: HttpRequest, target: str) -> HttpResponse:
    """Lead on from an exam that the last answer has ended."""
    if wants_json(request):
        return JsonResponse({"ok": True, "hint": "", "next": target})
    return redirect(target)


def payload_of(request: HttpRequest, batch: Batch) -> dict[str, Any]:
    if not wants_json(request):
        return _posted(request, batch)
    payload = body_of(request).get("payload")
    if not isinstance(payload, dict):
        raise BadAnswer(_("The answer is missing."))
    return payload


def _posted(request: HttpRequest, batch: Batch) -> dict[str, Any]:
    payload = {name: request.POST[name] for name in ("answer", "link", "text") if name in request.POST}
    if batch.spec.get("multiple"):
        payload["answer"] = several(request.POST.getlist("answer"), batch.spec)
    return payload


@require_POST
@for_workers
def submit(request: HttpRequest, worker: Worker, page_id: int) -> HttpResponse:
    row = own_page(worker, page_id)
    try:
        posted, spent_ms = handed_in(request, row)
        done = worker_pages.hand_in(
            page=row, worker_id=worker.pk, posted=posted, duration_ms=spent_ms, now=database_now()
        )
    except CrowdError as error:
        return refuse(request, error, row)
    if row.batch.kind != Batch.Kind.MAIN:
        target: HttpResponse = redirect("w-result", row.pk)
    else:
        target = go_on(request, worker, row.batch_id, done.sentence)
    if wants_json(request):
        return JsonResponse({"next": target["Location"], "sentence": done.sentence})
    return target


def handed_in(request: HttpRequest, row: Assignment) -> tuple[dict[int, Any], int]:
    """Return the answers that came along and the time spent; a plain form brings neither."""
    if not wants_json(request):
        return {}, int((database_now() - row.issued_at).total_seconds() * 1000)
    body = body_of(request)
    answers = body.get("answers") or {}
    spent = body.get("ms")
    if not isinstance(answers, dict) or not all(str(key).isdecimal() for key in answers):
        raise BadAnswer(_("Answers must be an object: answer id, answer."))
    return {int(key): value for key, value in answers.items()}, spent if isinstance(spent, int) else 0


@require_POST
@for_workers
def skip(request: HttpRequest, worker: Worker, page_id: int) -> HttpResponse:
    row = own_page(worker, page_id)
    try:
        handing_in.skip_page(assignment_id=row.pk, worker_id=worker.pk, now=database_now())
    except CrowdError as error:
        return refuse(request, error, row)
    messages.info(request, _("You gave the page back. Nothing is paid for it."))
    return redirect("w-home")


def wants_json(request: HttpRequest) -> bool:
    return request.content_type == "application/json"


def body_of(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadAnswer(_("The request is not JSON.")) from None
    if not isinstance(body, dict):
        raise BadAnswer(_("The request must be a JSON object."))
    return body


def refuse(request: HttpRequest, error: CrowdError, row: Assignment | None = None) -> HttpResponse:
    """Answer with the error's sentence: as a problem document, or on the page it concerns."""
    status = 503 if isinstance(error, StorageRefused) else 409 if isinstance(error, NotYours) else 422
    if wants_json(request) or row is None:
        problem = {"title": str(error), "status": status, "code": type(error).__name__}
        return JsonResponse(problem, status=status, content_type="application/problem+json")
    messages.error(request, str(error))
    return redirect("w-page", row.pk)
