"""Frozen versions and their exports."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.access import Seat, person, seat_or_404
from curation.dashboard.forms import typed
from curation.datasets.formats.registry import WRITERS
from curation.downloads import answer_file
from curation.models import DatasetVersion, Export, Membership
from curation.services import datasets as service

LEAD = Membership.Role.LEAD
UNFINISHED = (Export.State.QUEUED, Export.State.RUNNING)


@require_safe
@login_required
def datasets(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def freeze(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    note = typed(request, "note")
    try:
        version = service.freeze_version(project_id=seat.project.pk, by=person(request), note=note, now=database_now())
    except CrowdError as error:
        return _page(request, seat, str(error))
    messages.success(request, f"{version} is frozen.")
    return redirect("datasets", public_id)


@require_POST
@login_required
def export(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    """Ask for an export of a version."""
    seat = seat_or_404(request, public_id, LEAD)
    version = DatasetVersion.objects.filter(project=seat.project, public_id=dataset_id).first()
    if version is None:
        raise Http404
    format_name = request.POST.get("format", "")
    if format_name not in WRITERS:
        sentence = f"{format_name!r} is not a format we write; there are {', '.join(sorted(WRITERS))}."
        return _page(request, seat, sentence)
    try:
        service.request_export(dataset_id=version.pk, format=format_name, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, str(error))
    messages.success(request, f"The export of {version} as {format_name} is on its way.")
    return redirect("datasets", public_id)


@require_safe
@login_required
def download(request: HttpRequest, public_id: UUID, export_id: UUID) -> HttpResponseBase:
    seat = seat_or_404(request, public_id, LEAD)
    row = Export.objects.filter(dataset__project=seat.project, public_id=export_id, state=Export.State.DONE).first()
    if row is None:
        raise Http404
    name = f"{seat.project.slug}-v{row.dataset.number}-{row.format}.zip"
    return answer_file(request, row.storage_key, name=name, digest=row.receipt["zip_sha256"])


def _page(request: HttpRequest, seat: Seat, error: str = "") -> HttpResponse:
    versions = DatasetVersion.objects.filter(project=seat.project).select_related("created_by")
    exports = list(Export.objects.filter(dataset__project=seat.project).select_related("dataset").order_by("-id")[:50])
    context: dict[str, Any] = {
        "seat": seat,
        "versions": [(version, _counts(version.counts)) for version in versions],
        "exports": exports,
        "exporting": any(export.state in UNFINISHED for export in exports),
        "formats": sorted(WRITERS),
        "error": error,
    }
    return render(request, "curation/datasets.html", context, status=400 if error else 200)


def _counts(counts: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the plain numbers of a version; nested ones belong to its card."""
    return [(name.replace("_", " "), number) for name, number in counts.items() if isinstance(number, int)]
