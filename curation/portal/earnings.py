"""What a worker has earned, day by day; and asking for a rejected page to be looked at again."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Assignment, Worker
from crowd.services import earnings
from curation.portal.people import for_workers
from curation.services import appeals, pay_sheets
from curation.services.sheets import csv_pieces


@require_safe
@for_workers
def statement(request: HttpRequest, worker: Worker) -> HttpResponse:
    found = earnings.statement(worker_ids=[worker.pk])
    context = {
        "worker": worker,
        "statement": found,
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
            messages.info(request, "There is nothing to appeal against here any more.")
            return redirect("w-home")
        return _form(request, page)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    try:
        appeals.file(page_id=page.pk, worker_id=worker.pk, text=text, now=database_now())
    except CrowdError as error:
        return _form(request, page, error=str(error))
    messages.success(request, "Your appeal is in. A person looks at it; the answer appears here.")
    return redirect("w-home")


def _form(request: HttpRequest, page: Assignment, error: str = "") -> HttpResponse:
    context = {
        "page": page,
        "worker": page.worker,
        "title": str(page.batch.spec.get("title", "Task")),
        "error": error,
        "given": request.POST,
        "most": appeals.MOST_CHARACTERS,
    }
    return render(request, "worker/appeal.html", context, status=422 if error else 200)
