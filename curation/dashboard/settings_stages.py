"""Settings of stages, changed in the browser: one form a stage, and the record of every change."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import stage_form
from curation.dashboard.stage_form import label_of
from curation.engine import stage_settings
from curation.models import Event, Membership, Stage
from curation.seats import Seat, person, seat_or_404

LEAD = Membership.Role.LEAD


@require_safe
@never_cache
@login_required
def stages(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    rows = [(stage, _words(stage)) for stage in seat.project.stages.all()]
    return render(request, "curation/settings/stages.html", {"seat": seat, "rows": rows, "tab": "stages"})


def _words(stage: Stage) -> list[tuple[str, str]]:
    """Return what differs from the usual settings of the kind, short enough for a line."""
    if stage.kind == stage_settings.IN_LAB:
        return []
    rows = [row for row in stage_form.rows_of(stage) if row.kind not in {"yaml", "lines"}]
    return [(row.label, row.value or "none") for row in rows if row.usual and row.value != row.usual][:5]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def stage(request: HttpRequest, public_id: UUID, stage_id: int) -> HttpResponse:
    """Show a stage's settings to every member; only leads change them."""
    seat = seat_or_404(request, public_id, LEAD if request.method == "POST" else Membership.Role.VIEWER)
    row = _own(seat, stage_id)
    if row.kind == stage_settings.IN_LAB:
        return (
            redirect("lab", public_id) if seat.may(Membership.Role.REVIEWER) else redirect("settings-stages", public_id)
        )
    if request.method != "POST":
        return _page(request, seat, row)
    try:
        given = stage_form.read(request, row)
        changed = stage_settings.change(stage_id=row.pk, given=given, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, row, error=error)
    _say(request, changed)
    return redirect("settings-stage", public_id, stage_id)


@require_POST
@login_required
def take_back(request: HttpRequest, public_id: UUID, stage_id: int, event_id: int) -> HttpResponse:
    """Bring the values from before one change back, as a change of its own."""
    seat = seat_or_404(request, public_id, LEAD)
    row = _own(seat, stage_id)
    try:
        changed = stage_settings.take_back(stage=row, event_id=event_id, by=person(request), now=database_now())
    except Event.DoesNotExist:
        raise Http404 from None
    except CrowdError as error:
        return _page(request, seat, row, error=error)
    _say(request, changed)
    return redirect("settings-stage", public_id, stage_id)


def _own(seat: Seat, stage_id: int) -> Stage:
    row = next((one for one in seat.project.stages.all() if one.pk == stage_id), None)
    if row is None:
        raise Http404
    return row


def _say(request: HttpRequest, changed: list[str]) -> None:
    words = ", ".join(label_of(name) for name in changed)
    messages.success(request, f"Saved: {words}." if changed else "Nothing was different.")


def _page(request: HttpRequest, seat: Seat, row: Stage, error: CrowdError | None = None) -> HttpResponse:
    fields: dict[str, str] = getattr(error, "fields", {})
    rows = stage_form.rows_of(row, typed=stage_form.typed_by(request) if error else None, errors=fields)
    context: dict[str, Any] = {
        "seat": seat,
        "tab": "stages",
        "stage": row,
        "now_rows": [one for one in rows if one.effect == "now"],
        "pool_rows": [one for one in rows if one.effect == "new pools"],
        "fixed_rows": [one for one in rows if one.effect == "fixed"],
        "has_pools": row.pools.exists(),
        "wrong": [one for one in rows if one.error],
        "history": [(event, _told(event)) for event in stage_settings.history(stage=row)],
        "error": str(error) if error else "",
    }
    return render(request, "curation/settings/stage.html", context, status=400 if error else 200)


def _told(event: Event) -> list[tuple[str, Any, Any]]:
    return [(label_of(name), old, new) for name, (old, new) in event.data["changes"].items()]
