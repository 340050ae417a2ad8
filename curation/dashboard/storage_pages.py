"""Where a project's pictures lie: a test of the storage, and pictures of other buckets registered where they are."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.models import LabelClass, Membership, Stage
from curation.seats import Seat, person, seat_or_404
from curation.services import ingest, registering, system
from curation.services.registering import Wish

LEAD = Membership.Role.LEAD


@require_safe
@never_cache
@login_required
def storage(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id, LEAD))


@require_POST
@never_cache
@login_required
def storage_test(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    steps = system.probe()
    if "HX-Request" in request.headers:
        context = {"steps": steps, "storage": system.storage_facts(project=seat.project)}
        return render(request, "curation/system/_probe.html", context)
    return _page(request, seat, steps=steps)


@require_POST
@never_cache
@login_required
def register(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have the pictures of a bucket registered where they lie."""
    seat = seat_or_404(request, public_id, LEAD)
    source = typed(request, "bucket", 1024) + typed(request, "prefix", 1024)
    try:
        wish = Wish(source, _stage(seat), _class(seat, typed(request, "label_class")), typed(request, "licence", 120))
        registering.ask(project=seat.project, wish=wish, by=person(request))
    except CrowdError as error:
        return _page(request, seat, error=str(error))
    messages.success(request, f"What lies at {source} is being registered.")
    return redirect("settings-storage", public_id)


def _stage(seat: Seat) -> Stage:
    return ingest.entry_stage(seat.project)


def _class(seat: Seat, name: str) -> LabelClass | None:
    if not name:
        return None
    found = seat.project.classes.filter(name=name, retired_at=None).first()
    if found is None:
        raise CrowdError(f"{name!r} is no class of this project.")
    return found


def _page(request: HttpRequest, seat: Seat, *, error: str = "", **more: Any) -> HttpResponse:
    context = {
        "seat": seat,
        "tab": "storage",
        "storage": system.storage_facts(project=seat.project),
        "buckets": [one.address for one in settings.SOURCE_BUCKETS],
        "classes": seat.project.classes.filter(retired_at=None),
        "under_way": registering.under_way(project=seat.project),
        "ended": registering.latest(project=seat.project),
        "typed": request.POST if error else {},
        "error": error,
        **more,
    }
    return render(request, "curation/settings/storage.html", context, status=400 if error else 200)
