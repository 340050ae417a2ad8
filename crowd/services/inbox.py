"""Pages that a platform tells of become rows, each once however often it is told.

Everybody locks in the same order: the batch, the budgets, its pages, the tasks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from crowd.bulk import bulk_load, plain_text
from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Assignment, Batch, Worker
from crowd.models.worker import digest_of
from crowd.platforms.base import RemoteAssignment
from crowd.services import confirming, control, incoming, judging, ledger, publishing, trust
from crowd.services.accepting import BY_PLATFORM, accept_waiting, book_taken
from crowd.services.answers_in import count_places, lock_tasks, store_answers
from crowd.services.incoming import Known, ReadPage, Sorted
from crowd.services.pages_in import Fees, give_back, hand_in, insert, note_states, one_in_hand_each, when

State = Assignment.State


class CountsDiffer(CrowdError):
    """Rows would have been lost; nothing was stored."""

    def __init__(self, taken: "Taken") -> None:
        super().__init__(
            f"Of {taken.received} pages told, {taken.inserted} came in, {taken.matched} were here, {taken.repeated} "
            f"were told twice, {taken.early} come later and {taken.unread} could not be read: nothing was stored."
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the pages told, each counted where it went; `changed` of those here and new have moved.

    `early`: not stored now, as it is told again when it is handed in. `refused`: what was not taken as it is, in words.
    """

    received: int = 0
    repeated: int = 0
    unread: int = 0
    early: int = 0
    inserted: int = 0
    matched: int = 0
    changed: int = 0
    refused: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether anything is otherwise than before."""
        return bool(self.inserted or self.changed)

    @property
    def is_whole(self) -> bool:
        """Say whether every page told has gone somewhere."""
        return self.received == self.repeated + self.unread + self.early + self.inserted + self.matched

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.received + other.received,
            self.repeated + other.repeated,
            self.unread + other.unread,
            self.early + other.early,
            self.inserted + other.inserted,
            self.matched + other.matched,
            self.changed + other.changed,
            [*self.refused, *other.refused],
        )


@transaction.atomic
def take(*, batch: Batch, pages: Sequence[RemoteAssignment], now: datetime) -> Taken:
    """Store pages and answers, count them, apply what the platform has decided, accept what we accept at once."""
    batch = Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=batch.pk)
    told, repeated, unread = incoming.distinct(pages)
    ledger.lock(purse=ledger.Purse.of(batch))
    known = _known(batch, told)
    found = incoming.sort(told, known, hosted=confirming.sorter_of(batch))
    found.refused[:0] = unread
    if found.new or found.moved:
        _store(batch, found, now)
    note_states(found.noted)
    if confirming.is_hosted(batch):
        confirming.settle(batch=batch, found=found, now=now)
    taken = Taken(
        received=len(pages),
        repeated=repeated,
        unread=len(unread),
        early=len(found.early),
        inserted=sum(bool(page.pk) for page in found.new),
        matched=len(known),
        changed=len({page.pk for page in [*found.moved, *found.apart]}),
        refused=found.refused,
    )
    if not taken.is_whole:
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
    keys = incoming.keys_of(found.with_answers)
    tasks = lock_tasks(batch, keys=keys, pages=[page.pk for page in found.given_back])
    _find_workers(batch, found.with_answers)
    _read(batch, found, tasks)
    fees = Fees(batch)
    hand_in(batch, found.handed_in, fees, now)
    give_back(batch, found.given_back, now)
    note_states(found.judged)
    found.new = sorted(one_in_hand_each(batch, found), key=partial(when, now=now))
    insert(batch, found.new, fees, now)
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
