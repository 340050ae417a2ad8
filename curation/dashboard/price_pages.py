"""Trying several prices at once in a pool: begin, watch hour by hour, stop and keep one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.money import exact_text, micro, plain
from crowd.quality.wording import percent
from curation.models import Membership, Pool, PriceTrial
from curation.seats import Seat, person, seat_or_404
from curation.services import price_dealing, price_trials
from curation.services.price_dealing import Seen
from curation.sessions import now_of

LEAD: Final = Membership.Role.LEAD
FIELDS: Final = 4
DECISIONS_SHOWN: Final = 12
USUAL_HOURS: Final = 48


@dataclass(frozen=True, slots=True)
class ArmLine:
    """One price as the page shows it; empty words where nothing is known yet, nothing typed where the pool has it."""

    number: int
    price: str
    share: str
    pages: int
    dealt: int
    open_tasks: int
    accepted: str
    rate: str
    cost: str
    spent: str
    is_taken: bool
    typed: str


@require_safe
@login_required
def prices(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return _page(request, seat, _pool(seat, pool_id))


@require_POST
@login_required
def start(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Begin a trial of the prices that were typed."""
    seat = seat_or_404(request, public_id, LEAD)
    pool = _pool(seat, pool_id)
    typed = {
        "prices": request.POST.getlist("price")[:FIELDS],
        "hours": _text(request, "hours"),
        "cap": _text(request, "cap"),
    }
    now = now_of(request)
    try:
        price_trials.start(
            pool_id=pool.pk,
            prices_micro=[_amount(text, "A price") for text in typed["prices"] if text.strip()],
            deadline=now + timedelta(hours=_hours(str(typed["hours"]))),
            cap_micro=_amount(str(typed["cap"]), "What the trial may cost"),
            by=person(request),
            now=now,
        )
    except CrowdError as error:
        return _page(request, seat, pool, str(error), typed)
    messages.success(request, "The trial has begun. Every worker sees one of the prices.")
    return redirect("pool-prices", public_id, pool_id)


@require_POST
@login_required
def stop(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """End the trial and go on at the price that is taken, or at the former one."""
    seat = seat_or_404(request, public_id, LEAD)
    pool = _pool(seat, pool_id)
    trial = price_trials.running(pool)
    take = _text(request, "take")
    if trial is None:
        return _page(request, seat, pool, "No trial of prices runs in this pool.")
    try:
        number = int(take) if take.isdecimal() and len(take) < 3 else None
        price_trials.stop(trial_id=trial.pk, take=number, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, pool, str(error))
    messages.success(request, "The trial is over. Pages that are in hands keep their price.")
    return redirect("pool-prices", public_id, pool_id)


def _pool(seat: Seat, pool_id: int) -> Pool:
    rows = Pool.objects.select_related("stage", "project", "account")
    pool = rows.filter(project=seat.project, pk=pool_id).first()
    if pool is None:
        raise Http404
    return pool


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "").strip()[:20]


def _amount(text: str, what: str) -> int:
    try:
        return micro(text)
    except ValueError:
        raise CrowdError(f"{what} is an amount such as 0.03, not “{text[:20]}”.") from None


def _hours(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise CrowdError(f"The hours until all is to be done are a whole number such as 48, not “{text}”.")
    return int(text)


def _page(
    request: HttpRequest, seat: Seat, pool: Pool, error: str = "", typed: dict[str, Any] | None = None
) -> HttpResponse:
    trials = PriceTrial.objects.filter(pool=pool).select_related("by")
    trial = trials.first()
    given = typed or {"prices": [], "hours": USUAL_HOURS, "cap": ""}
    context = {
        "seat": seat,
        "pool": pool,
        "error": error,
        "typed": {**given, "prices": [*given["prices"], "", "", "", ""][:FIELDS]},
        "trial": trial,
        "is_running": trial is not None and trial.state == PriceTrial.State.RUNNING,
        "arms": [_line(one, pool) for one in price_dealing.look(trial)] if trial else [],
        "cap": exact_text(trial.cap_micro, pool.account.currency) if trial else "",
        "hours_left": _hours_left(trial) if trial else "",
        "decisions": trial.decisions.all()[:DECISIONS_SHOWN] if trial else [],
        "former": trials[1:6],
        "price": exact_text(pool.price_micro, pool.account.currency),
    }
    return render(request, "curation/price_trial.html", context, status=400 if error else 200)


def _hours_left(trial: PriceTrial) -> str:
    left = trial.deadline - datetime.now(UTC)
    return f"{max(0.0, left / timedelta(hours=1)):,.0f}"


def _line(seen: Seen, pool: Pool) -> ArmLine:
    arm, currency = seen.arm, pool.account.currency
    share = seen.accepted / seen.judged if seen.judged else 0.0
    return ArmLine(
        number=arm.number,
        price=exact_text(arm.price_micro, currency),
        share=percent(arm.batch.trial_share) if arm.batch.trial_share is not None else "",
        pages=seen.pages,
        dealt=arm.dealt,
        open_tasks=seen.open_tasks,
        accepted=percent(share) if seen.judged else "",
        rate=f"{seen.pages / arm.hours:,.1f}" if arm.hours > 0 else "",
        cost=exact_text(round(arm.price_micro / share), currency) if share else "",
        spent=exact_text(seen.cost_micro, currency),
        is_taken=arm.is_taken,
        typed=plain(arm.price_micro) if arm.price_micro != pool.price_micro else "",
    )
