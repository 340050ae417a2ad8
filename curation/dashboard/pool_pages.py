"""The list of pools, and one pool with what a lead can do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError, Differences
from crowd.money import micro
from curation.dashboard.access import Seat, person, seat_or_404
from curation.dashboard.pool_elsewhere import elsewhere_of, lacks_of
from curation.dashboard.pool_facts import pool_facts
from curation.engine import campaigns
from curation.models import Membership, Pool
from curation.services import pools as pool_service
from curation.services.overview import PoolRow, pool_rows


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    right: bool
    value: Callable[[PoolRow], Any]


NEVER = float("inf")
COLUMNS: Final = (
    Column("name", "Name", right=False, value=lambda row: (row.pool.title, row.pool.pk)),
    Column("priority", "Priority", right=True, value=lambda row: row.pool.priority),
    Column("accepted", "Accepted", right=False, value=lambda row: row.accepted / row.target if row.target else 0),
    Column("in_check", "In check", right=True, value=lambda row: row.in_check),
    Column("status", "Status", right=False, value=lambda row: row.status),
    Column("platform", "Platform", right=False, value=lambda row: row.pool.account.label),
    Column("price", "Price a page", right=True, value=lambda row: row.pool.price_micro),
    Column("started", "Started", right=False, value=lambda row: _seconds(row)),
    Column("left", "Time left", right=True, value=lambda row: NEVER if row.hours_left is None else row.hours_left),
)
DONE_WORDS: Final = {"open": "is opening", "pause": "is paused", "resume": "is opening again", "close": "is closed"}


def _seconds(row: PoolRow) -> float:
    return row.pool.started_at.timestamp() if row.pool.started_at else NEVER


@require_safe
@login_required
def pools(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _pools_page(request, seat_or_404(request, public_id))


def _pools_page(request: HttpRequest, seat: Seat, lacking: Sequence[tuple[str, list[str]]] = ()) -> HttpResponse:
    rows = pool_rows(project=seat.project, now=database_now())
    sort = request.GET.get("sort", "")
    column = next((column for column in COLUMNS if column.key == sort.lstrip("-")), None)
    if column is not None:
        rows.sort(key=column.value, reverse=sort.startswith("-"))
    closed = sum(row.pool.state in {Pool.State.DRAFT, Pool.State.PAUSED} for row in rows)
    context = {"seat": seat, "rows": rows, "columns": COLUMNS, "sort": sort, "closed": closed, "lacking": lacking}
    return render(request, "curation/pools.html", context, status=409 if lacking else 200)


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
    now = database_now()
    row = next(iter(pool_rows(project=seat.project, now=now, only=[pool_id])), None)
    if row is None:
        raise Http404
    context = {
        "seat": seat,
        "row": row,
        "facts": pool_facts(row),
        "lacks": lacks_of(row.pool),
        "far": elsewhere_of(row.pool),
        "error": error,
        "typed": request.POST if error else {},
        "may": _may(row.pool),
    }
    return render(request, "curation/pool.html", context, status=400 if error else 200)


def _may(pool: Pool) -> dict[str, bool]:
    state = Pool.State
    return {
        "open": pool.state == state.DRAFT,
        "resume": pool.state in {state.PAUSED, state.DONE},
        "pause": pool.state in {state.OPEN, state.OPENING},
        "close": pool.state in {state.OPEN, state.PAUSED},
    }
