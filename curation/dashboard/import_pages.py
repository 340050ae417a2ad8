"""Data sets of others: sent or named, counted class by class, then taken in."""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.datasets.formats.registry import READERS
from curation.models import DatasetImport, FileUpload, Membership
from curation.preprocessing.limits import MEGABYTE
from curation.seats import Seat, person, seat_or_404
from curation.services import file_uploads, held_files, import_requests
from curation.services.import_check import ClassHeld, Held
from curation.services.import_requests import ImportWish
from curation.services.importing import WrongDataset, own_classes

LEAD: Final = Membership.Role.LEAD
MOST_BYTES: Final = 2_000 * MEGABYTE
SHOWN: Final = 50
MOST_CLASSES: Final = 500  # a form with more fields is refused
UNDER_WAY: Final = (DatasetImport.State.CHECKING, DatasetImport.State.TAKING_IN)


@require_safe
@login_required
def imports(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id, LEAD))


@require_POST
@login_required
def ask(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have a job look into a package that is sent, or into what lies in a bucket."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        row = _asked(request, seat)
    except (CrowdError, LookupError) as error:
        return _page(request, seat, str(error.args[0]))
    return redirect("import", public_id, row.public_id)


def _asked(request: HttpRequest, seat: Seat) -> DatasetImport:
    now, by = database_now(), person(request)
    prefix = typed(request, "prefix", 500)
    address = typed(request, "bucket", 500) + prefix if prefix else ""
    wish = ImportWish(
        format=typed(request, "format", 20),
        source=typed(request, "source", 120),
        licence=typed(request, "licence", 120),
    )
    if address:
        import_requests.require_readable(address)
    upload = None if address else _sent(request, seat)
    try:
        return import_requests.request_import(
            project=seat.project, wish=wish, by=by, upload=upload, address=address, now=now
        )
    except (CrowdError, LookupError):
        if upload is not None:
            file_uploads.give_up(upload=upload)
        raise


def _sent(request: HttpRequest, seat: Seat) -> FileUpload:
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise WrongDataset("Choose a package: a ZIP or TAR of labels and pictures, or a document that names pictures.")
    if file.size > MOST_BYTES:
        raise WrongDataset(f"A package may have {MOST_BYTES // MEGABYTE:,} MB here; the API and the command take more.")
    return held_files.sent_at_once(project=seat.project, by=person(request), file=file, now=database_now())


@require_safe
@login_required
def one(request: HttpRequest, public_id: UUID, import_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    return _one(request, seat, _row(seat, import_id))


@require_POST
@login_required
def start(request: HttpRequest, public_id: UUID, import_id: UUID) -> HttpResponse:
    """Take it in, with a class of the project for each class of the file, or none."""
    seat = seat_or_404(request, public_id, LEAD)
    row = _row(seat, import_id)
    try:
        names = _names(request, row)
        import_requests.start_import(
            import_id=row.pk, by=person(request), classes=frozenset(names), names=names, now=database_now()
        )
    except CrowdError as error:
        return _one(request, seat, row, str(error))
    return redirect("import", public_id, import_id)


def _names(request: HttpRequest, row: DatasetImport) -> dict[str, str]:
    held = import_requests.held(row)
    chosen = {one.name: typed(request, f"class-{n}", 60) for n, one in enumerate(held.classes if held else ())}
    names = {theirs: ours for theirs, ours in chosen.items() if ours}
    if not names:
        raise WrongDataset("Every class is left out; say what at least one of them is called here.")
    return names


@require_POST
@login_required
def cancel(request: HttpRequest, public_id: UUID, import_id: UUID) -> HttpResponse:
    """Stop an import that is not done."""
    seat = seat_or_404(request, public_id, LEAD)
    row = _row(seat, import_id)
    try:
        import_requests.cancel_import(import_id=row.pk, by=person(request), now=database_now())
    except CrowdError:
        messages.error(request, f"The import of {row.source} has ended already, so it was not cancelled.")
    else:
        messages.success(request, f"The import of {row.source} is cancelled; nothing of it is left.")
    return redirect("imports", public_id)


def _row(seat: Seat, import_id: UUID) -> DatasetImport:
    rows = DatasetImport.objects.filter(project=seat.project, public_id=import_id)
    row = rows.select_related("project", "stage", "created_by").first()
    if row is None:
        raise Http404
    return row


def _page(request: HttpRequest, seat: Seat, error: str = "") -> HttpResponse:
    rows = list(DatasetImport.objects.filter(project=seat.project).select_related("created_by").order_by("-pk")[:SHOWN])
    context: dict[str, Any] = {
        "seat": seat,
        "imports": rows,
        "busy": any(row.state in UNDER_WAY for row in rows),
        "formats": sorted(READERS),
        "buckets": [bucket.address for bucket in settings.SOURCE_BUCKETS],
        "typed": request.POST if error else {},
        "error": error,
    }
    return render(request, "curation/datasets/imports.html", context, status=400 if error else 200)


def _shown(held: Held | None) -> list[tuple[int, ClassHeld]]:
    """Return the classes with their places, as many as a form may have: first those that are known here or large."""
    classes = list(enumerate(held.classes if held else ()))
    first = sorted(classes, key=lambda one: (one[1].becomes is None, -one[1].pictures))[:MOST_CLASSES]
    return sorted(first, key=lambda one: one[0])


def _one(request: HttpRequest, seat: Seat, row: DatasetImport, error: str = "") -> HttpResponse:
    held = import_requests.held(row)
    context: dict[str, Any] = {
        "seat": seat,
        "row": row,
        "held": held,
        "choices": [
            (n, one, request.POST.get(f"class-{n}", "") if error else one.becomes if one.is_taken else "")
            for n, one in _shown(held)
        ],
        "more": max(0, len(held.classes) - MOST_CLASSES) if held else 0,
        "own": list(own_classes(seat.project).values()),
        "busy": row.state in UNDER_WAY,
        "error": error,
    }
    return render(request, "curation/datasets/import.html", context, status=400 if error else 200)
