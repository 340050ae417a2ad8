"""What a worker has earned, day by day; and asking for a rejected page to be looked at again."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_safe

from crowd.authored import told
from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Appeal, Assignment, Worker
from crowd.services import earnings
from curation.portal.people import for_workers
from curation.portal.shown import title_of
from curation.services import appeals, pay_sheets
from curation.services.sheets import csv_pieces

STANDS = {
    Appeal.State.OPEN: gettext_noop("Your appeal is being looked at."),
    Appeal.State.UPHELD: gettext_noop("Your appeal was right: the page is paid."),
    Appeal.State.DENIED: gettext_noop("Your appeal was denied."),
}


def rejected_pages(worker: Worker, now: datetime) -> list[dict[str, Any]]:
    """Return what was not accepted with its reason, and how an appeal stands, in the worker's language."""
    found = appeals.refused_pages(worker_id=worker.pk, now=now)
    return [
        {
            "page_id": page.page_id,
            "title": told(page.title) or _("Task"),
            "reason": told(page.reason),
            "judged_at": page.judged_at,
            "may_appeal": page.may_appeal,
            "appeal": page.appeal,
            "stands": _(STANDS[Appeal.State(page.appeal.state)]) if page.appeal else "",
        }
        for page in found
    ]


@require_safe
@for_workers
def statement(request: HttpRequest, worker: Worker) -> HttpResponse:
    found = earnings.statement(worker_ids=[worker.pk])
    context = {
        "worker": worker,
        "statement": found,
        "waiting": [(told(page.title), page.price_micro, page.due) for page in earnings.waiting(worker_id=worker.pk)],
        "rejected": rejected_pages(worker, database_now()),
        "rows": pay_sheets.rows(found),
        "currency": worker.account.currency,
        "now": database_now(),
    }
    return render(request, "worker/earnings.html", context)


@require_safe
@for_workers
def statement_csv(_request: HttpRequest, worker: Worker) -> HttpResponse:
    """The same table for a spreadsheet; a worker's own is small enough to be sent whole."""
    found = earnings.statement(worker_ids=[worker.pk])
    pieces = csv_pieces(pay_sheets.HEADER, pay_sheets.cells(found, currency=worker.account.currency))
    response = HttpResponse(b"".join(pieces), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="earnings.csv"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_workers
def appeal(request: HttpRequest, worker: Worker, page_id: int) -> HttpResponse:
    """One appeal for a rejected page, within seven days."""
    page = Assignment.objects.filter(pk=page_id, worker=worker).select_related("batch", "account", "worker").first()
    if page is None:
        raise Http404
    if request.method != "POST":
        if not appeals.may_be_appealed(page=page, now=database_now()):
            messages.info(request, _("There is nothing to appeal against here any more."))
            return redirect("w-home")
        return _form(request, page)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    try:
        appeals.file(page_id=page.pk, worker_id=worker.pk, text=text, now=database_now())
    except CrowdError as error:
        return _form(request, page, error=str(error))
    messages.success(request, _("Your appeal is in. A person looks at it; the answer appears here."))
    return redirect("w-home")


def _form(request: HttpRequest, page: Assignment, error: str = "") -> HttpResponse:
    context = {
        "worker": page.worker,
        "title": title_of(page.batch),
        "reason": told(page.reason),
        "error": error,
        "given": request.POST,
        "most": appeals.MOST_CHARACTERS,
    }
    return render(request, "worker/appeal.html", context, status=422 if error else 200)
