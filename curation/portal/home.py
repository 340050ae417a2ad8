"""What a worker can do and has earned."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import BudgetExceeded, NotYours, NoWork
from crowd.models import Assignment, Batch, Worker
from crowd.services import claims, earnings, own_queue
from crowd.services import messages as letters
from curation.portal.people import current_worker, for_workers
from curation.portal.shown import shown_offers
from curation.services import appeals

NEWEST_LETTERS = 5
NO_MONEY = "The money for this work is used up for now. What you have earned is safe."


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    worker = current_worker(request)
    if worker is None:
        return render(request, "worker/closed.html")
    now = database_now()
    open_pages = Assignment.objects.filter(worker=worker, state=Assignment.State.ACTIVE, lease_until__gt=now)
    active = {page.batch_id: page for page in open_pages}
    own = own_queue.waiting(worker_id=worker.pk)
    offers = claims.offers(worker_id=worker.pk, now=now)
    context = {
        "worker": worker,
        "offers": shown_offers(offers, active, own),
        "own": own.total(),
        "earnings": earnings.so_far(worker_id=worker.pk),
        "letters": letters.read_by(worker)[:NEWEST_LETTERS],
        "rejected": appeals.refused_pages(worker_id=worker.pk, now=now),
    }
    return render(request, "worker/home.html", context)


@require_POST
@for_workers
def take(request: HttpRequest, worker: Worker, batch_id: int) -> HttpResponse:
    if not Batch.objects.filter(pk=batch_id, account_id=worker.account_id).exists():
        raise Http404
    return next_page(request, worker, batch_id)


def next_page(request: HttpRequest, worker: Worker, batch_id: int) -> HttpResponse:
    """Claim a page and go to it, or go home with the reason why there is none."""
    page, reason = _claimed(worker, batch_id)
    if page is None:
        messages.info(request, reason)
        return redirect("w-home")
    return redirect("w-page", page.pk)


def go_on(request: HttpRequest, worker: Worker, batch_id: int) -> HttpResponse:
    """Go to the next page of the same pool; where it has none, to that of the next pool on the worker's list."""
    page, reason = _claimed(worker, batch_id)
    if page is not None:
        return redirect("w-page", page.pk)
    for offer in claims.offers(worker_id=worker.pk, now=database_now()):
        if offer.needs or offer.batch.pk == batch_id or offer.batch.kind != Batch.Kind.MAIN:
            continue
        page, _ = _claimed(worker, offer.batch.pk)
        if page is not None:
            messages.info(request, f"{reason} This is the next work for you.")
            return redirect("w-page", page.pk)
    messages.info(request, reason)
    return redirect("w-home")


def _claimed(worker: Worker, batch_id: int) -> tuple[Assignment | None, str]:
    """Return a page, or the sentence that says why there is none."""
    try:
        return claims.claim_page(batch_id=batch_id, worker_id=worker.pk, now=database_now()), ""
    except BudgetExceeded:
        return None, NO_MONEY
    except (NoWork, NotYours) as error:
        return None, str(error)
