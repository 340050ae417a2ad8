"""Where blur and light are cut: what the project's own pictures suggest, pictures on both sides, applied and undone."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import BulkDrop, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import bulk_drops, cuts

DROPS_SHOWN = 8


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the cuts as they are, or as typed; typing changes nothing."""
    return _page(request, seat_or_404(request, public_id), request.GET)


@require_POST
@login_required
def apply(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let the cuts hold, and take out what is beyond them."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    try:
        values = cuts.read(request.POST)
        cuts.apply(project=seat.project, values=values, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, request.POST, str(error))
    messages.success(request, "These limits hold from now on; what is beyond them is being taken out.")
    return redirect("cuts", public_id)


def _page(request: HttpRequest, seat: Seat, given: Mapping[str, str], error: str = "") -> HttpResponse:
    stage = cuts.stage_of(seat.project)
    names = [cut.setting for cut in cuts.CUTS]
    stored = {name: stage.settings.get(name) if stage else None for name in names}
    asked = any(name in given for name in names)
    values = dict(stored)
    if asked and not error:
        try:
            values = cuts.read(given)
        except CrowdError as wrong:
            error = str(wrong)
    drop = bulk_drops.at_work(project=seat.project)
    drops = BulkDrop.objects.filter(project=seat.project, kind="cuts").select_related("by")
    context = {
        "seat": seat,
        "stage": stage,
        "rows": _rows(seat, stored, values, given if asked else None),
        "accepted": cuts.accepted(seat.project).count(),
        "enough": cuts.ENOUGH_ACCEPTED,
        "changed": values != stored,
        "error": error,
        "dropping": drop,
        "drop_failed": bulk_drops.failed(drop) if drop else "",
        "drops": [(one, bulk_drops.WORDS[one.kind]) for one in drops[:DROPS_SHOWN]],
    }
    return render(request, "curation/duplicates/cuts.html", context, status=400 if error else 200)


def _rows(
    seat: Seat, stored: Mapping[str, float | None], values: Mapping[str, float | None], typed: Mapping[str, str] | None
) -> list[dict[str, Any]]:
    """Return the limits with their suggestions; the preview is at the value asked for, else at the suggestion."""
    suggestions = cuts.suggestions(seat.project)
    at = {name: found.value for name, found in suggestions.items() if found}
    at |= {name: value for name, value in values.items() if value is not None}
    previews = cuts.previews(seat.project, at)
    return [
        {
            "cut": cut,
            "stored": stored[cut.setting],
            "text": _text(values[cut.setting]) if typed is None else typed.get(cut.setting, ""),
            "is_on": values[cut.setting] is not None,
            "suggestion": suggestions[cut.setting],
            "at": at.get(cut.setting),
            "preview": previews.get(cut.setting),
        }
        for cut in cuts.CUTS
    ]


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
