"""What leads change about money: budgets, refunds, corrections."""

import re
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Budget
from crowd.money import exact_text, micro
from curation.dashboard.forms import typed
from curation.dashboard.money_page import show_money
from curation.dashboard.proving import proved
from curation.models import Membership, Pool, Project
from curation.seats import Seat, person, seat_or_404
from curation.services import budgets, corrections
from curation.services.corrections import ByHand
from curation.services.pseudonyms import find_worker

LEAD = Membership.Role.LEAD
TOKEN = re.compile(r"[0-9a-f]{16}")


@require_POST
@login_required
@proved
def set_budget(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give a budget to the project, a stage or a pool, or change it."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        scope, scope_id = _place(request, seat.project)
        row = budgets.set_budget(
            project=seat.project,
            scope=scope,
            scope_id=scope_id,
            limit_micro=micro(typed(request, "limit", 30)),
            currency=typed(request, "currency", 10) or "USD",
            warn_percent=_percent(typed(request, "warn", 30)),
            by=person(request),
            now=database_now(),
        )
    except (CrowdError, ValueError) as error:
        return show_money(request, seat, error_in="budget", error=str(error))
    messages.success(request, f"The budget is now {exact_text(row.limit_micro, row.currency)}.")
    return redirect("money", public_id)


@require_POST
@login_required
@proved
def remove_budget(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a stage's or pool's budget away."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        scope, scope_id = _place(request, seat.project)
        budgets.remove_budget(
            project=seat.project,
            scope=scope,
            scope_id=scope_id,
            currency=typed(request, "currency", 10) or "USD",
            by=person(request),
            now=database_now(),
        )
    except CrowdError as error:
        return show_money(request, seat, error_in="budget", error=str(error))
    messages.success(request, "The budget is taken away; the wider ones still hold.")
    return redirect("money", public_id)


def _place(request: HttpRequest, project: Project) -> tuple[str, int]:
    """Read “pool:12”; the project itself needs no number."""
    scope, _, number = typed(request, "place", 40).partition(":")
    if scope == Budget.Scope.PROJECT:
        return scope, project.pk
    if not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise CrowdError("Choose what the budget is for: the whole project, a stage or a pool.")
    return scope, int(number)


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise ValueError(f"The warning must be at a whole number of percent, not {text!r}.")
    return int(text)


@require_POST
@login_required
@proved
def by_hand(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Book a refund or a correction, once per form that was shown."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        asked = _asked(request, seat)
        corrections.book(project=seat.project, asked=asked, by=person(request), now=database_now())
    except (CrowdError, ValueError) as error:
        return show_money(request, seat, error_in="hand", error=str(error))
    messages.success(request, f"The {asked.what} of {exact_text(asked.amount_micro, asked.currency)} is booked.")
    return redirect("money", public_id)


def _asked(request: HttpRequest, seat: Seat) -> ByHand:
    token, who = typed(request, "token", 40), typed(request, "worker", 200)
    if not TOKEN.fullmatch(token):
        raise CrowdError("This form is damaged: open the page again.")
    pool = _pool(typed(request, "pool", 30), seat.project)
    return ByHand(
        what=typed(request, "what", 20),
        book=typed(request, "book", 20),
        amount_micro=micro(typed(request, "amount", 30)),
        reason=typed(request, "reason"),
        ref=f"hand:{token}",
        currency=pool.account.currency if pool else typed(request, "currency", 10) or "USD",
        pool=pool,
        worker=find_worker(project=seat.project, text=who) if who else None,
    )


def _pool(text: str, project: Project) -> Pool | None:
    if not text:
        return None
    pools = Pool.objects.filter(project=project).select_related("account")
    row = pools.filter(pk=int(text)).first() if text.isascii() and text.isdecimal() and len(text) < 19 else None
    if row is None:
        raise CrowdError(f"This project has no pool {text}.")
    return row
