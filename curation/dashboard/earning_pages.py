"""Earnings statements for leads: of one worker, of a team, of all in-house people, in this project."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crowd.models import Assignment, Worker
from crowd.services import earnings
from curation.dashboard.csv_answers import answer_csv
from curation.dashboard.inhouse_pages import team_or_404
from curation.models import Membership
from curation.seats import Seat, seat_or_404
from curation.services import inhouse, pay_sheets
from curation.services.sheets import csv_pieces
from curation.sessions import now_of

LEAD = Membership.Role.LEAD


@require_safe
@never_cache
@login_required
def worker_earnings(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponseBase:
    seat = seat_or_404(request, public_id, LEAD)
    worker = Worker.objects.select_related("account").filter(pk=worker_id).first()
    if worker is None or not _works_here(seat, worker):
        raise Http404
    return _answer(request, seat, [worker], worker.name or worker.short_id)


@require_safe
@never_cache
@login_required
def team_earnings(request: HttpRequest, public_id: UUID, team_id: int) -> HttpResponseBase:
    """Of those who are in the team now."""
    seat = seat_or_404(request, public_id, LEAD)
    team = team_or_404(seat, team_id)
    return _answer(request, seat, list(inhouse.people_of(seat.project).filter(team=team)), f"Team {team.name}")


@require_safe
@never_cache
@login_required
def all_earnings(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    seat = seat_or_404(request, public_id, LEAD)
    return _answer(request, seat, list(inhouse.people_of(seat.project)), "In-house people")


def _works_here(seat: Seat, worker: Worker) -> bool:
    if Assignment.objects.filter(worker=worker, project_id=seat.project.pk).exists():
        return True
    return inhouse.people_of(seat.project).filter(pk=worker.pk).exists()


def _answer(request: HttpRequest, seat: Seat, workers: Sequence[Worker], whose: str) -> HttpResponseBase:
    """Show the statement, or send it as a CSV when that is asked for."""
    found = earnings.statement(worker_ids=[worker.pk for worker in workers], project_id=seat.project.pk)
    currency = workers[0].account.currency if workers else inhouse.account().currency
    if request.GET.get("as") == "csv":
        pieces = csv_pieces(pay_sheets.HEADER, pay_sheets.cells(found, currency=currency))
        return answer_csv(request, pieces, name=f"{seat.project.slug}-earnings.csv")
    return _shown(request, seat, found, {"whose": whose, "currency": currency, "several": len(workers) != 1})


def _shown(request: HttpRequest, seat: Seat, found: earnings.Statement, about: dict[str, object]) -> HttpResponse:
    context = {
        "seat": seat,
        "here": "earnings",
        "statement": found,
        "rows": pay_sheets.rows(found),
        "hours": pay_sheets.hours_text(found.total.time),
        "names": {one.pk: one.name or one.short_id for one in inhouse.people_of(seat.project)},
        "now": now_of(request),
        **about,
    }
    return render(request, "curation/inhouse/earnings.html", context)
