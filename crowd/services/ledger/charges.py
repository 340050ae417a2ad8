"""Paying for accepted work and for bonuses: once each, with the platform's fee."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from crowd.models import Assignment, Batch, Bonus, LedgerEntry, Reservation
from crowd.services.ledger.holds import fit, take
from crowd.services.ledger.purse import Change, Purse, Way, entry, lock, lock_all, move, move_all

Book, Kind = LedgerEntry.Book, LedgerEntry.Kind
BOOK = """
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id,
                               account_id, worker_id, note, created_at)
SELECT way.kind, 'assignment:' || page, %(source)s, way.target, way.amount, currency, project, stage, pool, account,
       worker, '', %(now)s
  FROM unnest(%(pages)s::bigint[], %(prices)s::bigint[], %(fees)s::bigint[], %(accounts)s::bigint[],
              %(workers)s::bigint[], %(currencies)s::text[], %(projects)s::bigint[], %(stages)s::bigint[],
              %(pools)s::bigint[]) AS given (page, price, fee, account, worker, currency, project, stage, pool)
 CROSS JOIN LATERAL (VALUES ('charge', 'workers', price), ('fee', 'platform', fee)) AS way (kind, target, amount)
 WHERE way.amount > 0 ORDER BY page
"""


def charge(*, assignment: Assignment, now: datetime, forced: bool = False) -> None:
    """Charge an accepted page once, with the platform's fee: out of its own hold, its batch's, or the free budget.

    Raises BudgetExceeded when nothing holds it and nothing is free. `forced` = the platform has taken the money
    already: what is missing is booked as overdrawn.
    """
    charge_many(pages={assignment.batch: [assignment]}, now=now, forced=forced)


@dataclass(frozen=True, slots=True)
class _Due:
    """A page to be paid, of which batch, out of which purse."""

    page: Assignment
    batch: Batch
    purse: Purse

    @property
    def cost(self) -> int:
        return _cost(self.page)


@transaction.atomic
def charge_many(*, pages: Mapping[Batch, Sequence[Assignment]], now: datetime, forced: bool = False) -> int:
    """Charge pages by their batches, those charged before left out, all or none. Returns how many were charged."""
    purses = {batch: Purse.of(batch) for batch in pages}
    due = {
        _ref(page): _Due(page, batch, purses[batch]) for batch, mine in pages.items() for page in mine if _cost(page)
    }
    if not due:
        return 0
    lock_all(one.purse for one in due.values())
    charged = LedgerEntry.objects.filter(kind__in=[Kind.CHARGE, Kind.FEE], ref__in=list(due))
    for ref in charged.values_list("ref", flat=True):
        due.pop(ref, None)
    own = take(due)
    _pay_holds(own, due, forced=forced)
    others: dict[Batch, list[_Due]] = {}
    for ref, one in due.items():
        if ref not in own:
            others.setdefault(one.batch, []).append(one)
    _book([due[ref] for ref in own], Book.HELD, now)
    for batch, mine in others.items():
        source = _draw(purses[batch], f"batch:{batch.pk}", sum(one.cost for one in mine), forced=forced)
        _book(mine, source, now)
    return len(due)


def _ref(page: Assignment) -> str:
    return f"assignment:{page.pk}"


def _cost(page: Assignment) -> int:
    return page.price_micro + page.fee_micro


def _pay_holds(own: Mapping[str, Reservation], due: Mapping[str, _Due], *, forced: bool) -> None:
    """Spend holds of single pages; one that was more or less than the page costs is brought to it first."""
    for ref, hold in own.items():
        fit(hold, due[ref].purse, due[ref].cost, forced=forced)
    _spend_held((due[ref].purse, hold) for ref, hold in own.items())


def _spend_held(holds: Iterable[tuple[Purse, Reservation]]) -> None:
    sums: Counter[Purse] = Counter()
    paid = []
    for purse, hold in holds:
        sums[purse] += hold.amount_micro
        paid.append(hold.pk)
    if sums.total():
        move_all({purse: Change(reserved=-amount, spent=amount) for purse, amount in sums.items()})
        Reservation.objects.filter(pk__in=paid).update(state=Reservation.State.PAID)


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


def _book(due: Sequence[_Due], source: str, now: datetime) -> None:
    """Write the ledger rows of pages in one statement: there may be thousands."""
    if not due:
        return
    columns: dict[str, Any] = {
        "pages": [one.page.pk for one in due],
        "prices": [one.page.price_micro for one in due],
        "fees": [one.page.fee_micro for one in due],
        "accounts": [one.page.account_id for one in due],
        "workers": [one.page.worker_id for one in due],
        "currencies": [one.purse.currency for one in due],
        "projects": [one.purse.project_id for one in due],
        "stages": [one.purse.stage_id for one in due],
        "pools": [one.purse.pool_id for one in due],
    }
    with connection.cursor() as cursor:
        cursor.execute(BOOK, {**columns, "source": source, "now": now})


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
        _spend_held([(purse, hold)])
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
