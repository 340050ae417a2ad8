"""What a worker can do and has earned."""

from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import BudgetExceeded, NotYours, NoWork
from crowd.models import Assignment, Batch, Worker
from crowd.services import claims, earnings, offers, own_queue, queue_facts
from crowd.services import messages as letters
from curation.portal.earnings import rejected_pages
from curation.portal.idle import bar_sentences, idle_sentences
from curation.portal.languages import speak_to
from curation.portal.offers import shown_offers
from curation.portal.people import current_worker, for_workers

NEWEST_LETTERS = 5
BRIEFLY = "briefly"  # a message of a word, beside the count of the page instead of above its first task
NO_MONEY = gettext_noop("The money for this work is used up for now. What you have earned is safe.")


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    worker = current_worker(request)
    if worker is None:
        return render(request, "worker/closed.html")
    speak_to(worker)
    now = database_now()
    active = {page.batch_id: page for page in _in_hand(worker, now)}
    own = own_queue.waiting(worker_id=worker.pk)
    found = offers.offers(worker_id=worker.pk, now=now)
    currency = worker.account.currency
    shown = shown_offers(found, active, own, currency)
    bars = queue_facts.bars(worker=worker, now=now)
    is_idle = not bars and all(offer.needs for offer in shown)
    context = {
        "worker": worker,
        "offers": shown,
        "bars": [bar_sentences(bar) for bar in bars[:1]],
        "why_idle": idle_sentences(queue_facts.facts(worker=worker, offers=found, now=now)) if is_idle else [],
        "own": own.total(),
        "currency": currency,
        "earnings": earnings.so_far(worker_id=worker.pk),
        "letters": letters.read_by(worker)[:NEWEST_LETTERS],
        "rejected": rejected_pages(worker, now),
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


def go_on(request: HttpRequest, worker: Worker, batch_id: int, said: str) -> HttpResponse:
    """Go to the next page of the same pool; where it has none, to the page in hand or to that of the next pool.

    `said` of the page that is in stands first wherever something else comes than one more page like it. Above that
    one a word is enough, and is needed: without it the page looks as if nothing had been sent.
    """
    page, reason = _claimed(worker, batch_id)
    if page is not None:
        messages.success(request, _("Handed in"), extra_tags=BRIEFLY)
        return redirect("w-page", page.pk)
    page = _elsewhere(worker, batch_id)
    if page is not None:
        messages.success(request, " ".join([said, _("This is the next work for you.")]))
        return redirect("w-page", page.pk)
    messages.success(request, said)
    messages.info(request, reason)
    return redirect("w-home")


def _elsewhere(worker: Worker, batch_id: int) -> Assignment | None:
    """Return the page in hand, else one of the next pool on the worker's list."""
    now = database_now()
    begun = _in_hand(worker, now).first()
    if begun is not None:
        return begun
    for offer in offers.offers(worker_id=worker.pk, now=now):
        if offer.needs or offer.batch.pk == batch_id or offer.batch.kind != Batch.Kind.MAIN:
            continue
        page, _why = _claimed(worker, offer.batch.pk)
        if page is not None:
            return page
    return None


def _in_hand(worker: Worker, now: datetime) -> QuerySet[Assignment]:
    """Return the worker's open pages, first the one whose time is over first."""
    open_pages = Assignment.objects.filter(worker=worker, state=Assignment.State.ACTIVE, lease_until__gt=now)
    return open_pages.order_by("lease_until")


def _claimed(worker: Worker, batch_id: int) -> tuple[Assignment | None, str]:
    """Return a page, or the sentence that says why there is none."""
    try:
        return claims.claim_page(batch_id=batch_id, worker_id=worker.pk, now=database_now()), ""
    except BudgetExceeded:
        return None, _(NO_MONEY)
    except (NoWork, NotYours) as error:
        return None, str(error)
