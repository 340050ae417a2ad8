"""The first page: all pools of all campaigns, and the list of projects."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Key
from curation.dashboard.pool_table import HOME
from curation.dashboard.set_up_notes import notes_for
from curation.engine.set_up import waiting_for
from curation.models import Job, Pool, Tick
from curation.seats import Seat, person, seats
from curation.services.overview.campaigns import Wanted, pools_of_all
from curation.services.overview.counts import counts_of
from curation.services.overview.funnel import funnel, images_of
from curation.sessions import now_of

OLDEST_TICK = timedelta(seconds=20)
BEGAN = time.monotonic()
MOST_BELLS = 20  # websockets of one page; with more projects it only polls
SHOWS: Final = (("", "Not done"), ("running", "Running"), ("stopped", "Stopped"), ("done", "Done"), ("all", "All"))


@dataclass(frozen=True, slots=True)
class ProjectRow:
    seat: Seat
    plan: int
    assets: int
    published: int
    open_pools: int
    pools: int

    @property
    def state(self) -> tuple[str, str]:
        """Return what the project is doing, and its tone."""
        if self.plan and self.published >= self.plan:
            return "Done", "ok"
        if self.open_pools:
            return f"{self.open_pools} of {self.pools} pools open", "info"
        return ("Nothing is open", "warn") if self.pools else ("Not started", "")


@require_safe
@login_required
def projects(request: HttpRequest) -> HttpResponse:
    jobs = waiting_for(person(request))
    rows = rows_of(seats(request))
    live = [row for row in rows if row.seat.project.archived_at is None]
    notes = notes_for(jobs, (row.seat.project for row in live), request.GET.get("made", ""))
    context = {
        **_pools(request, [row.seat for row in live]),
        "rows": live,
        "archived": [row for row in rows if row.seat.project.archived_at],
        "demo": next((row for row in live if row.seat.project.is_demo), None),
        "set_ups": notes,
        "is_setting_up": any(note.is_under_way for note in notes),
        "no_worker": no_worker(now=now_of(request)),
    }
    return render(request, "curation/projects.html", context)


@require_safe
@login_required
def pools_part(request: HttpRequest) -> HttpResponse:
    """Answer with the table of pools alone; what changed asks for it."""
    live = [seat for seat in seats(request) if seat.project.archived_at is None]
    return render(request, "curation/_home_pools.html", _pools(request, live))


def no_worker(*, now: datetime) -> bool:
    """Say whether no worker process has run the clock's tick lately nor holds a job, so that nothing moves.

    Workers begin after the first web process: so long nobody is told that they are missing.
    """
    ticks = Tick.objects.filter(name="tick").order_by("-slot").values_list(F("created_at") + OLDEST_TICK)
    held = Job.objects.filter(state=Job.State.RUNNING, lease_until__gt=now).values_list("lease_until")
    if any(until >= now for (until,) in ticks[:1].union(held[:1], all=True)):
        return False
    return time.monotonic() - BEGAN >= settings.WORKERS_BEGIN_WITHIN


def _pools(request: HttpRequest, live: Sequence[Seat]) -> dict[str, Any]:
    wanted = Wanted.read(request.GET.dict())
    shown = pools_of_all(projects=[seat.project for seat in live], wanted=wanted, now=now_of(request))
    query = request.GET.urlencode()
    by_project = {seat.project.pk: seat for seat in live}
    return {
        "lines": [(line, by_project[line.row.pool.project_id]) for line in shown.lines],
        "shown": shown,
        "wanted": wanted,
        "columns": HOME,
        "shows": [(key, words, _address(request, show=key)) for key, words in SHOWS],
        "choices": [seat.project for seat in live],
        "before": _address(request, page=str(shown.page - 1)) if shown.page > 1 else "",
        "after": _address(request, page=str(shown.page + 1)) if shown.page < shown.pages else "",
        "live_url": f"{reverse('live-home')}?{query}",
        "live_version": sum(seat.project.version for seat in live),
        "bells": ",".join(str(seat.project.public_id) for seat in live) if len(live) <= MOST_BELLS else "",
        "part_url": f"{reverse('home-pools')}?{query}",
    }


def _address(request: HttpRequest, **changes: str) -> str:
    """Return the address of the list with some words changed; another filter begins at its first page."""
    query = {**request.GET.dict(), **changes}
    if "page" not in changes:
        query.pop("page", None)
    return f"{reverse('projects')}?{urlencode({name: value for name, value in query.items() if value})}#pools"


def rows_of(mine: Sequence[Seat]) -> list[ProjectRow]:
    """Return the projects with their counts: two queries, whatever their number and size."""
    stages = {stage.pk: seat.project.pk for seat in mine for stage in seat.project.stages.all()}
    found = tallies.totals(Key(Of.STAGE, pk, "assets.") for pk in stages)
    work = {
        row["project"]: row
        for row in Pool.objects.filter(project__in=[seat.project.pk for seat in mine])
        .order_by()
        .values("project")
        .annotate(n=Count("id"), open=Count("id", filter=Q(state=Pool.State.OPEN)), wanted=Sum("wanted"))
    }
    rows = []
    for seat in mine:
        own = list(seat.project.stages.all())
        counts = counts_of({(Of.STAGE, stage.pk): found.get((Of.STAGE, stage.pk), {}) for stage in own})
        pools: dict[str, Any] = dict(work.get(seat.project.pk, {}))
        wanted = pools.get("wanted") or 0
        rows.append(
            ProjectRow(
                seat=seat,
                plan=images_of(funnel(stages=own, counts=counts), wanted) if wanted else counts.total,
                assets=counts.total,
                published=counts.published,
                open_pools=pools.get("open", 0),
                pools=pools.get("n", 0),
            )
        )
    return rows
