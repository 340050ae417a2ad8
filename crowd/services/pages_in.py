"""The rows of pages that platforms tell of: new ones inserted, those in hand handed in or given back."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from crowd.bulk import bulk_load, staged
from crowd.errors import BudgetExceeded
from crowd.models import Assignment, Batch
from crowd.platforms.registry import platform
from crowd.services import confirming, incoming, ledger
from crowd.services.accepting import accept_stored, unpaid_workers
from crowd.services.answers_in import count_places
from crowd.services.incoming import ReadPage, Sorted

State = Assignment.State
LONGEST_MS = 2**31 - 1  # what the column holds
GRACE = timedelta(days=1)  # a page elsewhere ends when the platform says so; ours is only the last resort
PAGE_COLUMNS = {
    "ext_id": "text",
    "ext_digest": "bytea",
    "worker_id": "bigint",
    "state": "text",
    "price_micro": "bigint",
    "fee_micro": "bigint",
    "issued_at": "timestamptz",
    "lease_until": "timestamptz",
    "submitted_at": "timestamptz",
    "judged_at": "timestamptz",
    "duration_ms": "integer",
    "processed_at": "timestamptz",
    "awaits_files": "boolean",
    "platform_state": "text",
    "review_until": "timestamptz",
}


class Fees:
    """The platform's fee by price; most pages of a batch cost the same."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._known = batch, dict[int, int]()

    def of(self, price_micro: int) -> int:
        if price_micro not in self._known:
            adapter, batch = platform(self._batch.account.platform), self._batch
            self._known[price_micro] = adapter.fee(batch.account, price_micro=price_micro, overlap=batch.overlap)
        return self._known[price_micro]


def _row(batch: Batch, page: ReadPage, fees: Fees, now: datetime, *, at_once: bool = False) -> tuple[Any, ...]:
    """Return the values of PAGE_COLUMNS. What is handed in starts as submitted, or accepted at once if it may."""
    told, accepted = page.told, at_once and _is_accepted_at_once(batch, page)
    submitted = (told.submitted_at or now) if page.is_in else None
    issued = told.issued_at or submitted or now
    over = page.is_in and (page.fault or told.state == State.REJECTED or batch.kind != Batch.Kind.MAIN)
    return (
        told.ext_id,
        page.digest,
        page.worker_id,
        (State.ACCEPTED if accepted else State.SUBMITTED).value if page.is_in else told.state,
        told.price_micro,
        fees.of(told.price_micro),
        issued,
        issued + timedelta(seconds=batch.assignment_seconds) + GRACE,
        submitted,
        now if accepted or told.state in incoming.GIVEN_BACK else None,
        _milliseconds(submitted - issued) if submitted and told.issued_at else None,
        now if over else None,
        page.awaits_files,
        told.state,
        submitted + timedelta(days=batch.review_days) if submitted else None,
    )


def when(page: ReadPage, now: datetime) -> datetime:
    """Return what pages are numbered by: what was handed in first is looked at first."""
    return page.told.submitted_at or page.told.issued_at or now


def _milliseconds(time: timedelta) -> int:
    return min(max(0, time // timedelta(milliseconds=1)), LONGEST_MS)


def hand_in(batch: Batch, pages: Sequence[ReadPage], fees: Fees, now: datetime) -> None:
    """Move pages that were in hand to submitted. A hosted page keeps its price: ours was held when it was issued."""
    if not pages:
        return
    kept = {
        "ext_id",
        "ext_digest",
        "worker_id",
        "issued_at",
        "lease_until",
        *({"price_micro", "fee_micro"} if confirming.is_hosted(batch) else ()),
    }
    changed = ", ".join(f"{name} = staged_pages.{name}" for name in PAGE_COLUMNS if name not in kept)
    rows = [(page.pk, *_row(batch, page, fees, now)) for page in pages]
    with staged("staged_pages", {"id": "bigint", **PAGE_COLUMNS}, rows) as cursor:
        cursor.execute(
            f"UPDATE crowd_assignment page SET {changed} FROM staged_pages WHERE page.id = staged_pages.id"  # noqa: S608
        )


def give_back(batch: Batch, pages: Sequence[ReadPage], now: datetime) -> None:
    ids = [page.pk for page in pages]
    for state in incoming.GIVEN_BACK:
        mine = [page.pk for page in pages if page.told.state == state]
        Assignment.objects.filter(pk__in=mine).update(state=state, judged_at=now, platform_state=state)
    count_places([page.pk for page in pages if page.known and page.known.has_answers], issued=-1, done=0)
    for pk in ids if confirming.is_hosted(batch) else ():
        ledger.release(ref=f"assignment:{pk}")


def note_states(pages: Sequence[ReadPage]) -> None:
    for state in {page.told.state for page in pages}:
        mine = [page.pk for page in pages if page.told.state == state]
        Assignment.objects.filter(pk__in=mine).update(platform_state=state)


def insert(batch: Batch, pages: Sequence[ReadPage], fees: Fees, now: datetime) -> None:
    """Store new pages. Those accepted at once are stored as accepted: thousands need not be written twice."""
    paying = not unpaid_workers(batch=batch, now=now)
    at_once = [page for page in pages if paying and _is_accepted_at_once(batch, page)]
    try:
        with transaction.atomic():
            _insert_rows(batch, pages, [_row(batch, page, fees, now, at_once=paying) for page in pages])
            accept_stored(batch=batch, pages=[_light(batch, page, fees) for page in at_once if page.pk], now=now)
    except BudgetExceeded:  # not all can be paid: they come in unaccepted, and as many as possible are accepted then
        _insert_rows(batch, pages, [_row(batch, page, fees, now) for page in pages])


def _insert_rows(batch: Batch, pages: Sequence[ReadPage], rows: Sequence[tuple[Any, ...]]) -> None:
    inserted = bulk_load(
        model=Assignment,
        columns=list(PAGE_COLUMNS),
        rows=rows,
        same={"account_id": batch.account_id, "batch_id": batch.pk, "project_id": batch.project_id},
        conflict=["account_id", "ext_digest"],
        returning=["ext_digest", "id"],
    )
    ids = {bytes(digest): pk for digest, pk in inserted}
    for page in pages:
        page.pk = ids.get(page.digest, 0)


def _is_accepted_at_once(batch: Batch, page: ReadPage) -> bool:
    told = page.told.state == State.SUBMITTED and batch.kind == Batch.Kind.MAIN and batch.auto_accept
    return told and not page.fault and not page.awaits_files


def _light(batch: Batch, page: ReadPage, fees: Fees) -> Assignment:
    """Return what paying a page needs to know of it, without reading it back."""
    return Assignment(
        pk=page.pk,
        account_id=batch.account_id,
        batch=batch,
        worker_id=page.worker_id,
        state=State.SUBMITTED,
        price_micro=page.told.price_micro,
        fee_micro=fees.of(page.told.price_micro),
        platform_state=page.told.state,
    )


def one_in_hand_each(batch: Batch, found: Sorted) -> Iterator[ReadPage]:
    """Leave out a second page that a worker has in hand: it comes in when it is handed in."""
    workers = [page.worker_id for page in found.new if page.told.state == State.ACTIVE]
    in_hand = Assignment.objects.filter(batch=batch, state=State.ACTIVE, worker_id__in=workers)
    busy = set(in_hand.values_list("worker_id", flat=True)) if workers else set()
    for page in found.new:
        if page.told.state != State.ACTIVE:
            yield page
        elif page.worker_id in busy:
            found.early.append(page)
            found.refused.append(f"Page {page.told.ext_id}: its worker has another page of this batch in hand.")
        else:
            busy.add(page.worker_id)
            yield page
