"""The list of a person's projects."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from curation.dashboard.access import Seat, person, seats
from curation.engine import set_up
from curation.models import Asset, Pool


@dataclass(frozen=True, slots=True)
class ProjectRow:
    seat: Seat
    wanted: int
    assets: int
    published: int
    open_pools: int
    pools: int

    @property
    def plan(self) -> int:
        return self.wanted or self.assets

    @property
    def state(self) -> tuple[str, str]:
        """Return what the project is doing, and its tone."""
        if self.plan and self.published >= self.plan:
            return "Done", "ok"
        if self.open_pools:
            return f"{self.open_pools} of {self.pools} pools open", "info"
        return ("Nothing is open", "warn") if self.pools else ("Not started", "")


@login_required
def projects(request: HttpRequest) -> HttpResponse:
    rows = rows_of(seats(request))
    context = {
        "rows": [row for row in rows if row.seat.project.archived_at is None],
        "archived": [row for row in rows if row.seat.project.archived_at],
        "being_set_up": set_up.waiting_for(person(request)),
    }
    return render(request, "curation/projects.html", context)


def rows_of(mine: list[Seat]) -> list[ProjectRow]:
    ids = [seat.project.pk for seat in mine]
    published = Count("id", filter=Q(state=Asset.State.PUBLISHED))
    assets = Asset.objects.filter(project__in=ids).order_by().values("project").annotate(n=Count("id"), out=published)
    pools = (
        Pool.objects.filter(project__in=ids)
        .order_by()
        .values("project")
        .annotate(n=Count("id"), open=Count("id", filter=Q(state=Pool.State.OPEN)), wanted=Sum("wanted"))
    )
    have: dict[int, dict[str, Any]] = {row["project"]: dict(row) for row in assets}
    work: dict[int, dict[str, Any]] = {row["project"]: dict(row) for row in pools}
    return [_row(seat, have.get(seat.project.pk, {}), work.get(seat.project.pk, {})) for seat in mine]


def _row(seat: Seat, have: dict[str, Any], work: dict[str, Any]) -> ProjectRow:
    return ProjectRow(
        seat=seat,
        wanted=work.get("wanted", 0) or 0,
        assets=have.get("n", 0),
        published=have.get("out", 0),
        open_pools=work.get("open", 0),
        pools=work.get("n", 0),
    )
