"""Publishing a version: what must be in order, its package, parts that are locked, and people who were erased."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Worker
from curation.dashboard.dataset_forms import parts_of
from curation.dashboard.dataset_version import version_or_404
from curation.dashboard.forms import typed
from curation.dashboard.proving import proved
from curation.dashboard.worker_list import worker_row
from curation.models import DatasetVersion, Erasure, Export, LockedPart, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import erasing, export_requests, locked_parts, packages

LEAD = Membership.Role.LEAD
UNFINISHED = (Export.State.QUEUED, Export.State.RUNNING)


@require_safe
@login_required
def publication(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return _page(request, seat, version_or_404(seat.project, dataset_id))


@require_POST
@login_required
def pack(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    """Have the publication package packed."""
    seat = seat_or_404(request, public_id, LEAD)
    row = version_or_404(seat.project, dataset_id)
    try:
        export_requests.request_export(
            dataset_id=row.pk, format=packages.FORMAT, by=person(request), now=database_now()
        )
    except CrowdError as error:
        return _page(request, seat, row, str(error))
    messages.success(request, f"The publication package of {row} is on its way.")
    return redirect("dataset-publication", public_id, dataset_id)


@require_POST
@login_required
def lock(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    """Lock a part: earlier steps may not touch its images from now on."""
    seat = seat_or_404(request, public_id, LEAD)
    row = version_or_404(seat.project, dataset_id)
    try:
        part = locked_parts.lock(version=row, split=typed(request, "split", 10), by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, row, str(error))
    messages.success(request, f"{part.split} of {row} is locked.")
    return redirect("dataset-publication", public_id, dataset_id)


@require_POST
@login_required
def unlock(request: HttpRequest, public_id: UUID, dataset_id: UUID, part_id: UUID) -> HttpResponse:
    """Unlock a part, with the reason."""
    seat = seat_or_404(request, public_id, LEAD)
    row = version_or_404(seat.project, dataset_id)
    part = LockedPart.objects.filter(dataset=row, public_id=part_id).select_related("dataset", "project").first()
    if part is None:
        raise Http404
    try:
        locked_parts.unlock(part=part, reason=typed(request, "reason"), by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, row, str(error))
    messages.success(request, f"{part.split} of {row} is unlocked.")
    return redirect("dataset-publication", public_id, dataset_id)


def _page(request: HttpRequest, seat: Seat, row: DatasetVersion, error: str = "") -> HttpResponse:
    held = packages.contents_of(row)
    checks = packages.checks(row, held)
    locks = {one.split: one for one in locked_parts.of(seat.project).filter(dataset=row)}
    exports = list(row.exports.filter(format=packages.FORMAT).order_by("-id"))
    context: dict[str, Any] = {
        "seat": seat,
        "version": row,
        "checks": checks,
        "is_ready": all(one.is_met for one in checks),
        "facts": packages.facts_of(row, held),
        "parts": [(name, counts, locks.get(name)) for name, counts in parts_of(row)],
        "chi_square": _by_class(row),
        "exports": exports,
        "packing": any(one.state in UNFINISHED for one in exports),
        "unfinished": UNFINISHED,
        "erased": row.erased_items.count(),
        "error": error,
    }
    return render(request, "curation/publishing/version.html", context, status=400 if error else 200)


def _by_class(row: DatasetVersion) -> list[tuple[str, list[int], float]]:
    """Return each class with its images in each part, and how far that is from the shares."""
    names = [name for name, _counts in parts_of(row)]
    chi = row.splits.get("chi_square", {})
    classes = row.splits.get("classes", {})
    return [(name, [parts.get(part, 0) for part in names], chi.get(name, 0.0)) for name, parts in classes.items()]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@proved
def erase(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Show what an erasure would touch; with the contributor's name typed again, do it."""
    seat = seat_or_404(request, public_id, LEAD)
    row = worker_row(project=seat.project, worker_id=worker_id)
    if row is None:
        raise Http404
    worker = row.worker
    extent = erasing.extent(seat.project, worker)
    before = Erasure.objects.filter(project=seat.project, pseudonym=worker.short_id)
    error = ""
    if request.method == "POST":
        try:
            _require_name(worker, typed(request, "name", 40))
            done = erasing.erase(
                project=seat.project, worker=worker, note=typed(request, "note"), by=person(request), now=database_now()
            )
        except CrowdError as refusal:
            error = str(refusal)
        else:
            messages.success(request, f"{done.images:,} pictures of {done.pseudonym} are erased.")
            return redirect("worker-erase", public_id, worker_id)
    context = {"seat": seat, "worker": worker, "extent": extent, "before": before.order_by("-id"), "error": error}
    return render(request, "curation/publishing/erase.html", context, status=400 if error else 200)


def _require_name(worker: Worker, name: str) -> None:
    if name != worker.short_id:
        raise CrowdError(f"Type {worker.short_id} to erase this contributor: it cannot be undone.")
