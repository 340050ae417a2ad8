"""One asset with its whole history."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.asset_story import story
from curation.dashboard.forms import typed
from curation.models import Asset, DatasetItem, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import assets as asset_service
from curation.services.crawling.weak_labels import found_at
from curation.services.tagging import current


@require_safe
@login_required
def asset(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    row = _own(seat, asset_id)
    context = {"seat": seat, "asset": row, "story": story(row), "tags": current(row), "found_at": found_at(row)}
    return render(request, "curation/asset.html", context)


@require_POST
@login_required
def restore(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    """Bring a dropped asset back."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    row = _own(seat, asset_id)
    note = typed(request, "note")
    try:
        asset_service.restore(asset_id=row.pk, by=person(request), note=note, now=database_now())
    except CrowdError as error:
        context = {"seat": seat, "asset": row, "story": story(row), "error": str(error)}
        return render(request, "curation/asset.html", context, status=400)
    messages.success(request, "The asset is back and goes on with the next stage.")
    return redirect("asset", public_id, asset_id)


@require_POST
@login_required
def set_class(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    """Say which class a picture belongs to."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    row = _own(seat, asset_id)
    name = typed(request, "class", 60)
    label = seat.project.classes.filter(name=name, retired_at=None).first()
    if label is None and name:
        known = ", ".join(seat.project.classes.filter(retired_at=None).values_list("name", flat=True))
        messages.error(request, f"{name!r} is no class of this project; classes are {known}.")
        return redirect("asset", public_id, asset_id)
    asset_service.set_class(asset_id=row.pk, label_class=label, by=person(request))
    messages.success(request, f"The class is {label.name}." if label else "The class is taken away.")
    return redirect("asset", public_id, asset_id)


def _own(seat: Seat, asset_id: UUID) -> Asset:
    frozen = DatasetItem.objects.filter(asset=OuterRef("pk"), dataset__frozen_at__isnull=False)
    versions = frozen.order_by("dataset__number").values("dataset__number")
    row = (
        Asset.objects.filter(project=seat.project, public_id=asset_id)
        .select_related(
            "project", "label_class", "stage", "answer__assignment", "answer__worker__account", "parent", "preview"
        )
        .annotate(versions=ArraySubquery(versions))
        .first()
    )
    if row is None:
        raise Http404
    return row
