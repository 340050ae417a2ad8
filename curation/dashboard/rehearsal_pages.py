"""Rehearsals: asked for, watched, kept, compared with each other and with the real project."""

from collections.abc import Mapping, Sequence
from typing import Any
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
from curation.dashboard import plan_form, rehearsal_form
from curation.dashboard.crowd_people import crowds_for
from curation.dashboard.new_project import bounded, keep_typed
from curation.dashboard.rehearsal_chart import chart, letter_of
from curation.dashboard.rehearsal_form import Fields
from curation.engine.rehearsal_beside import beside
from curation.engine.rehearsal_compare import compared, in_words, right_boxes
from curation.models import Membership, Rehearsal
from curation.recipes.loading import BadRecipe
from curation.seats import Seat, person, seat_or_404, seats
from curation.services import rehearsals

LEAD = Membership.Role.LEAD
MOST_SHOWN = 100
PAGE = "curation/rehearsals/list.html"


@require_safe
@never_cache
@login_required
def everywhere(request: HttpRequest) -> HttpResponse:
    return render(request, PAGE, {"rows": _shown(Rehearsal.objects.visible_to(request.user))})


@require_safe
@never_cache
@login_required
def of_project(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return _list_page(request, seat, None)


@require_POST
@login_required
def start(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Rehearse the project's settings, or several of them side by side."""
    seat, fields = seat_or_404(request, public_id, LEAD), rehearsal_form.fields_of(request.POST)
    try:
        asked = rehearsal_form.read(fields, rehearsal_form.of_project(seat.project))
        made = rehearsals.ask(asked=asked, project=seat.project, by=person(request), now=database_now())
    except CrowdError as error:
        return _list_page(request, seat, fields, error=str(error))
    return _to(made)


@require_POST
@login_required
@bounded
def rehearse_plan(request: HttpRequest) -> HttpResponse:
    """Rehearse a plan that is still being written; what was typed is kept."""
    draft, by = keep_typed(request), person(request)
    asked = plan_form.read(request.POST, {one.value for one in crowds_for(by)})
    try:
        wanted = rehearsal_form.of_plan(asked)
        made = rehearsals.ask(asked=[wanted], project=None, by=by, now=database_now())
    except (BadRecipe, CrowdError) as error:
        messages.error(request, f"This plan cannot be rehearsed yet. {error}")
        return redirect("plan-draft", draft.public_id)
    messages.success(request, f"The plan “{draft}” is kept under New project. Its rehearsal costs nothing.")
    return _to(made)


def _to(made: list[Rehearsal]) -> HttpResponse:
    first = made[0]
    return (
        redirect("rehearsal-compare", first.comparison) if first.comparison else redirect("rehearsal", first.public_id)
    )


@require_safe
@never_cache
@login_required
def one(request: HttpRequest, rehearsal_id: UUID) -> HttpResponse:
    """Show how a rehearsal gets on, then what came of it, beside the real project if there is one."""
    row = _own(request, rehearsal_id)
    context = {"row": row, "settings": _settings(row), "may_act": _may_act(request, row)}
    if row.report:
        context |= {"report": row.report, "right_boxes": right_boxes(row.report["quality"])}
        if row.project is not None:
            context["beside"] = beside(report=row.report, project=row.project)
    part = request.headers.get("HX-Request")
    return render(request, f"curation/rehearsals/{'_one' if part else 'one'}.html", context)


@require_safe
@never_cache
@login_required
def compare(request: HttpRequest, comparison: UUID) -> HttpResponse:
    """Show settings side by side: a table, and the picture of those that nothing else beats."""
    mine = list(_mine(request).filter(comparison=comparison).order_by("id"))
    if not mine:
        raise Http404
    groups: dict[str, list[Rehearsal]] = {}
    for row in mine:
        groups.setdefault(in_words(row.varied), []).append(row)
    done = _on_equal_seeds(groups)
    under_way = [row for row in mine if not row.is_over]
    table = compared([(rows[0].varied, [row.report for row in rows if row.report]) for rows in done.values()])
    if under_way:
        table = [{**line, "on_front": False} for line in table]
    context = {
        "first": mine[0],
        "under_way": under_way,
        "total": len(mine),
        "lines": [
            {"letter": letter_of(number), "words": words, "rows": rows, **line}
            for number, ((words, rows), line) in enumerate(zip(done.items(), table, strict=True))
        ],
        "failed": [row for row in mine if row.state == Rehearsal.State.FAILED],
        "chart": None if under_way else chart(table),
    }
    part = request.headers.get("HX-Request")
    return render(request, f"curation/rehearsals/{'_compare' if part else 'compare'}.html", context)


def _on_equal_seeds(groups: Mapping[str, Sequence[Rehearsal]]) -> dict[str, list[Rehearsal]]:
    """Return the rehearsals of each row on the seeds that all rows have done; a row without any is left out."""
    done = {words: [row for row in rows if row.report] for words, rows in groups.items()}
    seeds = [{row.seed for row in rows} for rows in done.values() if rows]
    shared = set.intersection(*seeds) if seeds else set()
    return {words: [row for row in rows if row.seed in shared] for words, rows in done.items() if rows and shared}


@require_POST
@login_required
def cancel(request: HttpRequest, rehearsal_id: UUID) -> HttpResponse:
    row = _led(request, rehearsal_id)
    rehearsals.cancel(rehearsal_id=row.pk, now=database_now())
    return redirect("rehearsal", rehearsal_id)


@require_POST
@login_required
def throw_away(request: HttpRequest, rehearsal_id: UUID) -> HttpResponse:
    """Delete a rehearsal; its pictures and pages go into the trash."""
    row = _led(request, rehearsal_id)
    try:
        rehearsals.throw_away(rehearsal_id=row.pk, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
        return redirect("rehearsal", rehearsal_id)
    messages.success(request, "The rehearsal is deleted; the pictures it ran with are in the trash.")
    return redirect("rehearsals", row.project.public_id) if row.project else redirect("rehearsals-all")


def _list_page(request: HttpRequest, seat: Seat, fields: Fields | None, error: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "seat": seat,
        "error": error,
        "rows": _shown(Rehearsal.objects.filter(project=seat.project)),
    }
    if seat.may(LEAD) and not seat.project.is_rehearsal:
        try:
            base = rehearsal_form.of_project(seat.project)
            context |= {"base": base, "fields": fields or Fields(size=str(base.size))}
        except CrowdError as refusal:
            context["cannot"] = str(refusal)
    return render(request, PAGE, context, status=400 if error else 200)


def _shown(rows: "QuerySet[Rehearsal]") -> list[dict[str, Any]]:
    newest = rows.select_related("project", "created_by").order_by("-created_at", "-id")[:MOST_SHOWN]
    return [{"row": row, "words": in_words(row.varied) if row.varied else ""} for row in newest]


def _mine(request: HttpRequest) -> "QuerySet[Rehearsal]":
    return Rehearsal.objects.visible_to(request.user).select_related("project", "ran_as", "created_by").distinct()


def _own(request: HttpRequest, rehearsal_id: UUID) -> Rehearsal:
    row = _mine(request).filter(public_id=rehearsal_id).first()
    if row is None:
        raise Http404
    return row


def _led(request: HttpRequest, rehearsal_id: UUID) -> Rehearsal:
    """Return a rehearsal this person may end: his own, or one of a project he leads."""
    row = _own(request, rehearsal_id)
    if not _may_act(request, row):
        raise Http404
    return row


def _may_act(request: HttpRequest, row: Rehearsal) -> bool:
    led = {seat.project.pk for seat in seats(request) if seat.may(LEAD)}
    return (
        row.created_by_id == person(request).pk or row.project_id in led or (row.ran_as_id in led and not row.project)
    )


def _settings(row: Rehearsal) -> list[tuple[str, str]]:
    flat = {f"{stage}.{name}": value for stage, values in row.settings.items() for name, value in values.items()}
    return [(place, in_words({place: value}).partition("=")[2]) for place, value in sorted(flat.items())]
