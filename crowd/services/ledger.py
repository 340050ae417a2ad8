"""Budgets, holds and payments. A budget moves only by a conditional UPDATE, so it cannot be overdrawn.

Every movement is one ledger row from a book to a book. A page of our own market is held when it is issued; on a
platform that issues pages itself, a batch holds what it may still cost, and pages are charged out of that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, IntegerField, Q, QuerySet, Sum, Value, When

from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Assignment, Batch, Bonus, Budget, LedgerEntry, Reservation
from crowd.money import money_text

Book = LedgerEntry.Book
Kind = LedgerEntry.Kind
Scope = Budget.Scope
LIVE = (Book.WORKERS, Book.PLATFORM)
RANK = Case(
    When(scope=Scope.PROJECT, then=Value(0)), When(scope=Scope.STAGE, then=Value(1)), default=Value(2),
    output_field=IntegerField(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of movement, from which book to which."""

    kind: str
    source: str
    target: str


HOLD = Way(Kind.RESERVE, Book.BUDGET, Book.HELD)
GIVE_BACK = Way(Kind.RELEASE, Book.HELD, Book.BUDGET)


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose money: the budgets of the project, of the stage and of the pool, where there are any."""

    project_id: int
    stage_id: int | None = None
    pool_id: int | None = None
    currency: str = "USD"

    @classmethod
    def of(cls, batch: Batch) -> "Purse":
        return cls(batch.project_id, batch.stage_id, batch.pool_id, batch.account.currency)

    @classmethod
    def holding(cls, hold: Reservation) -> "Purse":
        return cls(hold.project_id, hold.stage_id, hold.pool_id, hold.currency)

    def budgets(self) -> QuerySet[Budget]:
        """Return the budgets in the order in which everybody touches them: project, stage, pool."""
        mine = Q(scope=Scope.PROJECT, scope_id=self.project_id)
        mine |= Q(scope=Scope.STAGE, scope_id=self.stage_id or 0) | Q(scope=Scope.POOL, scope_id=self.pool_id or 0)
        return Budget.objects.filter(mine, currency=self.currency).order_by(RANK)


@dataclass(frozen=True, slots=True)
class Totals:
    """Micro-dollars of one project. `paid` is summed from ledger rows and must equal `spent`."""

    limit_micro: int
    reserved_micro: int
    spent_micro: int
    paid_micro: int
    overdrawn_micro: int = 0

    @property
    def free_micro(self) -> int:
        return self.limit_micro + self.overdrawn_micro - self.reserved_micro - self.spent_micro


def create_budget(
    *,
    project_id: int,
    limit_micro: int,
    currency: str = "USD",
    scope: str = Scope.PROJECT,
    scope_id: int | None = None,
) -> Budget:
    if limit_micro < 0:
        raise CrowdError("A budget cannot be negative.")
    return Budget.objects.create(
        project_id=project_id,
        scope=scope,
        scope_id=project_id if scope_id is None else scope_id,
        currency=currency,
        limit_micro=limit_micro,
    )


@transaction.atomic
def raise_budget(
    *,
    project_id: int,
    limit_micro: int,
    currency: str = "USD",
    scope: str = Scope.PROJECT,
    scope_id: int | None = None,
) -> Budget:
    """Set a new limit; never under what is already spent or held."""
    where = {"scope": scope, "scope_id": project_id if scope_id is None else scope_id, "currency": currency}
    rows = Budget.objects.filter(project_id=project_id, **where)
    changed = rows.filter(reserved_micro__lte=limit_micro + F("overdrawn_micro") - F("spent_micro")).update(
        limit_micro=limit_micro, warned_at=None
    )
    budget = rows.get()
    if not changed:
        used = money_text(budget.reserved_micro + budget.spent_micro - budget.overdrawn_micro)
        raise CrowdError(f"The limit cannot be under the {used} that are spent or held already.")
    return budget


def lock(*, purse: Purse) -> None:
    """Take the budgets' row locks, in the caller's transaction, before anything else is locked."""
    list(purse.budgets().select_for_update().values_list("pk", flat=True))


@transaction.atomic
def reserve(*, purse: Purse, amount_micro: int, ref: str) -> Reservation | None:
    """Hold money for a page. Nothing is held for unpaid work. Raises BudgetExceeded."""
    if amount_micro == 0:
        return None
    _move(purse, reserved=amount_micro)
    hold = _new_hold(purse, ref, amount_micro)
    _book(purse, HOLD, ref, amount_micro)
    return hold


@transaction.atomic
def resize(*, purse: Purse, ref: str, amount_micro: int) -> None:
    """Make the hold `ref` this large, growing or shrinking it. Raises BudgetExceeded and changes nothing."""
    lock(purse=purse)
    hold = Reservation.objects.select_for_update().filter(ref=ref).first() or _new_hold(purse, ref, 0)
    change = amount_micro - hold.amount_micro
    if change:
        _move(purse, reserved=change)
        _change_hold(hold, purse, change)


def _new_hold(purse: Purse, ref: str, amount_micro: int) -> Reservation:
    return Reservation.objects.create(
        project_id=purse.project_id,
        stage_id=purse.stage_id,
        pool_id=purse.pool_id,
        currency=purse.currency,
        ref=ref,
        amount_micro=amount_micro,
    )


def _change_hold(hold: Reservation, purse: Purse, change: int) -> None:
    hold.amount_micro, hold.changes, hold.state = hold.amount_micro + change, hold.changes + 1, Reservation.State.HELD
    hold.save(update_fields=["amount_micro", "changes", "state"])
    ref = f"{hold.ref}#{hold.changes}"
    if change > 0:
        _book(purse, HOLD, ref, change)
    else:
        _book(purse, GIVE_BACK, ref, -change)


@transaction.atomic
def release(*, ref: str) -> None:
    """Give a hold back to the budget; a second call does nothing."""
    hold = _take_hold(ref, Reservation.State.RELEASED)
    if hold is not None and hold.amount_micro:
        purse = Purse.holding(hold)
        _move(purse, reserved=-hold.amount_micro)
        _book(purse, GIVE_BACK, ref, hold.amount_micro)


@transaction.atomic
def shrink_page(*, assignment: Assignment, amount_micro: int) -> None:
    """Lower the hold of a page that turned out to cost less than it could have."""
    hold = Reservation.objects.filter(ref=f"assignment:{assignment.pk}", state=Reservation.State.HELD).first()
    if hold is not None and amount_micro < hold.amount_micro:
        resize(purse=Purse.holding(hold), ref=hold.ref, amount_micro=amount_micro)


@transaction.atomic
def charge(*, assignment: Assignment, now: datetime, forced: bool = False) -> None:
    """Charge an accepted page once, with the platform's fee: out of its own hold, its batch's, or the free budget.

    Raises BudgetExceeded when nothing holds it and nothing is free. `forced` = the platform has taken the money
    already: what is missing is booked as overdrawn.
    """
    ref = f"assignment:{assignment.pk}"
    amount = assignment.price_micro + assignment.fee_micro
    if amount == 0 or LedgerEntry.objects.filter(kind=Kind.CHARGE, ref=ref).exists():
        return
    purse = Purse.of(assignment.batch)
    lock(purse=purse)
    hold = _take_hold(ref, Reservation.State.PAID)
    source = Book.HELD
    if hold is not None:
        _move(purse, reserved=-hold.amount_micro, spent=amount, forced=forced)
    elif not _draw(purse, f"batch:{assignment.batch_id}", amount, forced=forced):
        source = Book.BUDGET
        _move(purse, spent=amount, forced=forced)
    _book_pages([assignment], purse, source, now)


def _draw(purse: Purse, ref: str, amount: int, *, forced: bool) -> bool:
    """Take so much out of a batch's hold, growing it first where it is too small. False = there is no such hold."""
    hold = Reservation.objects.select_for_update().filter(ref=ref).first()
    if hold is None:
        return False
    if hold.amount_micro < amount:
        short = amount - hold.amount_micro
        _move(purse, reserved=short, forced=forced)
        _change_hold(hold, purse, short)
    _move(purse, reserved=-amount, spent=amount)
    hold.amount_micro -= amount
    hold.save(update_fields=["amount_micro"])
    return True


@transaction.atomic
def charge_many(*, batch: Batch, pages: Sequence[Assignment], now: datetime, forced: bool = False) -> int:
    """Charge pages of one batch out of its hold, those charged before left out. Returns how many were charged."""
    purse = Purse.of(batch)
    lock(purse=purse)
    refs = {f"assignment:{page.pk}": page for page in pages if page.price_micro + page.fee_micro}
    done = LedgerEntry.objects.filter(kind=Kind.CHARGE, ref__in=list(refs)).values_list("ref", flat=True)
    for ref in done:
        del refs[ref]
    amount = sum(page.price_micro + page.fee_micro for page in refs.values())
    if not amount:
        return 0
    source = Book.HELD
    if not _draw(purse, f"batch:{batch.pk}", amount, forced=forced):
        source = Book.BUDGET
        _move(purse, spent=amount, forced=forced)
    _book_pages(refs.values(), purse, source, now)
    return len(refs)


def _book_pages(pages: Iterable[Assignment], purse: Purse, source: str, now: datetime) -> None:
    rows = []
    for page in pages:
        for kind, target, amount in (
            (Kind.CHARGE, Book.WORKERS, page.price_micro),
            (Kind.FEE, Book.PLATFORM, page.fee_micro),
        ):
            if amount:
                entry = _entry(purse, Way(kind, source, target), f"assignment:{page.pk}", amount)
                entry.account_id, entry.worker_id, entry.created_at = page.account_id, page.worker_id, now
                rows.append(entry)
    LedgerEntry.objects.bulk_create(rows, batch_size=2_000)


@transaction.atomic
def charge_bonus(*, bonus: Bonus, now: datetime) -> None:
    """Book a bonus that the platform has paid, out of the hold it was planned with."""
    ref = f"bonus:{bonus.pk}"
    hold = _take_hold(ref, Reservation.State.PAID)
    if hold is None:
        return
    purse = Purse.holding(hold)
    _move(purse, reserved=-hold.amount_micro, spent=hold.amount_micro)
    for kind, target, amount in (
        (Kind.BONUS, Book.WORKERS, bonus.amount_micro),
        (Kind.FEE, Book.PLATFORM, bonus.fee_micro),
    ):
        if amount:
            entry = _entry(purse, Way(kind, Book.HELD, target), ref, amount)
            entry.account_id, entry.worker_id = bonus.account_id, bonus.worker_id
            entry.by_id, entry.note, entry.created_at = bonus.created_by_id, bonus.message[:300], now
            entry.save()


@transaction.atomic
def refund(*, purse: Purse, amount_micro: int, ref: str, book: str, note: str, by_id: int | None) -> LedgerEntry:
    """Money came back from workers or from the platform; once per reference."""
    if amount_micro <= 0 or book not in LIVE:
        raise CrowdError("A refund needs an amount above zero and a book: workers or platform.")
    _move(purse, spent=-amount_micro)
    return _by_hand(purse, Way(Kind.REFUND, book, Book.BUDGET), ref, amount_micro, note=note, by_id=by_id)


@transaction.atomic
def correct(*, purse: Purse, amount_micro: int, ref: str, book: str, note: str, by_id: int | None) -> LedgerEntry:
    """Bring the ledger to what the platform's books say: a positive amount was spent, a negative one was not."""
    if amount_micro == 0 or book not in LIVE or not note.strip():
        raise CrowdError("A correction needs an amount, a book (workers or platform) and a reason.")
    _move(purse, spent=amount_micro, forced=True)
    source, target = (Book.BUDGET, book) if amount_micro > 0 else (book, Book.BUDGET)
    way = Way(Kind.CORRECTION, source, target)
    return _by_hand(purse, way, ref, abs(amount_micro), note=note, by_id=by_id)


def _by_hand(purse: Purse, way: Way, ref: str, amount: int, *, note: str, by_id: int | None) -> LedgerEntry:
    entry = _entry(purse, way, ref, amount)
    entry.note, entry.by_id = note[:300], by_id
    entry.save()
    return entry


def totals(*, project_id: int, currency: str = "USD") -> Totals:
    budget = Budget.objects.get(scope=Scope.PROJECT, scope_id=project_id, currency=currency)
    rows = LedgerEntry.objects.spent().filter(project_id=project_id, currency=currency)
    paid = rows.aggregate(total=Sum("spent_micro"))["total"] or 0
    return Totals(budget.limit_micro, budget.reserved_micro, budget.spent_micro, paid, budget.overdrawn_micro)


def _move(purse: Purse, *, reserved: int = 0, spent: int = 0, forced: bool = False) -> None:
    """Change every budget of the purse by one conditional UPDATE each, all or none. Raises BudgetExceeded."""
    needed = reserved + spent
    rows = list(purse.budgets())
    if not rows:
        raise CrowdError(f"The project has no budget in {purse.currency}. Give it one first.")
    for budget in rows:
        if forced:
            _overdraw(budget, needed)
        room = Budget.objects.filter(pk=budget.pk)
        if needed > 0:
            room = room.filter(limit_micro__gte=F("reserved_micro") + F("spent_micro") - F("overdrawn_micro") + needed)
        moved = room.update(reserved_micro=F("reserved_micro") + reserved, spent_micro=F("spent_micro") + spent)
        if not moved:
            budget.refresh_from_db()
            raise BudgetExceeded(needed, max(0, budget.free_micro))


def _overdraw(budget: Budget, needed: int) -> None:
    row = Budget.objects.select_for_update().get(pk=budget.pk)
    lacking = needed - row.free_micro
    if lacking > 0:
        Budget.objects.filter(pk=row.pk).update(overdrawn_micro=F("overdrawn_micro") + lacking)


def _take_hold(ref: str, state: str) -> Reservation | None:
    hold = Reservation.objects.select_for_update().filter(ref=ref, state=Reservation.State.HELD).first()
    if hold is not None:
        hold.state = state
        hold.save(update_fields=["state"])
    return hold


def _book(purse: Purse, way: Way, ref: str, amount_micro: int) -> None:
    _entry(purse, way, ref, amount_micro).save()


def _entry(purse: Purse, way: Way, ref: str, amount_micro: int) -> LedgerEntry:
    """Make one ledger row; the unique (kind, ref) refuses a second one."""
    return LedgerEntry(
        kind=way.kind,
        ref=ref,
        source=way.source,
        target=way.target,
        amount_micro=amount_micro,
        currency=purse.currency,
        project_id=purse.project_id,
        stage_id=purse.stage_id,
        pool_id=purse.pool_id,
    )
