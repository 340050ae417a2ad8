"""A pool with a vendor that works from files: packages to download, what they cost, tables of results to import."""

from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Batch, Task
from crowd.money import micro, plain
from crowd.services import vendor_exchange, vendor_files
from crowd.services.vendor_files import Columns, Examined
from crowd.vendor_tables import MOST_BYTES, BadTable, Table, text_of
from curation.downloads import answer_file
from curation.engine.flow import wake_take_in
from curation.engine.market import pull_soon
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services import vendor_imports

LEAD = Membership.Role.LEAD
PREVIEW_ROWS, PREVIEW_CHARACTERS, MOST_FAULTS, MOST_WARNINGS = 5, 60, 50, 5
QUESTIONS: Final = {
    "task": "Task or file",
    "worker": "Worker",
    "answer": "Answer",
    "start": "Begun at",
    "end": "Done at",
    "status": "Status",
}
NEEDED: Final = ("task", "worker", "answer")


@require_safe
@login_required
def vendor(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    seat, pool = _own(request, public_id, pool_id)
    return _page(request, seat, pool)


@require_safe
@login_required
def package(request: HttpRequest, public_id: UUID, pool_id: int, name: str) -> HttpResponseBase:
    """Download one package."""
    seat, pool = _own(request, public_id, pool_id)
    batch = _batch_or_404(pool)
    found = next((one for one in vendor_exchange.packages_of(batch) if one.name == name), None)
    if found is None:
        raise Http404
    return answer_file(request, found.key, name=f"{seat.project.slug}-pool-{pool.pk}-package-{found.number}.zip")


@require_POST
@login_required
def cost(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Enter what the vendor charges for the batch."""
    seat, pool = _own(request, public_id, pool_id)
    batch = _batch_or_404(pool)
    try:
        vendor_exchange.enter_cost(batch_id=batch.pk, cost_micro=micro(request.POST.get("cost", "")))
    except (CrowdError, ValueError) as error:
        return _page(request, seat, pool, error=str(error), error_in="cost")
    messages.success(request, "The cost is noted. Results imported from now on share what is left of it.")
    return redirect("vendor", public_id, pool_id)


@require_POST
@login_required
def upload(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Take a table in without looking at more than whether it is one."""
    seat, pool = _own(request, public_id, pool_id)
    batch, file = _batch_or_404(pool), request.FILES.get("table")
    if file is None or not file.name:
        return _page(request, seat, pool, error="Choose the file with the results.", error_in="table")
    if (file.size or 0) > MOST_BYTES:
        sentence = f"{file.name} is larger than the {MOST_BYTES // 1_000_000} MB allowed. Send it in parts."
        return _page(request, seat, pool, error=sentence, error_in="table")
    try:
        token = vendor_exchange.keep_table(batch=batch, data=file.read(), name=file.name)
    except (CrowdError, BadTable) as error:
        return _page(request, seat, pool, error=str(error), error_in="table")
    return redirect("vendor-table", public_id, pool_id, token)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def table(request: HttpRequest, public_id: UUID, pool_id: int, token: str) -> HttpResponse:
    """Say which column is what, try it, and import."""
    seat, pool = _own(request, public_id, pool_id)
    batch = _batch_or_404(pool)
    found = vendor_exchange.kept_table(batch=batch, token=token)
    if found is None:
        raise Http404
    if request.method != "POST":
        columns = vendor_files.columns_for(account=batch.account, interface=batch.interface, table=found)
        return _table_page(request, seat, pool, found, columns)
    columns = Columns(**{part.name: request.POST.get(part.name, "") for part in fields(Columns)})
    try:
        if request.POST.get("do") == "import":
            return _import(request, pool, batch, found, columns)
        tried = vendor_files.examine(batch=batch, table=found, columns=columns, now=database_now())
    except CrowdError as error:
        return _table_page(request, seat, pool, found, columns, error=str(error))
    return _table_page(request, seat, pool, found, columns, tried=tried)


def _import(request: HttpRequest, pool: Pool, batch: Batch, found: Table, columns: Columns) -> HttpResponse:
    done = vendor_imports.bring_in(
        pool=pool, batch=batch, table=found, columns=columns, by=person(request), now=database_now()
    )
    wake_take_in(pool.project_id)
    pull_soon(batch_id=batch.pk)
    messages.success(request, vendor_imports.sentence(done))
    for sentence in list(done.refused)[:MOST_WARNINGS]:
        messages.warning(request, sentence)
    return redirect("vendor", pool.project.public_id, pool.pk)


def _own(request: HttpRequest, public_id: UUID, pool_id: int) -> tuple[Seat, Pool]:
    """Return a pool that is carried out from files, for somebody who leads its project."""
    seat = seat_or_404(request, public_id, LEAD)
    pools = Pool.objects.select_related("account", "project").filter(account__platform=vendor_exchange.PLATFORM)
    pool = pools.filter(project=seat.project, pk=pool_id).first()
    if pool is None:
        raise Http404
    return seat, pool


def _batch(pool: Pool) -> Batch | None:
    return Batch.objects.select_related("account").filter(pool_id=pool.pk).first()


def _batch_or_404(pool: Pool) -> Batch:
    """Return the batch of a pool that was published."""
    batch = _batch(pool)
    if batch is None or not batch.remote_id:
        raise Http404
    return batch


def _page(request: HttpRequest, seat: Seat, pool: Pool, *, error: str = "", error_in: str = "") -> HttpResponse:
    batch = _batch(pool)
    entered = vendor_exchange.entered_cost(batch) if batch else None
    context = {
        "seat": seat,
        "pool": pool,
        "published": bool(batch and batch.remote_id),
        "packages": vendor_exchange.packages_of(batch) if batch else [],
        "to_pack": Task.objects.filter(batch=batch, remote_id="", remote_error="").count() if batch else 0,
        "refused": Task.objects.filter(batch=batch).exclude(remote_error="").count() if batch else 0,
        "cost": request.POST.get("cost") or (plain(entered) if entered is not None else ""),
        "error": error,
        "error_in": error_in,
    }
    return render(request, "curation/vendor/files.html", context, status=400 if error else 200)


def _table_page(
    request: HttpRequest,
    seat: Seat,
    pool: Pool,
    found: Table,
    columns: Columns,
    *,
    tried: Examined | None = None,
    error: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        "seat": seat,
        "pool": pool,
        "columns": found.columns,
        "rows": len(found.rows),
        "preview": [[_short(row.cells.get(name, "")) for name in found.columns] for row in found.rows[:PREVIEW_ROWS]],
        "questions": [(part, words, getattr(columns, part), part in NEEDED) for part, words in QUESTIONS.items()],
        "tried": tried,
        "faults": tried.unmapped[:MOST_FAULTS] if tried else [],
        "more_faults": max(0, len(tried.unmapped) - MOST_FAULTS) if tried else 0,
        "error": error,
    }
    return render(request, "curation/vendor/table.html", context, status=400 if error else 200)


def _short(cell: Any) -> str:
    text = text_of(cell)
    return text if len(text) <= PREVIEW_CHARACTERS else f"{text[:PREVIEW_CHARACTERS]}…"
