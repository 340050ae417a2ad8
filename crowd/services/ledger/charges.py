"""Paying for accepted work and for bonuses: once each, with the platform's fee."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from crowd.models import Assignment, Batch, Bonus, LedgerEntry, Reservation
from crowd.services.ledger.holds import fit, take
from crowd.services.ledger.purse import Purse, Way, entry, lock, move

Book, Kind = LedgerEntry.Book, LedgerEntry.Kind
BOOK = """
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id,
                               account_id, worker_id, note, created_at)
SELECT way.kind, 'assignment:' || page, %(source)s, way.target, way.amount, %(currency)s, %(project)s, %(stage)s,
       %(pool)s, account, worker, '', %(now)s
  FROM unnest(%(pages)s::bigint[], %(prices)s::bigint[], %(fees)s::bigint[], %(accounts)s::bigint[],
              %(workers)s::bigint[]) AS given (page, price, fee, account, worker)
 CROSS JOIN LATERAL (VALUES ('charge', 'workers', price), ('fee', 'platform', fee)) AS way (kind, target, amount)
 WHERE way.amount > 0 ORDER BY page
"""


def charge(*, assignment: Assignment, now: datetime, forced: bool = False) -> None:
    """Charge an accepted page once, with the platform's fee: out of its own hold, its batch's, or the free budget.

    Raises BudgetExceeded when nothing holds it and nothing is free. `forced` = the platform has taken the money
    already: what is missing is booked as overdrawn.
    """
    charge_many(batch=assignment.batch, pages=[assignment], now=now, forced=forced)


@transaction.atomic
def charge_many(*, batch: Batch, pages: Sequence[Assignment], now: datetime, forced: bool = False) -> int:
    """Charge pages of one batch, those charged before left out, all or none. Returns how many were charged."""
    due = {_ref(page): page for page in pages if _cost(page)}
    if not due:
        return 0
    purse = Purse.of(batch)
    lock(purse=purse)
    for ref in LedgerEntry.objects.filter(kind__in=[Kind.CHARGE, Kind.FEE], ref__in=list(due)).values_list("ref"):
        due.pop(ref[0], None)
    own = take(due)
    _pay_holds(own, due, purse, forced=forced)
    others = [page for ref, page in due.items() if ref not in own]
    source = _draw(purse, f"batch:{batch.pk}", sum(map(_cost, others)), forced=forced)
    _book([due[ref] for ref in own], purse, Book.HELD, now)
    _book(others, purse, source, now)
    return len(due)


def _ref(page: Assignment) -> str:
    return f"assignment:{page.pk}"


def _cost(page: Assignment) -> int:
    return page.price_micro + page.fee_micro


def _pay_holds(own: Mapping[str, Reservation], due: Mapping[str, Assignment], purse: Purse, *, forced: bool) -> None:
    """Spend holds of single pages; one that was more or less than the page costs is brought to it first."""
    for ref, hold in own.items():
        fit(hold, purse, _cost(due[ref]), forced=forced)
    _spend_held(purse, own.values())


def _spend_held(purse: Purse, holds: Iterable[Reservation]) -> None:
    paid = list(holds)
    amount = sum(hold.amount_micro for hold in paid)
    if amount:
        move(purse, reserved=-amount, spent=amount)
        Reservation.objects.filter(pk__in=[hold.pk for hold in paid]).update(state=Reservation.State.PAID)


def _draw(purse: Purse, ref: str, amount: int, *, forced: bool) -> str:
    """Spend so much of a batch's hold, growing it first where it is too small. Returns the book it came from."""
    if not amount:
        return Book.HELD
    hold = take([ref]).get(ref)
    if hold is None:
        move(purse, spent=amount, forced=forced)
        return Book.BUDGET
    if hold.amount_micro < amount:
        fit(hold, purse, amount, forced=forced)
    move(purse, reserved=-amount, spent=amount)
    Reservation.objects.filter(pk=hold.pk).update(amount_micro=F("amount_micro") - amount)
    return Book.HELD


def _book(pages: Sequence[Assignment], purse: Purse, source: str, now: datetime) -> None:
    """Write the ledger rows of pages in one statement: there may be thousands."""
    if not pages:
        return
    whose: dict[str, Any] = {
        "currency": purse.currency,
        "project": purse.project_id,
        "stage": purse.stage_id,
        "pool": purse.pool_id,
    }
    columns: dict[str, Any] = {
        "pages": [page.pk for page in pages],
        "prices": [page.price_micro for page in pages],
        "fees": [page.fee_micro for page in pages],
        "accounts": [page.account_id for page in pages],
        "workers": [page.worker_id for page in pages],
    }
    with connection.cursor() as cursor:
        cursor.execute(BOOK, {**columns, **whose, "source": source, "now": now})


@transaction.atomic
def charge_bonus(*, bonus: Bonus, now: datetime) -> None:
    """Book a bonus that the platform has paid, once: out of the hold it was planned with, else out of the budget."""
    ref, cost = f"bonus:{bonus.pk}", bonus.amount_micro + bonus.fee_micro
    purse = Purse(bonus.project_id, bonus.stage_id, bonus.pool_id, bonus.account.currency)
    lock(purse=purse)
    if LedgerEntry.objects.filter(kind=Kind.BONUS, ref=ref).exists():
        return
    hold = take([ref]).get(ref)
    if hold is not None:
        fit(hold, purse, cost, forced=True)
        _spend_held(purse, [hold])
    else:
        move(purse, spent=cost, forced=True)
    source = Book.BUDGET if hold is None else Book.HELD
    for kind, target, amount in (
        (Kind.BONUS, Book.WORKERS, bonus.amount_micro),
        (Kind.FEE, Book.PLATFORM, bonus.fee_micro),
    ):
        if amount:
            row = entry(purse, Way(kind, source, target), ref, amount)
            row.account_id, row.worker_id = bonus.account_id, bonus.worker_id
            row.by_id, row.note, row.created_at = bonus.created_by_id, bonus.message[:300], now
            row.save()
