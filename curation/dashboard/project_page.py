"""A project's first page, and its parts when they are asked for again."""

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from curation.dashboard.access import Seat, seat_or_404
from curation.models import Event, Pool
from curation.services import honesty
from curation.services.overview import (
    ProjectNumbers,
    funnel,
    honesty_levels,
    newest_pair,
    project_numbers,
    stage_costs,
)
from curation.services.overview.project import RANGES

NEWEST_EVENTS = 6
PARTS: Final[dict[str, str]] = {
    "kpis": "curation/overview/_kpis.html",
    "chart": "curation/overview/_chart.html",
    "funnel": "curation/overview/_funnel.html",
    "pools": "curation/overview/_pools.html",
    "levels": "curation/overview/_levels.html",
    "events": "curation/overview/_events.html",
    "costs": "curation/overview/_costs.html",
}


@require_safe
@login_required
def project(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return render(request, "curation/overview/page.html", _context(request, seat))


@require_safe
@login_required
def part(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Answer with one part of the page; what changed asks for it."""
    seat = seat_or_404(request, public_id)
    if name not in PARTS:
        raise Http404
    if name == "levels":
        return render(request, PARTS[name], {"seat": seat, **_honesty(seat)})
    if name == "events":
        return render(request, PARTS[name], {"seat": seat, "events": _events(seat)})
    return render(request, PARTS[name], _numbers(request, seat))


def _context(request: HttpRequest, seat: Seat) -> dict[str, Any]:
    return {**_numbers(request, seat), **_honesty(seat), "events": _events(seat)}


def _numbers(request: HttpRequest, seat: Seat) -> dict[str, Any]:
    span = request.GET.get("range", "all")
    numbers = project_numbers(project=seat.project, now=timezone.now(), span=span, budget=seat.limit_micro)
    request.asset_counts = numbers.counts  # type: ignore[attr-defined]  # the shell shows them too
    main = [row for row in numbers.rows if row.pool.kind == Pool.Kind.MAIN]
    return {
        "seat": seat,
        "span": span if span in RANGES else "all",
        "numbers": numbers,
        "steps": funnel(stages=numbers.stages, counts=numbers.counts),
        "costs": _costs(numbers),
        "rows": _shown(main, request.GET.get("pools", "running")),
        "tabs": {tab: len(_shown(main, tab)) for tab in ("running", "done", "all")},
        "tab": request.GET.get("pools", "running"),
    }


def _costs(numbers: ProjectNumbers) -> list[Any]:
    costs = stage_costs(stages=numbers.stages, spent=numbers.spent, rows=numbers.rows)
    return [cost for cost in costs if cost.spent_micro or cost.planned_micro]


def _shown(rows: list[Any], tab: str) -> list[Any]:
    done = Pool.State.DONE
    if tab == "done":
        return [row for row in rows if row.pool.state == done]
    return rows if tab == "all" else [row for row in rows if row.pool.state != done]


def _honesty(seat: Seat) -> dict[str, Any]:
    policy = honesty.policy_of(seat.project.pk)
    levels = honesty_levels(project=seat.project, policy=policy)
    return {
        "levels": levels,
        "most": max(level.workers for level in levels),
        "saved_micro": sum(level.saved_micro for level in levels),
        "pair": newest_pair(project=seat.project, policy=policy),
    }


def _events(seat: Seat) -> list[Event]:
    return list(Event.objects.filter(project_id=seat.project.pk).order_by("-id")[:NEWEST_EVENTS])
