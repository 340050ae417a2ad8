"""Publish filters: what waits for a person's word, queue by queue, and what was said so far."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.models import Membership, PublishFinding
from curation.seats import Seat, person, seat_or_404
from curation.services import publish_filters

LEAD, REVIEWER = Membership.Role.LEAD, Membership.Role.REVIEWER
FILTERS: Final = PublishFinding.Filter
SHOWN_LOG: Final = 30


@require_safe
@never_cache
@login_required
def queue(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def suggest(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Open a finding for what taggers and workers have tagged since."""
    seat = seat_or_404(request, public_id, REVIEWER)
    found = publish_filters.suggest(project=seat.project, by=person(request), now=database_now())
    messages.success(request, f"{found:,} new images wait for a word." if found else "No tag names an image anew.")
    return redirect("publish-filters", public_id)


@require_POST
@login_required
def decide(request: HttpRequest, public_id: UUID, finding_id: int) -> HttpResponse:
    """Keep or remove one image."""
    seat = seat_or_404(request, public_id, REVIEWER)
    row = PublishFinding.objects.filter(project=seat.project, pk=finding_id).first()
    if row is None:
        raise Http404
    word = request.POST.get("word", "")
    if word not in {"keep", "remove"}:
        return _page(request, seat, row.filter, "Say whether the image is kept or removed.")
    try:
        publish_filters.decide(
            finding=row, remove=word == "remove", note=typed(request, "note"), by=person(request), now=database_now()
        )
    except CrowdError as error:
        return _page(request, seat, row.filter, str(error))
    messages.success(request, "The image is removed; its page says why." if word == "remove" else "The image is kept.")
    return redirect(f"{reverse('publish-filters', args=[public_id])}?filter={row.filter}")


@require_POST
@login_required
def report(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    """Say of an image that it may not be published: it waits for a second look."""
    seat = seat_or_404(request, public_id, REVIEWER)
    asset = seat.project.assets.filter(public_id=asset_id).select_related("project").first()
    if asset is None:
        raise Http404
    name = typed(request, "filter", 12)
    try:
        row = publish_filters.report(
            asset=asset, name=name, note=typed(request, "note"), by=person(request), now=database_now()
        )
    except CrowdError as error:
        messages.error(request, str(error))
        return redirect("asset", public_id, asset_id)
    messages.success(request, f"It waits in the publish filters: {row.get_filter_display()}.")
    return redirect("asset", public_id, asset_id)


def _page(request: HttpRequest, seat: Seat, name: str = "", error: str = "") -> HttpResponse:
    queues = publish_filters.queues(seat.project)
    asked = name or request.GET.get("filter", "")
    busiest = max(queues, key=lambda one: one.open)
    asked = asked if asked in FILTERS.values else busiest.filter
    waiting = Paginator(publish_filters.waiting(seat.project, asked), publish_filters.PAGE)
    context: dict[str, Any] = {
        "seat": seat,
        "queues": queues,
        "asked": next(one for one in queues if one.filter == asked),
        "page": waiting.get_page(request.GET.get("page")),
        "log": publish_filters.log(seat.project)[:SHOWN_LOG],
        "reasons": ",".join(publish_filters.REASONS.values()),
        "error": error,
    }
    return render(request, "curation/publishing/filters.html", context, status=400 if error else 200)
