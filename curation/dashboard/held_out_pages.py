"""Sets that the project must not contain, and what of them has come in."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.dashboard.media import inline
from curation.models import Asset, BulkDrop, DatasetVersion, Decision, HeldOutPicture, Membership, Project
from curation.seats import Seat, person, seat_or_404
from curation.services import bulk_drops, held_out

LEAD = Membership.Role.LEAD
SHOWN = 24


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def add(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Hold the pictures of a frozen version out."""
    seat = seat_or_404(request, public_id, LEAD)
    version = _uuid(typed(request, "version"))
    dataset = _versions(request, seat).filter(public_id=version).first() if version else None
    if dataset is None:
        return _page(request, seat, "Choose a frozen version of another project.")
    name = typed(request, "name", held_out.LONGEST_NAME + 1)
    try:
        held_out.add_version(project=seat.project, name=name, dataset=dataset, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, str(error))
    messages.success(request, "Its pictures are held out; what is in the project already is being taken out.")
    return redirect("held-out", public_id)


@require_POST
@login_required
def retire(request: HttpRequest, public_id: UUID, set_id: UUID) -> HttpResponse:
    """Compare with a set no more."""
    seat = seat_or_404(request, public_id, LEAD)
    row = held_out.sets_of(seat.project).filter(public_id=set_id).first()
    if row is None:
        raise Http404
    held_out.retire(held_out=row, by=person(request), now=database_now())
    messages.success(request, f"“{row.name}” is no longer held out.")
    return redirect("held-out", public_id)


@require_safe
@login_required
def picture(request: HttpRequest, public_id: UUID, picture_id: int) -> HttpResponse:
    """Send the small copy of a held-out picture."""
    seat = seat_or_404(request, public_id)
    row = HeldOutPicture.objects.filter(pk=picture_id, held_out__project=seat.project).first()
    if row is None:
        raise Http404
    return inline(row.thumb_key)


def _versions(request: HttpRequest, seat: Seat) -> QuerySet[DatasetVersion]:
    mine = DatasetVersion.objects.filter(project__in=Project.objects.visible_to(request.user))
    return mine.filter(frozen_at__isnull=False).exclude(project=seat.project).select_related("project").order_by("-id")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _page(request: HttpRequest, seat: Seat, error: str = "") -> HttpResponse:
    found = Asset.objects.filter(project=seat.project, state=Asset.State.DROPPED, reason=held_out.REASON)
    drop = bulk_drops.at_work(project=seat.project)
    drops = BulkDrop.objects.filter(project=seat.project, kind="held_out").select_related("by")
    context = {
        "seat": seat,
        "sets": held_out.sets_of(seat.project),
        "versions": _versions(request, seat)[:200],
        "found": found.count(),
        "pairs": _pairs(list(found.order_by("-id")[:SHOWN])),
        "dropping": drop,
        "drop_failed": bulk_drops.failed(drop) if drop else "",
        "drops": [(one, f"{bulk_drops.WORDS[one.kind]} “{one.settings.get('name', '')}”") for one in drops[:8]],
        "error": error,
        "typed": request.POST if error else {},
    }
    return render(request, "curation/duplicates/held_out.html", context, status=400 if error else 200)


def _pairs(assets: list[Asset]) -> list[tuple[Asset, dict[str, object]]]:
    """Return each picture with the evidence of the decision that dropped it."""
    rows = Decision.objects.filter(asset__in=assets, reason=held_out.REASON).order_by("id")
    evidence = {row.asset_id: row.evidence for row in rows}
    return [(asset, evidence.get(asset.pk, {})) for asset in assets]
