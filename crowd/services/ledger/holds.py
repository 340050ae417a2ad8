"""Money held for work under way. The project's budget is locked first, then the hold: nobody does it the other way."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import transaction

from crowd.bulk import insert_all
from crowd.errors import CrowdError
from crowd.models import Assignment, LedgerEntry, Reservation
from crowd.services.ledger.purse import Change, Purse, Way, entry, lock, lock_all, move, move_all

Book, Kind, State = LedgerEntry.Book, LedgerEntry.Kind, Reservation.State
HOLD = Way(Kind.RESERVE, Book.BUDGET, Book.HELD)
GIVE_BACK = Way(Kind.RELEASE, Book.HELD, Book.BUDGET)


def reserve(*, purse: Purse, amount_micro: int, ref: str) -> None:
    """Hold money for a page. Nothing is held for unpaid work. Raises BudgetExceeded."""
    reserve_all(amounts={purse: {ref: amount_micro}})


@transaction.atomic
def reserve_all(*, amounts: Mapping[Purse, Mapping[str, int]]) -> None:
    """Hold money for several pages, by what the ledger calls them, all or none. Raises BudgetExceeded."""
    due = [(purse, ref, amount) for purse, mine in amounts.items() for ref, amount in mine.items() if amount]
    if not due:
        return
    paying = {purse: sum(mine.values()) for purse, mine in amounts.items()}
    move_all({purse: Change(reserved=amount) for purse, amount in paying.items() if amount})
    insert_all([_hold(purse, ref, amount) for purse, ref, amount in due])
    insert_all([entry(purse, HOLD, ref, amount) for purse, ref, amount in due])


@transaction.atomic
def resize(*, purse: Purse, ref: str, amount_micro: int) -> None:
    """Make the hold `ref` this large, growing or shrinking it. Raises BudgetExceeded and changes nothing."""
    lock(purse=purse)
    hold = Reservation.objects.select_for_update().filter(ref=ref).first() or _new(purse, ref, 0)
    if hold.state == State.PAID:
        raise CrowdError(f"{ref} is paid already: nothing can be held for it any more.")
    if hold.state == State.RELEASED:  # what it was is free again
        hold.amount_micro, hold.state = 0, State.HELD
        hold.save(update_fields=["amount_micro", "state"])
    fit(hold, purse, amount_micro)


def release(*, ref: str) -> None:
    """Give a hold back to the budget; a second call does nothing."""
    release_all(refs=[ref])


@transaction.atomic
def release_all(*, refs: Collection[str]) -> None:
    """Give holds back to their budgets; those that do not stand any more are left as they are."""
    standing = Reservation.objects.filter(ref__in=refs, state=State.HELD)
    lock_all(Purse.holding(hold) for hold in standing)
    held = take(hold.ref for hold in standing).values()
    _give_back([hold for hold in held if hold.amount_micro])
    Reservation.objects.filter(pk__in=[hold.pk for hold in held]).update(state=State.RELEASED)


def _give_back(held: Sequence[Reservation]) -> None:
    sums: Counter[Purse] = Counter()
    for hold in held:
        sums[Purse.holding(hold)] += hold.amount_micro
        if hold.changes:
            hold.changes += 1
            hold.save(update_fields=["changes"])
    move_all({purse: Change(reserved=-amount) for purse, amount in sums.items()})
    insert_all([entry(Purse.holding(hold), GIVE_BACK, _step(hold), hold.amount_micro) for hold in held])


@transaction.atomic
def shrink_page(*, assignment: Assignment, amount_micro: int) -> None:
    """Lower the hold of a page that turned out to cost less than it could have."""
    hold = Reservation.objects.filter(ref=f"assignment:{assignment.pk}", state=State.HELD).first()
    if hold is not None and amount_micro < hold.amount_micro:
        resize(purse=Purse.holding(hold), ref=hold.ref, amount_micro=amount_micro)


def take(refs: Iterable[str]) -> dict[str, Reservation]:
    """Lock those of these holds that still stand. The budget must be locked already."""
    held = Reservation.objects.select_for_update().filter(ref__in=list(refs), state=State.HELD).order_by("pk")
    return {hold.ref: hold for hold in held}


def fit(hold: Reservation, purse: Purse, amount: int, *, forced: bool = False) -> None:
    """Bring a locked hold to this amount, with the ledger row of the change."""
    change = amount - hold.amount_micro
    if not change:
        return
    move(purse, reserved=change, forced=forced)
    hold.amount_micro, hold.changes = amount, hold.changes + 1
    hold.save(update_fields=["amount_micro", "changes"])
    entry(purse, HOLD if change > 0 else GIVE_BACK, _step(hold), abs(change)).save()


def _step(hold: Reservation) -> str:
    """Return what the ledger calls this change of the hold: a hold that was never resized has one of each kind."""
    return f"{hold.ref}#{hold.changes}" if hold.changes else hold.ref


def _new(purse: Purse, ref: str, amount_micro: int) -> Reservation:
    hold = _hold(purse, ref, amount_micro)
    hold.save(force_insert=True)
    return hold


def _hold(purse: Purse, ref: str, amount_micro: int) -> Reservation:
    return Reservation(
        project_id=purse.project_id,
        stage_id=purse.stage_id,
        pool_id=purse.pool_id,
        currency=purse.currency,
        ref=ref,
        amount_micro=amount_micro,
    )
