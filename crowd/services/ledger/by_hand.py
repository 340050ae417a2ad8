"""What people book: money that came back, and corrections to what a platform's books say."""

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from crowd.errors import CrowdError
from crowd.models import LedgerEntry, Worker
from crowd.money import exact_text
from crowd.services.ledger.purse import Purse, Way, entry, lock, move

Book, Kind = LedgerEntry.Book, LedgerEntry.Kind
OUTSIDE = {Book.WORKERS: "workers", Book.PLATFORM: "the platform"}


@transaction.atomic
def refund(
    *,
    purse: Purse,
    amount_micro: int,
    ref: str,
    book: str,
    note: str,
    by_id: int | None,
    worker: Worker | None = None,
) -> LedgerEntry:
    """Money came back from workers or from the platform; once per reference, never more than went there."""
    if amount_micro <= 0 or book not in OUTSIDE:
        raise CrowdError("A refund needs an amount above zero and a book: workers or platform.")
    way = Way(Kind.REFUND, book, Book.BUDGET)
    return _book(purse, way, ref, amount_micro, note=note, by_id=by_id, worker=worker)


@transaction.atomic
def correct(
    *,
    purse: Purse,
    amount_micro: int,
    ref: str,
    book: str,
    note: str,
    by_id: int | None,
    worker: Worker | None = None,
) -> LedgerEntry:
    """Bring the ledger to what the platform's books say: a positive amount was spent, a negative one was not."""
    if amount_micro == 0 or book not in OUTSIDE or not note.strip():
        raise CrowdError("A correction needs an amount, a book (workers or platform) and a reason.")
    source, target = (Book.BUDGET, book) if amount_micro > 0 else (book, Book.BUDGET)
    way = Way(Kind.CORRECTION, source, target)
    return _book(purse, way, ref, abs(amount_micro), note=note, by_id=by_id, worker=worker)


def _book(
    purse: Purse, way: Way, ref: str, amount: int, *, note: str, by_id: int | None, worker: Worker | None
) -> LedgerEntry:
    lock(purse=purse)
    if LedgerEntry.objects.filter(kind=way.kind, ref=ref).exists():
        raise CrowdError(f"The {way.kind} {ref} is booked already; give another one another reference.")
    is_back = way.target == Book.BUDGET
    if is_back:
        _require_paid(purse, way.source, amount)
    move(purse, spent=-amount if is_back else amount, forced=True)
    row = entry(purse, way, ref, amount)
    row.note, row.by_id = note.strip()[:300], by_id
    if worker is not None:
        row.worker_id, row.account_id = worker.pk, worker.account_id
    row.save()
    return row


def _require_paid(purse: Purse, book: str, amount: int) -> None:
    """Nothing comes back that was never there: in the project, and in the stage and pool that are named."""
    rows = LedgerEntry.objects.filter(project_id=purse.project_id, currency=purse.currency)
    paid: dict[str, Q] = {"project": Q()}
    if purse.stage_id is not None:
        paid["stage"] = Q(stage_id=purse.stage_id)
    if purse.pool_id is not None:
        paid["pool"] = Q(pool_id=purse.pool_id)
    for scope, here in paid.items():
        went = Coalesce(Sum("amount_micro", filter=Q(target=book)), 0)
        came_back = Coalesce(Sum("amount_micro", filter=Q(source=book)), 0)
        there: int = rows.filter(here).aggregate(n=went - came_back)["n"]
        if there < amount:
            raise CrowdError(
                f"Only {exact_text(there, purse.currency)} went to {OUTSIDE[LedgerEntry.Book(book)]} in this {scope}: "
                f"{exact_text(amount, purse.currency)} cannot come back."
            )
