"""One version: what it holds, how it is split and whether that leaks, its card, its exports, and who has it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.dataset_forms import PICTURES, TIE_WORDS, parts_of, side_of, since_of, split_plan, split_shown
from curation.dashboard.dataset_pages import UNFINISHED
from curation.datasets.formats.registry import WRITERS, UnknownFormat
from curation.models import Asset, DatasetVersion, Membership, Project
from curation.seats import Seat, person, seat_or_404
from curation.services import data_set_readers, export_requests, freezing, splits

LEAD = Membership.Role.LEAD
LEAK_WORDS = {
    "worker": "workers",
    "video": "videos",
    "subject": "subjects",
    "same_file": "files with the same bytes",
    "lookalike": "pairs of look-alikes",
}
SHOWN_LEAKS = 24


@require_safe
@login_required
def version(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return _page(request, seat, version_or_404(seat.project, dataset_id))


@require_POST
@login_required
def export(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    """Ask for an export of a version: all of it, or what changed since another."""
    seat = seat_or_404(request, public_id, LEAD)
    row, format_name = version_or_404(seat.project, dataset_id), request.POST.get("format", "")[:40]
    try:
        with_images, max_side = side_of(request)
        export_requests.request_export(
            dataset_id=row.pk,
            format=format_name,
            by=person(request),
            with_images=with_images,
            max_side=max_side,
            since_id=since_of(request, row),
            now=database_now(),
        )
    except (CrowdError, UnknownFormat, ValueError) as error:
        return _page(request, seat, row, "export", str(error))
    messages.success(request, f"The export of {row} as {format_name} is on its way.")
    return redirect("dataset", public_id, dataset_id)


@require_POST
@login_required
def split(request: HttpRequest, public_id: UUID, dataset_id: UUID) -> HttpResponse:
    """Have the same pictures frozen again, dealt out to parts without leaks."""
    seat = seat_or_404(request, public_id, LEAD)
    row = version_or_404(seat.project, dataset_id)
    try:
        plan = split_plan(request)
        made = freezing.request_split(dataset_id=row.pk, plan=plan, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, row, "split", str(error))
    messages.success(request, f"{made} is being frozen: {row}, split.")
    return redirect("dataset", public_id, made.public_id)


def version_or_404(project: Project, dataset_id: UUID) -> DatasetVersion:
    row = DatasetVersion.objects.filter(project=project, public_id=dataset_id).select_related("created_by").first()
    if row is None:
        raise Http404
    return row


def _page(request: HttpRequest, seat: Seat, row: DatasetVersion, error_in: str = "", error: str = "") -> HttpResponse:
    exports = list(row.exports.select_related("since", "created_by").order_by("-id"))
    others = DatasetVersion.objects.frozen().filter(project=seat.project).exclude(pk=row.pk).order_by("-number")
    context: dict[str, Any] = {
        "seat": seat,
        "version": row,
        "wanted": freezing.wanted_images([row]).get(row.pk) if row.state == DatasetVersion.State.FREEZING else None,
        "classes": sorted(row.counts.get("classes", {}).items()),
        "parts": parts_of(row),
        "kept_together": [TIE_WORDS.get(name, name) for name in row.splits.get("by", [])],
        "leaks": _leak_counts(row),
        "leaking": _leaking(request, row),
        "card": [(name.replace("_", " ").capitalize(), text) for name, text in row.card.items() if text],
        "exports": exports,
        "exporting": any(one.state in UNFINISHED for one in exports),
        "unfinished": UNFINISHED,
        "readers": data_set_readers.readers_of(version=row),
        "others": list(others),
        "formats": sorted(WRITERS),
        "pictures": PICTURES,
        "split": split_shown(row),
        "error_in": error_in,
        "error": error,
        "typed": request.POST if error_in else {},
    }
    return render(request, "curation/datasets/version.html", context, status=400 if error else 200)


def _leak_counts(row: DatasetVersion) -> list[tuple[str, str, int | None]]:
    found = row.splits.get("leaks", {})
    return [(kind, LEAK_WORDS.get(kind, kind), found[kind]) for kind in LEAK_WORDS if kind in found]


def _leaking(request: HttpRequest, row: DatasetVersion) -> list[tuple[splits.Leak, list[Asset]]]:
    """Return what stands in several parts, with two pictures as proof, of the kind that was asked for."""
    kind = request.GET.get("leaks", "")
    if kind not in LEAK_WORDS or not row.splits:
        return []
    try:
        leaks = splits.leaks_of(row, kind)[:SHOWN_LEAKS]
    except CrowdError:
        return []
    assets = Asset.objects.in_bulk({pk for leak in leaks for pk in leak.examples})
    return [(leak, [assets[pk] for pk in leak.examples if pk in assets]) for leak in leaks]
