"""Bonuses for one worker, or for a list of the workers of a pool."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from crowd.errors import CrowdError
from crowd.models import Assignment, Bonus, Worker
from crowd.money import exact_text
from crowd.services import bonuses
from curation.dashboard.forms import typed
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services.bonus_lists import read_list, wish_for

LEAD, VIEWER = Membership.Role.LEAD, Membership.Role.VIEWER
SHOWN = 100
LONGEST_LIST = 40_000


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def worker_bonuses(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """The bonuses of a worker here; a lead plans one more."""
    seat = seat_or_404(request, public_id, LEAD if request.method == "POST" else VIEWER)
    worker = _worker(seat, worker_id)
    found = Bonus.objects.filter(worker=worker)
    about = {"worker": worker, "currency": worker.account.currency}
    if request.method != "POST":
        return _page(request, seat, found, about)
    try:
        wish = wish_for(
            project=seat.project,
            worker=worker,
            amount=typed(request, "amount", 30),
            key=typed(request, "key", 200),
            message=typed(request, "message", 500),
        )
        bonus, new = bonuses.plan(wish=wish, by_id=person(request).pk)
    except CrowdError as error:
        return _page(request, seat, found, about, str(error))
    said = exact_text(bonus.amount_micro, worker.account.currency)
    if new:
        messages.success(request, f"A bonus of {said} for {worker.short_id} is on its way.")
    else:
        messages.info(request, f"{worker.short_id} has this bonus of {said} already; nothing is paid twice.")
    return redirect("worker", public_id, worker_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def pool_bonuses(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """The bonuses of a pool; a lead plans a list of them, all or none."""
    seat = seat_or_404(request, public_id, LEAD if request.method == "POST" else VIEWER)
    pool = Pool.objects.select_related("account").filter(project=seat.project, pk=pool_id).first()
    if pool is None:
        raise Http404
    found, about = Bonus.objects.filter(pool_id=pool.pk), {"pool": pool, "currency": pool.account.currency}
    if request.method != "POST":
        return _page(request, seat, found, about)
    try:
        wishes = read_list(
            project=seat.project,
            pool=pool,
            text=typed(request, "list", LONGEST_LIST),
            key=typed(request, "key", 200),
            message=typed(request, "message", 500),
        )
        planned = bonuses.plan_many(wishes=wishes, by_id=person(request).pk)
    except CrowdError as error:
        return _page(request, seat, found, about, str(error))
    known = len(planned.bonuses) - planned.new
    text = f"{planned.new} bonus{'' if planned.new == 1 else 'es'} on the way"
    messages.success(request, f"{text}, {known} were there already." if known else f"{text}.")
    return redirect("pool-bonuses", public_id, pool_id)


@require_POST
@login_required
def bonus_again(request: HttpRequest, public_id: UUID, bonus_id: int) -> HttpResponse:
    """Try a refused bonus once more."""
    seat = seat_or_404(request, public_id, LEAD)
    bonus = Bonus.objects.filter(project_id=seat.project.pk, pk=bonus_id).first()
    if bonus is None:
        raise Http404
    try:
        bonuses.plan_again(bonus_id=bonus.pk)
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The bonus is on its way again.")
    return redirect("worker-bonuses", public_id, bonus.worker_id)


def _worker(seat: Seat, worker_id: int) -> Worker:
    here = Assignment.objects.filter(project_id=seat.project.pk, worker_id=worker_id).exists()
    worker = Worker.objects.select_related("account").filter(pk=worker_id).first() if here else None
    if worker is None:
        raise Http404
    return worker


def _page(
    request: HttpRequest, seat: Seat, found: "QuerySet[Bonus]", about: dict[str, Any], error: str = ""
) -> HttpResponse:
    here = found.filter(project_id=seat.project.pk).select_related("worker", "account")
    rows = here.order_by("-id")[:SHOWN]
    context = {"seat": seat, "rows": rows, "error": error, "typed": request.POST if error else {}, **about}
    return render(request, "curation/money/bonuses.html", context, status=400 if error else 200)
