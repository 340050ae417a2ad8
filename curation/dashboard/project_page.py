"""A project's first page, and its parts when they are asked for again."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from curation.dashboard.home import no_worker
from curation.dashboard.outlook_facts import project_end
from curation.dashboard.pool_table import PROJECT
from curation.dashboard.set_up_notes import note_of
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services import job_care, stages
from curation.services.outlook import with_outlook
from curation.services.overview import Find, feed, honesty_levels, newest_finds, newest_pair, project_numbers
from curation.services.overview.campaigns import lines_of
from curation.services.overview.funnel import funnel
from curation.services.overview.pipeline import pipeline
from curation.services.overview.project import RANGES
from curation.services.overview.spending import Purse
from curation.sessions import now_of

MOST_POOLS: Final = 20
PARTS: Final[dict[str, str]] = {
    "kpis": "curation/overview/_kpis.html",
    "chart": "curation/overview/_chart.html",
    "funnel": "curation/overview/_funnel.html",
    "pipeline": "curation/overview/_pipeline.html",
    "pools": "curation/overview/_pools.html",
    "levels": "curation/overview/_levels.html",
    "events": "curation/overview/_events.html",
}


@require_safe
@login_required
def project(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    finds = newest_finds(project=seat.project)
    context = {
        **_numbers(request, seat),
        **_honesty(seat, finds),
        "events": feed(project=seat.project, finds=finds, policy=seat.policy),
        "no_worker": no_worker(now=now_of(request)),
    }
    return render(request, "curation/overview/page.html", context)


@require_safe
@login_required
def part(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Answer with one part of the page; what changed asks for it."""
    seat = seat_or_404(request, public_id)
    if name not in PARTS:
        raise Http404
    if name == "levels":
        return render(request, PARTS[name], {"seat": seat, **_honesty(seat, newest_finds(project=seat.project))})
    if name == "events":
        told = feed(project=seat.project, finds=newest_finds(project=seat.project), policy=seat.policy)
        return render(request, PARTS[name], {"seat": seat, "events": told})
    return render(request, PARTS[name], _numbers(request, seat))


@require_POST
@login_required
def pause_stage(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Let a stage rest."""
    seat, stage_id = _own_stage(request, public_id, name)
    stage = stages.pause_stage(stage_id=stage_id, by=person(request), now=database_now())
    messages.success(request, f"{stage.title} is paused. Pages already in hands may be finished.")
    return redirect(f"{reverse('project', args=[seat.project.public_id])}#pipeline")


@require_POST
@login_required
def resume_stage(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Let a stage go on, with the pools that paused with it."""
    seat, stage_id = _own_stage(request, public_id, name)
    for sentence in stages.resume_stage(stage_id=stage_id, by=person(request), now=database_now()):
        messages.warning(request, sentence)
    messages.success(request, "The stage goes on.")
    return redirect(f"{reverse('project', args=[seat.project.public_id])}#pipeline")


def _own_stage(request: HttpRequest, public_id: UUID, name: str) -> tuple[Seat, int]:
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    found = seat.project.stages.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise Http404
    return seat, found


def _numbers(request: HttpRequest, seat: Seat) -> dict[str, Any]:
    span, tab = request.GET.get("range", "all"), request.GET.get("pools", "running")
    purse = Purse(seat.limit_micro, seat.currency)
    numbers = project_numbers(project=seat.project, now=timezone.now(), span=span, purse=purse)
    request.asset_counts = numbers.counts  # type: ignore[attr-defined]  # the shell shows them too
    end = project_end(seat.project, numbers)
    failing = job_care.failing_in(project=seat.project)
    main = [row for row in numbers.rows if row.pool.kind == Pool.Kind.MAIN]
    return {
        "seat": seat,
        "span": span if span in RANGES else "all",
        "numbers": with_outlook(numbers, end.told),
        "outlook": end,
        "steps": funnel(stages=numbers.stages, counts=numbers.counts),
        "pipeline": pipeline(numbers, failing.stages),
        "failing": failing.others,
        "set_up": None if numbers.counts.total else note_of(seat.project),
        "lines": [(line, seat) for line in lines_of(_shown(main, tab)[:MOST_POOLS])],
        "more": max(0, len(_shown(main, tab)) - MOST_POOLS),
        "columns": PROJECT,
        "tabs": {name: len(_shown(main, name)) for name in ("running", "done", "all")},
        "tab": tab,
    }


def _shown(rows: list[Any], tab: str) -> list[Any]:
    if tab == "done":
        return [row for row in rows if row.pool.state == Pool.State.DONE]
    if tab == "all":
        return rows
    return [row for row in rows if row.pool.state != Pool.State.DONE]


def _honesty(seat: Seat, finds: Sequence[Find]) -> dict[str, Any]:
    levels = honesty_levels(project=seat.project, policy=seat.policy)
    return {
        "levels": levels,
        "most": max((level.workers for level in levels), default=0),
        "saved_micro": sum(level.saved_micro for level in levels),
        "pair": newest_pair(finds=finds, policy=seat.policy),
    }
