"""Paying for accepted work and for bonuses: once each, with the platform's fee."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from crowd.models import Assignment, Batch, Bonus, LedgerEntry, Reservation
from crowd.services.ledger.holds import fit, take
from crowd.services.ledger.purse import Purse, Way, entry, lock, move

Book, Kind = LedgerEntry.Book, LedgerEntry.Kind
ROWS_AT_ONCE = 2_000


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
    rows = [row for ref in own for row in _rows(due[ref], purse, Book.HELD, now)]
    rows += [row for page in others for row in _rows(page, purse, source, now)]
    LedgerEntry.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
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


def _rows(page: Assignment, purse: Purse, source: str, now: datetime) -> Iterable[LedgerEntry]:
    parts = ((Kind.CHARGE, Book.WORKERS, page.price_micro), (Kind.FEE, Book.PLATFORM, page.fee_micro))
    for kind, target, amount in parts:
        if amount:
            row = entry(purse, Way(kind, source, target), _ref(page), amount)
            row.account_id, row.worker_id, row.created_at = page.account_id, page.worker_id, now
            yield row


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
