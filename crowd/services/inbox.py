"""Pages that a platform tells of become rows, each once however often it is told.

Everybody locks in the same order: the batch, its pages, the budgets, the tasks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction

from crowd.bulk import bulk_load, plain_text, staged
from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Assignment, Batch, Worker
from crowd.models.worker import digest_of
from crowd.platforms.base import RemoteAssignment
from crowd.platforms.registry import platform
from crowd.services import confirming, control, incoming, judging, ledger, publishing, trust
from crowd.services.accepting import BY_PLATFORM, accept_stored, accept_waiting, book_taken, unpaid_workers
from crowd.services.answers_in import count_places, lock_tasks, store_answers
from crowd.services.incoming import Known, ReadPage, Sorted

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


class CountsDiffer(CrowdError):
    """Rows would have been lost; nothing was stored."""

    def __init__(self, taken: "Taken") -> None:
        super().__init__(
            f"Of {taken.received} pages told, {taken.distinct} are distinct, but {taken.inserted} came in and "
            f"{taken.matched} were here: nothing was stored."
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the pages told: `inserted + matched` is always `distinct`; `changed` of the matched have moved."""

    received: int = 0
    distinct: int = 0
    inserted: int = 0
    matched: int = 0
    changed: int = 0
    refused: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether anything is otherwise than before."""
        return bool(self.inserted or self.changed)

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.received + other.received,
            self.distinct + other.distinct,
            self.inserted + other.inserted,
            self.matched + other.matched,
            self.changed + other.changed,
            [*self.refused, *other.refused],
        )


@transaction.atomic
def take(*, batch: Batch, pages: Sequence[RemoteAssignment], now: datetime) -> Taken:
    """Store pages and answers, count them, apply what the platform has decided, accept what we accept at once."""
    batch = Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=batch.pk)
    told, refused = incoming.distinct(pages)
    known = _known(batch, told)
    found = incoming.sort(told, known, hosted=confirming.sorter_of(batch))
    found.refused[:0] = refused
    if found.new or found.moved:
        _store(batch, found, now)
    _note_states(found.noted)
    if confirming.is_hosted(batch):
        confirming.settle(batch=batch, found=found, now=now)
    taken = Taken(
        received=len(pages),
        distinct=len(found.new) + len(known),
        inserted=sum(bool(page.pk) for page in found.new),
        matched=len(known),
        changed=len({page.pk for page in [*found.moved, *found.apart]}),
        refused=found.refused,
    )
    if taken.inserted + taken.matched != taken.distinct:
        raise CountsDiffer(taken)
    return taken


def _known(batch: Batch, told: Mapping[bytes, ReadPage]) -> dict[bytes, Known]:
    """Return our rows of these pages, locked. The text is compared too: a digest might be met by another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ext_digest, id, ext_id, state, platform_state, state = 'active' AND EXISTS "
            "(SELECT 1 FROM crowd_answer WHERE assignment_id = page.id), "
            "(SELECT ext_id FROM crowd_worker WHERE id = page.worker_id) FROM crowd_assignment page "
            "WHERE account_id = %s AND ext_digest = ANY(%s) ORDER BY id FOR UPDATE",
            [batch.account_id, list(told)],
        )
        rows = {bytes(digest): Known(*rest) for digest, *rest in cursor.fetchall()}
    return {digest: row for digest, row in rows.items() if row.ext_id == told[digest].told.ext_id}


def _store(batch: Batch, found: Sorted, now: datetime) -> None:
    ledger.lock(purse=ledger.Purse.of(batch))
    keys = incoming.keys_of(found.with_answers)
    tasks = lock_tasks(batch, keys=keys, pages=[page.pk for page in found.given_back])
    _find_workers(batch, found.with_answers)
    _read(batch, found, tasks)
    fees = _Fees(batch)
    _hand_in(batch, found.handed_in, fees, now)
    _give_back(batch, found.given_back, now)
    _note_states(found.judged)
    found.new = sorted(_one_in_hand_each(batch, found), key=partial(_when, now=now))
    _insert(batch, found.new, fees, now)
    _count_and_answer(batch, found)
    _judge(batch, found, now)
    _fit_hold(batch, found)


def _find_workers(batch: Batch, pages: Sequence[ReadPage]) -> None:
    """Give each page its worker, made on first sight."""
    digests = {ext_id: digest_of(ext_id) for ext_id in {page.told.worker_ext_id for page in pages}}
    here = Worker.objects.filter(account_id=batch.account_id, ext_digest__in=list(digests.values()))
    ids = {bytes(digest): pk for digest, pk in here.values_list("ext_digest", "pk")}
    new = bulk_load(
        model=Worker,
        columns=["ext_id", "ext_digest"],
        rows=[(ext_id, digest) for ext_id, digest in sorted(digests.items()) if digest not in ids],
        same={"account_id": batch.account_id},
        conflict=["account_id", "ext_digest"],
        returning=["ext_digest", "id"],
    )
    ids.update((bytes(digest), pk) for digest, pk in new)
    for page in pages:
        page.worker_id = ids[digests[page.told.worker_ext_id]]


def _read(batch: Batch, found: Sorted, tasks: Mapping[str, incoming.TaskKnown]) -> None:
    hosted, taken = confirming.is_hosted(batch), set[tuple[int, int]]()
    for page in found.with_answers:
        if not hosted:
            found.refused += incoming.read_answers(page, batch=batch, tasks=tasks, taken=taken)
        elif page.told.state != State.REJECTED:
            page.fault = confirming.NOT_STARTED if page.known is None else confirming.UNFINISHED
            page.is_stray = page.told.state == State.SUBMITTED


class _Fees:
    """The platform's fee by price; most pages of a batch cost the same."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._known = batch, dict[int, int]()

    def of(self, price_micro: int) -> int:
        if price_micro not in self._known:
            adapter, batch = platform(self._batch.account.platform), self._batch
            self._known[price_micro] = adapter.fee(batch.account, price_micro=price_micro, overlap=batch.overlap)
        return self._known[price_micro]


def _row(batch: Batch, page: ReadPage, fees: _Fees, now: datetime, *, at_once: bool = False) -> tuple[Any, ...]:
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


def _when(page: ReadPage, now: datetime) -> datetime:
    """Return what pages are numbered by: what was handed in first is looked at first."""
    return page.told.submitted_at or page.told.issued_at or now


def _milliseconds(time: timedelta) -> int:
    return min(max(0, time // timedelta(milliseconds=1)), LONGEST_MS)


def _hand_in(batch: Batch, pages: Sequence[ReadPage], fees: _Fees, now: datetime) -> None:
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


def _give_back(batch: Batch, pages: Sequence[ReadPage], now: datetime) -> None:
    ids = [page.pk for page in pages]
    for state in incoming.GIVEN_BACK:
        mine = [page.pk for page in pages if page.told.state == state]
        Assignment.objects.filter(pk__in=mine).update(state=state, judged_at=now, platform_state=state)
    count_places([page.pk for page in pages if page.known and page.known.has_answers], issued=-1, done=0)
    for pk in ids if confirming.is_hosted(batch) else ():
        ledger.release(ref=f"assignment:{pk}")


def _note_states(pages: Sequence[ReadPage]) -> None:
    for state in {page.told.state for page in pages}:
        mine = [page.pk for page in pages if page.told.state == state]
        Assignment.objects.filter(pk__in=mine).update(platform_state=state)


def _insert(batch: Batch, pages: Sequence[ReadPage], fees: _Fees, now: datetime) -> None:
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


def _light(batch: Batch, page: ReadPage, fees: _Fees) -> Assignment:
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


def _one_in_hand_each(batch: Batch, found: Sorted) -> Iterator[ReadPage]:
    """Leave out a second page that a worker has in hand: it comes in when it is handed in."""
    workers = [page.worker_id for page in found.new if page.told.state == State.ACTIVE]
    in_hand = Assignment.objects.filter(batch=batch, state=State.ACTIVE, worker_id__in=workers)
    busy = set(in_hand.values_list("worker_id", flat=True)) if workers else set()
    for page in found.new:
        if page.told.state != State.ACTIVE:
            yield page
        elif page.worker_id in busy:
            found.refused.append(f"Page {page.told.ext_id}: its worker has another page of this batch in hand.")
        else:
            busy.add(page.worker_id)
            yield page


def _count_and_answer(batch: Batch, found: Sorted) -> None:
    pages = [page for page in found.with_answers if page.pk]
    found.refused += store_answers(batch, pages)
    unusable = {page.pk for page in pages if page.fault and page.told.state == State.ACCEPTED}
    counted = [page for page in pages if page.pk not in unusable]
    count_places([page.pk for page in counted if page.told.state == State.ACTIVE], issued=1, done=0)
    fresh = [page.pk for page in counted if page.is_in and not _was_counted(page)]
    count_places(fresh, issued=1, done=1)
    count_places([page.pk for page in counted if page.is_in and _was_counted(page)], issued=0, done=1)


def _was_counted(page: ReadPage) -> bool:
    """Say whether the page's tasks were counted as given out when it was taken."""
    return page.known is not None and page.known.has_answers


def _judge(batch: Batch, found: Sorted, now: datetime) -> None:
    """Follow the platform's verdicts, give ours: reject what is malformed, grade, accept what is accepted at once."""
    fresh = [page for page in found.with_answers if page.is_in and page.pk and not page.is_stray]
    for page in [*fresh, *found.judged]:
        reason = page.fault or page.told.reason or "Rejected on the platform."
        if page.told.state == State.REJECTED or (page.fault and page.told.state != State.ACCEPTED):
            judging.reject(assignment_id=page.pk, reason=plain_text(reason), now=now)
    if batch.kind != Batch.Kind.MAIN:
        _grade(batch, [page.pk for page in fresh if page.told.state != State.REJECTED], now)
    for reason, ids in _taken(batch, [*fresh, *found.judged]).items():
        book_taken(batch=batch, ids=ids, reason=reason, now=now)
    if batch.auto_accept or batch.kind != Batch.Kind.MAIN:
        _, sentence = accept_waiting(batch=batch, now=now)
        found.refused += [sentence] if sentence else []
    if batch.kind == Batch.Kind.MAIN:
        _apply_rules(batch, found, now)


def _taken(batch: Batch, pages: Iterable[ReadPage]) -> dict[str, list[int]]:
    """Group the pages the platform has accepted by itself by what is noted of them."""
    groups: dict[str, list[int]] = {}
    for page in pages:
        if page.told.state == State.ACCEPTED:
            note = "" if batch.kind != Batch.Kind.MAIN else BY_PLATFORM
            groups.setdefault(f"{note}: {page.fault}" if page.fault else note, []).append(page.pk)
    return groups


def _grade(batch: Batch, ids: Sequence[int], now: datetime) -> None:
    for page in Assignment.objects.filter(pk__in=ids).order_by("submitted_at", "pk"):
        page.batch = batch
        control.grade(page=page, now=now)


def _apply_rules(batch: Batch, found: Sorted, now: datetime) -> None:
    """Look at every page that came in or was given back; without rules, at those that had control tasks."""
    over = [page for page in [*found.with_answers, *found.given_back] if page.pk and page.told.state != State.ACTIVE]
    ids = [page.pk for page in over if batch.rules or any(answer.control_ok is not None for answer in page.answers)]
    for page in Assignment.objects.filter(pk__in=ids).order_by("submitted_at", "pk"):
        page.batch = batch
        trust.apply_rules(page=page, now=now)


def _fit_hold(batch: Batch, found: Sorted) -> None:
    """Hold what the batch may still cost from here on; what the budget does not grant is said, not lost."""
    try:
        with transaction.atomic():
            publishing.fit_hold(batch=batch)
    except BudgetExceeded as error:
        found.refused.append(f"The money for what is to come in {batch.key} cannot be held: {error}")
