"""The project's data set: its versions, its card, and every export there was."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.dataset_forms import FILES, card_fields, parts_of, split_plan, split_shown
from curation.dashboard.forms import typed
from curation.datasets.formats.registry import WRITERS
from curation.downloads import answer_file, is_handed_over
from curation.models import DatasetCard, DatasetVersion, Export, HeldOutSet, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import cards, data_set_readers, export_requests, freezing, freezing_again
from curation.services import datasets as service
from curation.services.asset_query import QueryError

LEAD = Membership.Role.LEAD
PLACES_OF_EXPORTS = ("dataset", "dataset-publication")
UNFINISHED = (Export.State.QUEUED, Export.State.RUNNING)
SHOWN_EXPORTS = 50


@require_safe
@login_required
def datasets(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def freeze(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have what is published, or what a query means, frozen as the next version; split where that was asked for."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        version = service.request_version(
            project_id=seat.project.pk,
            by=person(request),
            note=typed(request, "note"),
            query=typed(request, "query", 1000),
            split=split_plan(request) if request.POST.get("split") == "yes" else None,
            now=database_now(),
        )
    except (CrowdError, QueryError, ValueError) as error:
        return _page(request, seat, "freeze", str(error))
    messages.success(request, f"{version} is being frozen.")
    return redirect("datasets", public_id)


@require_POST
@login_required
def try_again(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    """Have a version that could not be frozen tried again."""
    seat = seat_or_404(request, public_id, LEAD)
    version = DatasetVersion.objects.filter(project=seat.project, public_id=dataset_id).first()
    if version is None:
        raise Http404
    try:
        freezing_again.try_again(dataset_id=version.pk, by=person(request), now=database_now())
    except (CrowdError, QueryError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{version} is being frozen.")
    return redirect("datasets", public_id)


@require_POST
@login_required
def save_card(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Write the card anew: the next version keeps it, the frozen ones have theirs."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        cards.save_card(project_id=seat.project.pk, text=card_fields(request), by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, "card", str(error))
    messages.success(request, "The card is saved. The next version keeps it as it is now.")
    return redirect("datasets", public_id)


@require_safe
@login_required
def download(request: HttpRequest, public_id: UUID, export_id: UUID) -> HttpResponseBase:
    """Send the archive, and keep who has it."""
    seat = seat_or_404(request, public_id, LEAD)
    row = _export(seat, export_id)
    if row is None or row.state != Export.State.DONE:
        raise Http404
    name = FILES.format(slug=seat.project.slug, export=row)
    answer = answer_file(request, row.storage_key, name=name, digest=row.receipt.get("zip_sha256", ""))
    if is_handed_over(request, answer):
        data_set_readers.note_download(export=row, by=person(request), now=database_now())
    return answer


@require_POST
@login_required
def cancel(request: HttpRequest, public_id: UUID, export_id: UUID) -> HttpResponse:
    """Stop an export that is not done."""
    seat = seat_or_404(request, public_id, LEAD)
    row = _export(seat, export_id)
    if row is None:
        raise Http404
    try:
        export_requests.cancel_export(export_id=row.pk, by=person(request), now=database_now())
    except CrowdError:
        messages.error(request, f"The export of {row.dataset} is not running any more, so it was not cancelled.")
    else:
        messages.success(request, f"The export of {row.dataset} as {row.format} is cancelled; nothing of it is left.")
    place = request.POST.get("from", "")
    if place in PLACES_OF_EXPORTS:
        return redirect(place, public_id, row.dataset.public_id)
    return redirect("datasets", public_id)


def _export(seat: Seat, export_id: UUID) -> Export | None:
    rows = Export.objects.filter(dataset__project=seat.project, public_id=export_id)
    return rows.select_related("dataset__project").first()


def _page(request: HttpRequest, seat: Seat, error_in: str = "", error: str = "") -> HttpResponse:
    done = Count("exports", filter=Q(exports__state=Export.State.DONE))
    rows = DatasetVersion.objects.filter(project=seat.project).select_related("created_by").annotate(done=done)
    versions = list(rows.order_by("-number"))
    unfinished = [version for version in versions if version.state == DatasetVersion.State.FREEZING]
    wanted = freezing.wanted_images(unfinished)
    downloads = data_set_readers.downloads_of(versions=versions)
    exports = list(
        Export.objects.filter(dataset__project=seat.project)
        .select_related("dataset", "since", "created_by")
        .order_by("-id")[:SHOWN_EXPORTS]
    )
    context: dict[str, Any] = {
        "seat": seat,
        "versions": [
            (version, parts_of(version), downloads.get(version.number, 0), wanted.get(version.pk))
            for version in versions
        ],
        "freezing": bool(unfinished),
        "exports": exports,
        "exporting": any(export.state in UNFINISHED for export in exports),
        "unfinished": UNFINISHED,
        "formats": sorted(WRITERS),
        "card": DatasetCard.objects.filter(project=seat.project).select_related("updated_by").first(),
        "split": split_shown(next((version for version in versions if version.frozen_at), None)),
        "held_out": HeldOutSet.objects.filter(project=seat.project, retired_at=None).count(),
        "error_in": error_in,
        "error": error,
        "typed": request.POST if error_in else {},
    }
    return render(request, "curation/datasets/page.html", context, status=400 if error else 200)
