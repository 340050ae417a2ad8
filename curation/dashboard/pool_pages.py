"""The list of pools, and one pool with what a lead can do about it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError, Differences
from crowd.money import micro
from curation.dashboard.outlook_facts import pool_outlook
from curation.dashboard.pool_elsewhere import elsewhere_of, lacks_of
from curation.dashboard.pool_facts import pool_facts
from curation.dashboard.pool_files import troubled_files
from curation.dashboard.pool_table import PROJECT
from curation.engine import campaigns, market
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404, seats
from curation.services import pools as pool_service
from curation.services.overview import pool_rows
from curation.services.overview.advice import Advised
from curation.services.overview.campaigns import Wanted, page_of_rows
from curation.services.overview.pool import around, pool_charts, pool_closely
from curation.sessions import now_of

PARTS: Final = {"charts": "curation/_pool_charts.html", "facts": "curation/_pool_facts.html"}
DONE_WORDS: Final = {"open": "is opening", "pause": "is paused", "resume": "is opening again", "close": "is closed"}


@require_safe
@login_required
def pools(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _pools_page(request, seat_or_404(request, public_id))


def _pools_page(request: HttpRequest, seat: Seat, lacking: Sequence[tuple[str, list[str]]] = ()) -> HttpResponse:
    rows, request.asset_counts = pool_rows(project=seat.project, now=now_of(request))  # type: ignore[attr-defined]
    wanted = Wanted.read(request.GET.dict())
    shown = page_of_rows(rows, wanted)
    closed = sum(row.pool.state in {Pool.State.DRAFT, Pool.State.PAUSED} for row in rows)
    context = {
        "seat": seat,
        "lines": [(line, seat) for line in shown.lines],
        "columns": PROJECT,
        "shown": shown,
        "before": _of_page(wanted, shown.page - 1) if shown.page > 1 else "",
        "after": _of_page(wanted, shown.page + 1) if shown.page < shown.pages else "",
        "sort": wanted.sort,
        "closed": closed,
        "lacking": lacking,
    }
    return render(request, "curation/pools.html", context, status=409 if lacking else 200)


def _of_page(wanted: Wanted, page: int) -> str:
    return f"?{urlencode({name: value for name, value in (('sort', wanted.sort), ('page', page)) if value})}"


def _lacking(seat: Seat) -> list[tuple[str, list[str]]]:
    """Return what platforms cannot do, account by account: pools of one account lack much the same."""
    found: dict[str, list[str]] = {}
    for one in pool_service.not_open(project=seat.project):
        found.setdefault(one.account.label, []).extend(pool_service.differences(pool=one))
    return [(label, list(dict.fromkeys(texts))) for label, texts in found.items() if texts]


@require_POST
@login_required
def open_all(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Open every pool that is not open yet, if the budget carries them all."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    accepts = request.POST.get("accept") == "yes"
    try:
        opened = campaigns.open_all(
            project=seat.project, by=person(request), now=database_now(), accept_differences=accepts
        )
    except Differences:
        return _pools_page(request, seat, lacking=_lacking(seat))
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{len(opened)} pools are opening.")
    return redirect("pools", public_id)


@require_safe
@login_required
def pool(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id), pool_id)


@require_POST
@login_required
def act(request: HttpRequest, public_id: UUID, pool_id: int, action: str) -> HttpResponse:
    """Open, pause, resume or close a pool."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    row = _own(seat, pool_id)
    by, now = person(request), database_now()
    try:
        if action in {"open", "resume"}:
            accepts = request.POST.get("accept") == "yes"
            pool_service.open_pool(pool_id=row.pk, by=by, now=now, accept_differences=accepts)
        elif action == "pause":
            pool_service.pause_pool(pool_id=row.pk, by=by, now=now)
        elif action == "close":
            pool_service.close_pool(pool_id=row.pk, by=by, now=now)
        else:
            raise Http404
    except CrowdError as error:
        return _page(request, seat, pool_id, error=str(error))
    messages.success(request, f"{row.title} {DONE_WORDS[action]}.")
    return redirect("pool", public_id, pool_id)


@require_POST
@login_required
def compare(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Ask the platform how many pages it has; a job does it."""
    row = _own(seat_or_404(request, public_id, Membership.Role.LEAD), pool_id)
    market.compare_soon(pool_id=row.pk)
    messages.success(request, "The platform is being asked; the line below follows in a moment.")
    return redirect("pool", public_id, pool_id)


@require_POST
@login_required
def change(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Change target, price or priority."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    row = _own(seat, pool_id)
    try:
        pool_service.change_pool(
            pool_id=row.pk,
            by=person(request),
            now=database_now(),
            wanted=_whole(request, "wanted", "The target"),
            price_micro=micro(request.POST["price"]) if request.POST.get("price") else None,
            priority=_whole(request, "priority", "The priority"),
            per_worker=_whole(request, "per_worker", "The most of one person"),
        )
    except (CrowdError, ValueError) as error:
        return _page(request, seat, pool_id, error=str(error))
    messages.success(request, f"{row.title} is changed.")
    return redirect("pool", public_id, pool_id)


def _whole(request: HttpRequest, name: str, what: str) -> int | None:
    text = request.POST.get(name, "").replace(",", "").strip()
    if not text:
        return None
    if not text.lstrip("-").isdecimal() or len(text) > 9:
        raise ValueError(f"{what} must be a whole number, not {text!r}.")
    return int(text)


def _own(seat: Seat, pool_id: int) -> Pool:
    row = Pool.objects.filter(project=seat.project, pk=pool_id).first()
    if row is None:
        raise Http404
    return row


def _page(request: HttpRequest, seat: Seat, pool_id: int, error: str = "") -> HttpResponse:
    """Show the pool; a refused change keeps what was typed."""
    now = now_of(request)
    found = pool_closely(project=seat.project, pool_id=pool_id, now=now)
    if found is None:
        raise Http404
    request.asset_counts = found.counts  # type: ignore[attr-defined]
    outlook = pool_outlook(found.row, now=now)
    row = replace(found.row, said=outlook.told.eta if outlook.told else None)
    context = {
        "seat": seat,
        "row": row,
        "facts": pool_facts(row),
        "charts": pool_charts(row, found.ran),
        "advice": Advised(row, around(row, projects=[one.project for one in seats(request)])).all(),
        "lacks": lacks_of(row.pool),
        "far": elsewhere_of(row.pool, row.batch),
        "files": partial(troubled_files, row.pool),
        "error": error,
        "typed": request.POST if error else {"price": request.GET.get("price", "")[:20]},
        "may": _may(row.pool),
        "outlook": outlook,
    }
    is_part = request.GET.get("part") if not error else None
    template = PARTS.get(is_part or "", "curation/pool.html")
    return render(request, template, context, status=400 if error else 200)


def _may(pool: Pool) -> dict[str, bool]:
    state = Pool.State
    return {
        "open": pool.state == state.DRAFT,
        "resume": pool.state in {state.PAUSED, state.DONE},
        "pause": pool.state in {state.OPEN, state.OPENING},
        "close": pool.state in {state.OPEN, state.PAUSED},
    }
