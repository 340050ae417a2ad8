"""What was paid, what is held, what is free: the money page and its CSVs."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation.dashboard.csv_answers import answer_csv
from curation.dashboard.keyset import cursor
from curation.dashboard.ledger_list import BREAKDOWNS, KINDS, Filters, filtered, page
from curation.dashboard.money_breakdown import breakdown
from curation.dashboard.money_costs import costs_views, published_of
from curation.dashboard.money_numbers import money_numbers
from curation.models import Membership
from curation.seats import Seat, seat_or_404
from curation.services.sheets import csv_pieces
from curation.services.statements import COLUMNS, LEDGER_HEADER, STATEMENT_HEADER, ledger_cells, statement_cells
from curation.sessions import now_of


@require_safe
@login_required
def money(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return show_money(request, seat_or_404(request, public_id))


def show_money(request: HttpRequest, seat: Seat, *, error_in: str = "", error: str = "") -> HttpResponse:
    """Show the page; a refused form keeps what was typed and says why."""
    now = now_of(request)
    numbers = money_numbers(project=seat.project, now=now)
    request.asset_counts = counts = numbers.counts  # type: ignore[attr-defined]
    filters = Filters.read(request.GET, seat.project)
    rows = page(
        seat.project,
        filtered(seat.project, filters),
        names=numbers.names,
        after=cursor(request, "after"),
        before=cursor(request, "before"),
    )
    tables = costs_views(project=seat.project, numbers=numbers, counts=counts, filters=filters)
    context: dict[str, Any] = {
        "seat": seat,
        "now": now,
        "numbers": numbers,
        "filters": filters,
        "costs": tables[0],
        "cost_tables": tables,
        "sides": _sides(seat, filters),
        "parts": breakdown(project=seat.project, numbers=numbers, counts=counts, filters=filters),
        "breakdowns": [(by, words, filters.query(by=by)) for by, words in BREAKDOWNS.items()],
        "kinds": [(kind, words, filters.query(kind=kind)) for kind, (words, _) in KINDS.items()],
        "all_kinds": filters.query(kind=""),
        "rows": rows.rows,
        "newer": filters.query(before=str(rows.newer)) if rows.newer else "",
        "older": filters.query(after=str(rows.older)) if rows.older else "",
        "csv_query": filters.query(),
        "token": secrets.token_hex(8),
        "error_in": error_in,
        "error": error,
        "typed": request.POST if error_in else {},
    }
    return render(request, "curation/money/page.html", context, status=400 if error_in else 200)


def _sides(seat: Seat, filters: Filters) -> list[tuple[str, str, str]]:
    """Return what the cost of each stage may be shown of, where the recipe publishes a campaign."""
    if published_of(seat.project) is None:
        return []
    shown = {"": "This project", "published": "As published", "published-without": "Without classification"}
    return [(costs, words, filters.query(costs=costs)) for costs, words in shown.items()]


@require_safe
@login_required
def ledger_csv(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Every row that fits the filters, oldest first."""
    project = seat_or_404(request, public_id, Membership.Role.VIEWER).project
    rows = filtered(project, Filters.read(request.GET, project))
    pieces = csv_pieces(LEDGER_HEADER, ledger_cells(project=project, rows=rows))
    return answer_csv(request, pieces, name=f"{project.slug}-ledger.csv")


@require_safe
@login_required
def statement_csv(request: HttpRequest, public_id: UUID, by: str) -> HttpResponseBase:
    """A statement by worker, pool, class, stage, platform or day."""
    project = seat_or_404(request, public_id).project
    if by not in COLUMNS:
        raise Http404
    pieces = csv_pieces(STATEMENT_HEADER, statement_cells(project=project, by=by))
    return answer_csv(request, pieces, name=f"{project.slug}-by-{by}.csv")
