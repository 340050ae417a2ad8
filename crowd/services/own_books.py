"""Our own books against our own rows: sums, holds, charges, budgets, and effects nobody knows the end of."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from crowd.models import Account, Assignment, Batch, Bonus, Budget, LedgerEntry, OutboxCommand, Reservation, Task
from crowd.money import plain
from crowd.services import publishing, rollups, tallies

Book = LedgerEntry.Book
Scope = Budget.Scope
HELD = Reservation.State.HELD
UNKNOWN_FOR = timedelta(minutes=2)
UNFINISHED = [OutboxCommand.State.PLANNED, OutboxCommand.State.SENDING, OutboxCommand.State.UNKNOWN]
MOST_LISTED = 200  # of one kind in one batch: whoever sees so many knows that something is wrong

# An accepted page is charged what it costs and any other nothing. The ledger names pages by `assignment:ID`.
CHARGES = """
SELECT page.id, page.state, due.kind, due.amount, coalesce(entry.amount_micro, 0) FROM crowd_assignment page
 CROSS JOIN LATERAL (VALUES ('charge', CASE page.state WHEN 'accepted' THEN page.price_micro ELSE 0 END),
                            ('fee', CASE page.state WHEN 'accepted' THEN page.fee_micro ELSE 0 END)
                    ) AS due (kind, amount)
  LEFT JOIN crowd_ledgerentry entry ON entry.kind = due.kind AND entry.ref = 'assignment:' || page.id
 WHERE page.batch_id = %(batch)s AND due.amount <> coalesce(entry.amount_micro, 0) ORDER BY page.id LIMIT %(most)s
"""
# A page under way is held by itself, unless its batch holds for all of them, or it is one that will not be paid: its
# platform has it and no work was done here.
PAGE_HOLDS = """
SELECT page.id, page.state, due.amount, coalesce(hold.amount_micro, 0) FROM crowd_assignment page
 CROSS JOIN LATERAL (VALUES (CASE WHEN page.state IN ('active', 'submitted') AND NOT %(held_by_batch)s
                                       AND NOT (page.awaits_files AND page.processed_at IS NOT NULL)
                                  THEN page.price_micro + page.fee_micro ELSE 0 END)) AS due (amount)
  LEFT JOIN crowd_reservation hold ON hold.ref = 'assignment:' || page.id AND hold.state = 'held'
 WHERE page.batch_id = %(batch)s AND due.amount <> coalesce(hold.amount_micro, 0) ORDER BY page.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """What we have and what there should be, or what the platform has, and where to look."""

    kind: str
    local: int | str
    remote: int | str
    where: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def place(batch: Batch, more: str = "") -> str:
    return f"{batch.account.slug}, {batch.key}{f', {more}' if more else ''}"


def differences(*, batches: Sequence[Batch], account: Account | None, now: datetime) -> Iterator[Difference]:
    """Yield what does not agree inside our own house. `account` None = look at the budgets of every project too."""
    known = {batch.pk: batch for batch in batches}
    only = None if account is None else known.keys()
    yield from _rollups(known, only)
    yield from counts(only=only)
    for batch in batches:
        yield from _charges(batch)
        yield from _batch_hold(batch)
        yield from _page_holds(batch)
    yield from _bonus_holds(account)
    yield from _unknown_effects(account, now)
    projects = None if account is None else {batch.project_id for batch in batches}
    yield from _budgets(projects)


def _rollups(batches: Mapping[int, Batch], only: Collection[int] | None) -> Iterator[Difference]:
    for wrong in rollups.compare(batches=only):
        batch = batches.get(wrong.batch_id)
        if batch is not None:
            local = f"{wrong.told_n} worth {plain(wrong.told_micro)}"
            rows = f"{wrong.rows_n} worth {plain(wrong.rows_micro)}"
            yield Difference("rollup", local, rows, place(batch, f"pages that are {wrong.state}"))


def counts(*, only: Collection[int] | None = None, source: tallies.Source = tallies.PAGES) -> Iterator[Difference]:
    """Yield counts that screens show and that differ from the rows; `only` those of some batches."""
    for wrong in tallies.compare(source=source, batches=only):
        yield Difference("count", wrong.told, wrong.rows, f"{wrong.of_kind} {wrong.of_id}, {wrong.word}")


def _rows(query: str, batch: Batch, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"batch": batch.pk, "most": MOST_LISTED, **more})
        return list(cursor.fetchall())


def _charges(batch: Batch) -> Iterator[Difference]:
    for pk, state, kind, due, booked in _rows(CHARGES, batch):
        yield Difference(kind, plain(booked), plain(due), place(batch, f"assignment {pk}, {state}"))


def _page_holds(batch: Batch) -> Iterator[Difference]:
    by_batch = publishing.pages_of(batch) == "remote"
    for pk, state, due, held in _rows(PAGE_HOLDS, batch, held_by_batch=by_batch):
        yield Difference("hold", plain(held), plain(due), place(batch, f"assignment {pk}, {state}"))


def _batch_hold(batch: Batch) -> Iterator[Difference]:
    """Compare what a batch elsewhere holds with what it may still cost, unless that is just being changed."""
    if publishing.pages_of(batch) != "remote" or is_being_changed(batch):
        return
    hold = Reservation.objects.filter(ref=f"batch:{batch.pk}", state=HELD).first()
    held, needed = hold.amount_micro if hold else 0, publishing.may_still_cost(batch)
    if held != needed:
        yield Difference("hold", plain(held), plain(needed), place(batch, "what it may still cost"))


def is_being_changed(batch: Batch) -> bool:
    """Say whether tasks of the batch are on their way to its platform."""
    on_their_way = OutboxCommand.objects.filter(lane=f"tasks:{batch.pk}", state__in=UNFINISHED)
    return Task.objects.filter(batch=batch, to_push=True).exists() or on_their_way.exists()


def _bonus_holds(account: Account | None) -> Iterator[Difference]:
    planned = Bonus.objects.select_related("account").filter(state=Bonus.State.PLANNED)
    if account is not None:
        planned = planned.filter(account=account)
    held = dict(Reservation.objects.filter(ref__startswith="bonus:", state=HELD).values_list("ref", "amount_micro"))
    for bonus in planned.order_by("pk"):
        due, there = bonus.amount_micro + bonus.fee_micro, held.pop(f"bonus:{bonus.pk}", 0)
        if due != there:
            yield Difference("hold", plain(there), plain(due), f"{bonus.account.slug}, bonus {bonus.pk}")
    for ref, amount in held.items() if account is None else ():
        yield Difference("hold", plain(amount), plain(0), ref)


def _unknown_effects(account: Account | None, now: datetime) -> Iterator[Difference]:
    unknown = OutboxCommand.objects.filter(state=OutboxCommand.State.UNKNOWN).select_related("account")
    old = unknown.filter(Q(started_at__lt=now - UNKNOWN_FOR) | Q(started_at=None, created_at__lt=now - UNKNOWN_FOR))
    if account is not None:
        old = old.filter(account=account)
    for command in old.order_by("pk"):
        yield Difference("outbox", command.state, "not looked at", f"{command.account.slug}, {command}")


def _budgets(projects: set[int] | None) -> Iterator[Difference]:
    rows = Budget.objects.all() if projects is None else Budget.objects.filter(project_id__in=projects)
    for budget in rows.order_by("project_id", "pk"):
        yield from _budget(budget)


def _budget(budget: Budget) -> Iterator[Difference]:
    there = {"project_id": budget.project_id, "currency": budget.currency}
    there |= {} if budget.scope == Scope.PROJECT else {f"{budget.scope}_id": budget.scope_id}
    entries, holds = LedgerEntry.objects.filter(**there), Reservation.objects.filter(state=HELD, **there)
    spent = _sum(entries, "target", Book.WORKERS, Book.PLATFORM) - _sum(entries, "source", Book.WORKERS, Book.PLATFORM)
    book = _sum(entries, "target", Book.HELD) - _sum(entries, "source", Book.HELD)
    held = holds.aggregate(n=Sum("amount_micro"))["n"] or 0
    for name, local, rows in (
        ("spent", budget.spent_micro, spent),
        ("held", budget.reserved_micro, book),
        ("held by single holds", budget.reserved_micro, held),
    ):
        if local != rows:
            where = f"{budget.scope} {budget.scope_id}, {budget.currency}, {name}"
            yield Difference("budget", plain(local), plain(rows), where)


def _sum(entries: QuerySet[LedgerEntry], side: str, *books: str) -> int:
    return entries.filter(**{f"{side}__in": books}).aggregate(n=Sum("amount_micro"))["n"] or 0


COST_OF = {"charge": "price_micro", "fee": "fee_micro"}


def accepted_cost(batch: Batch, kind: str = "charge") -> int:
    """Return what the ledger says was paid, or taken as fees, for pages the platform has been told are accepted."""
    untold = Assignment.objects.filter(pk__in=untold_pages(batch)).exclude(platform_state=Assignment.State.ACCEPTED)
    booked = _rows(
        "SELECT coalesce(sum(entry.amount_micro), 0) FROM crowd_ledgerentry entry JOIN crowd_assignment page "
        "ON entry.ref = 'assignment:' || page.id WHERE entry.kind = %(kind)s AND page.batch_id = %(batch)s",
        batch,
        kind=kind,
    )
    not_yet = untold.filter(state=Assignment.State.ACCEPTED).aggregate(n=Sum(COST_OF[kind]))["n"] or 0
    return int(booked[0][0]) - not_yet


def untold_pages(batch: Batch) -> set[int]:
    """Return the pages whose verdict is on its way to the platform."""
    commands = OutboxCommand.objects.filter(batch_id=batch.pk, kind__in=["accept", "reject"], state__in=UNFINISHED)
    return {int(payload["assignment_id"]) for payload in commands.values_list("payload", flat=True)}
