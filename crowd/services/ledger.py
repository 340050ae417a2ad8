"""Budgets, holds and payments. The budget moves only by one conditional UPDATE, so it cannot be overdrawn."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum

from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Assignment, Budget, LedgerEntry, LedgerTransaction, Reservation
from crowd.money import money_text

Book = LedgerEntry.Book
Kind = LedgerTransaction.Kind


@dataclass(frozen=True, slots=True)
class Totals:
    """Micro-dollars of one project. `paid` is summed from ledger rows and must equal `spent`."""

    limit_micro: int
    reserved_micro: int
    spent_micro: int
    paid_micro: int

    @property
    def free_micro(self) -> int:
        return self.limit_micro - self.reserved_micro - self.spent_micro


def create_budget(*, project_id: int, limit_micro: int) -> Budget:
    if limit_micro < 0:
        raise CrowdError("A budget cannot be negative.")
    return Budget.objects.create(project_id=project_id, limit_micro=limit_micro)


@transaction.atomic
def raise_budget(*, project_id: int, limit_micro: int) -> Budget:
    """Set a new limit; never under what is already spent or held."""
    changed = Budget.objects.filter(project_id=project_id, reserved_micro__lte=limit_micro - F("spent_micro")).update(
        limit_micro=limit_micro
    )
    budget = Budget.objects.get(project_id=project_id)
    if not changed:
        used = money_text(budget.reserved_micro + budget.spent_micro)
        raise CrowdError(f"The limit cannot be under the {used} that are spent or held already.")
    return budget


def lock(*, project_id: int) -> None:
    """Take the budget's row lock, in the caller's transaction, before anything else is locked."""
    Budget.objects.select_for_update().filter(project_id=project_id).values_list("pk", flat=True).first()


@transaction.atomic
def reserve(*, project_id: int, amount_micro: int, ref: str) -> Reservation | None:
    """Hold money for a page. Nothing is held for unpaid work. Raises BudgetExceeded."""
    if amount_micro == 0:
        return None
    budget = Budget.objects.get(project_id=project_id)
    granted = Budget.objects.filter(
        pk=budget.pk, limit_micro__gte=F("reserved_micro") + F("spent_micro") + amount_micro
    ).update(reserved_micro=F("reserved_micro") + amount_micro)
    if not granted:
        budget.refresh_from_db()
        raise BudgetExceeded(amount_micro, budget.free_micro)
    return Reservation.objects.create(budget=budget, ref=ref, amount_micro=amount_micro)


@transaction.atomic
def pay(*, assignment: Assignment, now: datetime) -> None:
    """Pay an accepted page out of its hold, once. A second call finds the hold gone and does nothing."""
    ref = f"assignment:{assignment.pk}"
    hold = _take_hold(ref, Reservation.State.PAID)
    if hold is None:
        return
    Budget.objects.filter(pk=hold.budget_id).update(
        reserved_micro=F("reserved_micro") - hold.amount_micro, spent_micro=F("spent_micro") + hold.amount_micro
    )
    _book(kind=Kind.PAY, ref=ref, assignment=assignment, amount_micro=hold.amount_micro, now=now)


@transaction.atomic
def pay_after_all(*, assignment: Assignment, now: datetime) -> None:
    """Pay a page that was rejected and is accepted now: its hold is gone, so the budget is asked again."""
    ref = f"assignment:{assignment.pk}"
    if assignment.price_micro == 0 or LedgerTransaction.objects.filter(kind=Kind.PAY, ref=ref).exists():
        return
    granted = Budget.objects.filter(
        project_id=assignment.project_id,
        limit_micro__gte=F("reserved_micro") + F("spent_micro") + assignment.price_micro,
    ).update(spent_micro=F("spent_micro") + assignment.price_micro)
    if not granted:
        raise BudgetExceeded(assignment.price_micro, Budget.objects.get(project_id=assignment.project_id).free_micro)
    _book(kind=Kind.PAY, ref=ref, assignment=assignment, amount_micro=assignment.price_micro, now=now)


@transaction.atomic
def release(*, ref: str) -> None:
    """Give a hold back to the budget; a second call does nothing."""
    hold = _take_hold(ref, Reservation.State.RELEASED)
    if hold is not None:
        Budget.objects.filter(pk=hold.budget_id).update(reserved_micro=F("reserved_micro") - hold.amount_micro)


def totals(*, project_id: int) -> Totals:
    budget = Budget.objects.get(project_id=project_id)
    paid = LedgerEntry.objects.filter(transaction__project_id=project_id, book=Book.PROJECT).aggregate(
        total=Sum("amount_micro")
    )["total"]
    return Totals(budget.limit_micro, budget.reserved_micro, budget.spent_micro, -(paid or 0))


def _take_hold(ref: str, state: str) -> Reservation | None:
    hold = Reservation.objects.select_for_update().filter(ref=ref, state=Reservation.State.HELD).first()
    if hold is not None:
        hold.state = state
        hold.save(update_fields=["state"])
    return hold


def _book(*, kind: str, ref: str, assignment: Assignment, amount_micro: int, now: datetime) -> None:
    """Write one balanced transaction; the unique (kind, ref) refuses a second one."""
    batch = assignment.batch
    entry = LedgerTransaction.objects.create(
        kind=kind,
        ref=ref,
        project_id=assignment.project_id,
        pool_id=batch.pool_id,
        stage_id=batch.stage_id,
        account_id=assignment.account_id,
        worker_id=assignment.worker_id,
        created_at=now,
    )
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(transaction=entry, book=Book.PROJECT, amount_micro=-amount_micro),
            LedgerEntry(transaction=entry, book=Book.WORKERS, amount_micro=amount_micro),
        ]
    )
