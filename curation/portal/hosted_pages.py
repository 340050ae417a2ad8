"""A page of tasks for people of other platforms: the same screens and services as for our own, without a session."""

from dataclasses import replace
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.authored import told
from crowd.clock import database_now
from crowd.errors import BudgetExceeded, CrowdError, NotYours, NoWork
from crowd.models import Appeal, Assignment, Batch
from crowd.services import handing_in, hosting
from curation.portal.earnings import STANDS
from curation.portal.hosted import GIVE_BACK, nothing_for, said
from curation.portal.media import picture_for
from curation.portal.pages import OVER, body_of, ended, handed_in, payload_of, refuse
from curation.portal.pages import wants_json as sends_json
from curation.portal.shown import ShownPage, shown_page, title_of
from curation.portal.visits import NO_COOKIE, Desk, links_of, wants_json
from curation.portal.words import words
from curation.services import appeals, worker_pages

IS_IN = gettext_noop("This page is in already. There is nothing more to do.")
SKIPPED = gettext_noop("You gave the page back. Nothing is paid for it. Please give it back on {name}, too.")
State = Assignment.State


@require_safe
def page(request: HttpRequest, desk: Desk) -> HttpResponse:
    row = desk.page
    if row.state in {State.SUBMITTED, State.ACCEPTED, State.REJECTED}:
        return redirect(f"{desk.links.page}done/")
    if row.state == State.SKIPPED:
        return said(request, _(SKIPPED).format(name=desk.door.name))
    if row.state != State.ACTIVE or row.lease_until < database_now():
        return said(request, f"{_(OVER)} {_(GIVE_BACK).format(name=desk.door.name)}", status=409)
    return show(request, desk)


def show(request: HttpRequest, desk: Desk, *, problem: str = "", hint: str = "", status: int = 200) -> HttpResponse:
    wanted = request.GET.get("task", "")
    number = int(wanted) if wanted.isdecimal() else None
    shown = shown_page(desk.page, worker_pages.answers_to_show(desk.page), number, desk.links)
    if wants_json(request):
        return JsonResponse(as_json(shown))
    said = words(desk.page.batch.interface)
    context = {**NO_COOKIE, "shown": shown, "worker": desk.worker, "problem": problem or hint, "words": said}
    return render(request, f"worker/{desk.page.batch.interface}.html", context, status=status)


def as_json(shown: ShownPage) -> dict[str, Any]:
    """Return a page for those who read no HTML; nothing in it tells a control task from a real one."""
    batch = shown.page.batch
    return {
        "state": "page",
        "page": shown.page.pk,
        "kind": batch.kind,
        "interface": batch.interface,
        "title": shown.title,
        "instructions": shown.instructions,
        "price_micro": shown.page.price_micro,
        "until": shown.page.lease_until.isoformat(),
        "options": [{"value": option.value, "label": option.label} for option in shown.options],
        "labels": [label.name for label in shown.labels],
        "flags": [{"value": flag["value"], "label": flag.get("label", "")} for flag in shown.flags],
        "media": shown.sends.media,
        "least_pixels": list(shown.sends.least),
        "seconds": list(shown.sends.seconds),
        "multiple": shown.multiple,
        "tasks": [
            {
                "id": task.answer_id,
                "about": task.about,
                "image": task.image,
                "template": task.template,
                "sides": [{"image": side.image, "value": side.value} for side in task.sides],
                "width": task.width,
                "height": task.height,
                "answered": task.answered,
            }
            for task in shown.tasks
        ],
        "answers": shown.links.answers,
        "submit": shown.links.submit,
        "skip": shown.links.skip,
        "uploads": shown.links.uploads,
    }


@require_POST
def answer(request: HttpRequest, desk: Desk, answer_id: int) -> HttpResponse:
    number = desk.page.answers.filter(pk=answer_id).values_list("seq", flat=True).first()
    if number is None:
        raise Http404
    if worker_pages.has_ended(desk.page):
        return ended(request, f"{desk.links.page}done/")
    try:
        hint = worker_pages.save_answer(
            assignment_id=desk.page.pk,
            worker_id=desk.worker.pk,
            answer_id=answer_id,
            payload=payload_of(request, desk.page.batch),
            now=database_now(),
        )
        if worker_pages.is_settled(desk.page):
            worker_pages.hand_in_settled(page=desk.page, worker_id=desk.worker.pk, now=database_now())
            return ended(request, f"{desk.links.page}done/")
    except CrowdError as error:
        return _refuse(request, desk, error)
    if sends_json(request):
        return JsonResponse({"ok": hint.ok, "hint": hint.text})
    if not hint.ok:
        return show(request, desk, hint=hint.text)
    return redirect(f"{desk.links.page}?task={number + 2}")


def _refuse(request: HttpRequest, desk: Desk, error: CrowdError) -> HttpResponse:
    if sends_json(request):
        return refuse(request, error)
    return show(request, desk, problem=str(error), status=422)


@require_POST
def submit(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Hand the page in. After a training or an exam comes what it was needed for."""
    try:
        posted, spent_ms = handed_in(request, desk.page)
        done = worker_pages.hand_in(
            page=desk.page, worker_id=desk.worker.pk, posted=posted, duration_ms=spent_ms, now=database_now()
        )
    except CrowdError as error:
        return _refuse(request, desk, error)
    target = f"{desk.links.page}done/"
    if sends_json(request):
        return JsonResponse({"next": target, "sentence": done.sentence})
    return redirect(target)


@require_safe
def done(request: HttpRequest, desk: Desk) -> HttpResponse:
    if desk.page.state in {State.ACTIVE, State.SKIPPED, State.EXPIRED}:
        return redirect(desk.links.page)
    if desk.page.batch.kind != Batch.Kind.MAIN:
        return _after_step(request, desk)
    if desk.page.state == State.REJECTED:
        return _rejected(request, desk)
    if desk.page.platform_state != State.ACTIVE:
        return said(request, _(IS_IN))
    leaving = desk.door.leaving(desk.page, desk.visit.submit_to)
    if wants_json(request):
        return JsonResponse({"state": "done", "url": leaving.url, "fields": dict(leaving.fields)})
    context = {**NO_COOKIE, "leaving": leaving, "platform": desk.door.name, "price": desk.page.price_micro}
    return render(request, "worker/done.html", context)


def _rejected(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Say why, and lead to an appeal where one is possible; or say how the appeal stands."""
    if appeals.may_be_appealed(page=desk.page, now=database_now()):
        return redirect(f"{desk.links.page}appeal/")
    made = Appeal.objects.filter(assignment=desk.page).first()
    stands = f"{_(STANDS[Appeal.State(made.state)])} {made.reply}" if made else ""
    sentences = [_("This page was not accepted."), told(desk.page.reason), stands.strip()]
    return said(request, " ".join(filter(None, sentences)))


@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, desk: Desk) -> HttpResponse:
    """One appeal, where the platform can take a rejection back."""
    if request.method != "POST":
        if not appeals.may_be_appealed(page=desk.page, now=database_now()):
            return redirect(f"{desk.links.page}done/")
        return _appeal_form(request, desk)
    text = body_of(request).get("text", "") if sends_json(request) else request.POST.get("text", "")
    try:
        appeals.file(page_id=desk.page.pk, worker_id=desk.worker.pk, text=str(text), now=database_now())
    except CrowdError as error:
        return refuse(request, error) if wants_json(request) else _appeal_form(request, desk, error=str(error))
    return said(request, _("Your appeal is in. A person looks at the page again."))


def _appeal_form(request: HttpRequest, desk: Desk, error: str = "") -> HttpResponse:
    title, reason, most = title_of(desk.page.batch), told(desk.page.reason), appeals.MOST_CHARACTERS
    if wants_json(request):
        return JsonResponse({"state": "rejected", "title": title, "reason": reason, "most_characters": most})
    shown = {**NO_COOKIE, "reason": reason, "title": title, "error": error, "given": request.POST, "most": most}
    return render(request, "worker/appeal.html", shown, status=422 if error else 200)


def _after_step(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Lead on from a training to an exam, from there to the paid page, or say why it ends here."""
    try:
        page = hosting.next_page(batch=desk.batch, worker=desk.worker, ext_id=desk.visit.ext_id, now=database_now())
    except hosting.BegunElsewhere as begun:
        return said(request, " ".join([str(begun), _("Go on with it there.")]), status=409)
    except (BudgetExceeded, NoWork, NotYours) as error:
        return nothing_for(request, error, desk.door)
    return redirect(links_of(replace(desk.visit, page_id=page.pk)).page)


@require_POST
def skip(request: HttpRequest, desk: Desk) -> HttpResponse:
    try:
        handing_in.skip_page(assignment_id=desk.page.pk, worker_id=desk.worker.pk, now=database_now())
    except CrowdError as error:
        return _refuse(request, desk, error)
    return said(request, _(SKIPPED).format(name=desk.door.name))


@require_safe
def media(_request: HttpRequest, desk: Desk, answer_id: int, kind: str) -> FileResponse:
    return picture_for(desk.worker, answer_id, kind)
