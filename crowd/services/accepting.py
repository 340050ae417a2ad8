"""Accepting many pages of one batch at once: what our budget grants, and what a platform has taken by itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from crowd.bulk import bulk_load
from crowd.errors import BudgetExceeded
from crowd.models import Assignment, Batch, OutboxCommand, Restriction
from crowd.services import ledger, outbox, skills, trust

State = Assignment.State
BY_PLATFORM = "accepted by the platform"


def accept_waiting(*, batch: Batch, now: datetime) -> tuple[int, str]:
    """Accept the submitted pages of a batch whose files are here and whose workers no rule has stopped paying.

    The oldest come first, as many as the budget grants. Returns how many were accepted, and a sentence about the rest.
    """
    ready = Assignment.objects.filter(batch=batch, awaits_files=False)
    return accept_these(batch=batch, pages=ready.exclude(worker__in=unpaid_workers(batch=batch, now=now)), now=now)


def unpaid_workers(*, batch: Batch, now: datetime) -> list[int]:
    """Return the workers whose pages in this batch wait for a person before they are paid; mostly there are none."""
    stopped = Restriction.objects.in_force(now).filter(effect=Restriction.Effect.UNPAID)
    ids = stopped.filter(worker__account_id=batch.account_id).values_list("worker_id", flat=True).distinct()
    return [pk for pk in ids if trust.is_unpaid(worker_id=pk, batch=batch, now=now)]


@transaction.atomic
def accept_these(*, batch: Batch, pages: QuerySet[Assignment], now: datetime) -> tuple[int, str]:
    """Accept those of these pages that are submitted, the oldest first, as many as the budget grants.

    A page that somebody is working on at this moment is left to him.
    """
    ledger.lock(purse=ledger.Purse.of(batch))
    open_ones = pages.filter(batch=batch, state=State.SUBMITTED)
    free = open_ones.select_for_update(of=("self",), skip_locked=True).order_by("pk")
    found = sorted(free, key=lambda page: page.submitted_at or now)
    try:
        _accept(batch, found, now)
    except BudgetExceeded as error:
        granted = list(_worth(found, sum(map(_cost, found)) - error.wanted_micro + error.free_micro))
        return _accept_fewer(batch, granted, now), _waits(len(found) - len(granted), batch, error)
    return len(found), ""


def _accept_fewer(batch: Batch, pages: Sequence[Assignment], now: datetime) -> int:
    try:
        _accept(batch, pages, now)
    except BudgetExceeded:  # a second budget has still less
        return 0
    return len(pages)


def _waits(n: int, batch: Batch, error: BudgetExceeded) -> str:
    pages = "1 page waits" if n == 1 else f"{n} pages wait"
    return f"{pages} to be accepted in {batch.key}: {error}"


def _cost(page: Assignment) -> int:
    return page.price_micro + page.fee_micro


def _worth(pages: Sequence[Assignment], amount_micro: int) -> Iterator[Assignment]:
    """Yield the first pages that together cost no more than this."""
    for page in pages:
        amount_micro -= _cost(page)
        if amount_micro < 0:
            return
        yield page


@transaction.atomic
def _accept(batch: Batch, pages: Sequence[Assignment], now: datetime) -> None:
    accept_stored(batch=batch, pages=pages, now=now)
    _mark_accepted(pages, reason="", now=now)


def accept_stored(*, batch: Batch, pages: Sequence[Assignment], now: datetime) -> None:
    """Do what goes with accepting pages, whose rows the caller writes. Raises BudgetExceeded."""
    ledger.charge_many(pages={batch: pages}, now=now)
    _plan_acceptances(batch, pages)
    _count_skills(batch, pages, now)


def _plan_acceptances(batch: Batch, pages: Sequence[Assignment]) -> None:
    """Plan what the platform has to be told of these verdicts."""
    untold = [page.pk for page in pages if page.platform_state not in {"", State.ACCEPTED}]
    bulk_load(
        model=OutboxCommand,
        columns=["key", "lane", "payload"],
        rows=[(f"accept-{pk}", f"page:{pk}", f'{{"assignment_id": {pk}}}') for pk in untold],
        same={"kind": "accept", "queue": outbox.QUEUE, "account_id": batch.account_id, "batch_id": batch.pk},
        conflict=["kind", "key"],
    )


@transaction.atomic
def book_taken(*, batch: Batch, ids: Sequence[int], now: datetime, reason: str = BY_PLATFORM) -> None:
    """Accept pages that the platform has accepted by itself: the money is gone, whatever the budget says."""
    open_states = [State.SUBMITTED, State.REJECTED]
    pages = list(
        Assignment.objects.select_for_update().filter(pk__in=ids, batch=batch, state__in=open_states).order_by("pk")
    )
    ledger.charge_many(pages={batch: pages}, now=now, forced=True)
    _mark_accepted(pages, reason=reason[:300], now=now)
    _count_skills(batch, pages, now)


def _mark_accepted(pages: Sequence[Assignment], *, reason: str, now: datetime) -> None:
    ids = [page.pk for page in pages]
    Assignment.objects.filter(pk__in=ids).update(state=State.ACCEPTED, judged_at=now, reason=reason)


def _count_skills(batch: Batch, pages: Sequence[Assignment], now: datetime) -> None:
    """`pages` are as they were before: those that were rejected have been counted."""
    counted = {page.pk for page in pages if page.state == State.REJECTED}
    skills.count_acceptances(pages={batch: pages}, accepted=True, now=now, counted_before=counted)
