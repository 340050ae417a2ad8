"""A project whose money has moved in every way there is."""

from datetime import datetime, timedelta

from django.utils import timezone

from crowd.models import Assignment, Batch, LedgerEntry, Worker
from crowd.services import ledger
from crowd.services.ledger import Purse
from curation.models import Pool, Project, User
from tests.factories import make_answer, make_pool, make_worker

CENT = 10_000


def paid(pool: Pool, worker: Worker, *, cents: int = 3, fee: int = 0, now: datetime | None = None) -> Assignment:
    """A page that was held, accepted and paid."""
    page = make_answer(pool, worker).assignment
    page.price_micro, page.fee_micro = cents * CENT, fee * CENT
    page.save(update_fields=["price_micro", "fee_micro"])
    ledger.reserve(purse=Purse.of(page.batch), amount_micro=(cents + fee) * CENT, ref=f"assignment:{page.pk}")
    ledger.charge(assignment=page, now=now or timezone.now())
    return page


def held(pool: Pool, worker: Worker, cents: int = 3) -> Assignment:
    page = make_answer(pool, worker, Assignment.State.SUBMITTED).assignment
    ledger.reserve(purse=Purse.of(page.batch), amount_micro=cents * CENT, ref=f"assignment:{page.pk}")
    return page


def purse(pool: Pool) -> Purse:
    return Purse.of(Batch.objects.select_related("account").get(pool_id=pool.pk))


def busy(project: Project, by: User | None = None) -> tuple[Pool, Pool, Worker, Worker]:
    """Two pools and two workers: pages paid today and yesterday, one held, a fee, a refund and a correction."""
    palm, fist = make_pool(project, "PALM"), make_pool(project, "FIST", price_micro=5 * CENT)
    wanda, walt = make_worker("Wanda"), make_worker("Walt")
    now = timezone.now()
    paid(palm, wanda, cents=3, fee=1, now=now - timedelta(days=1))
    paid(palm, walt, cents=3, now=now)
    paid(fist, wanda, cents=5, fee=1, now=now)
    held(fist, walt, cents=5)
    by_id = by.pk if by else None
    ledger.refund(purse=purse(palm), amount_micro=CENT, ref="refund:1", book="platform", note="fee back", by_id=by_id)
    ledger.correct(
        purse=purse(fist), amount_micro=2 * CENT, ref="correction:1", book="workers", note="their books", by_id=by_id,
        worker=walt,
    )  # fmt: skip
    return palm, fist, wanda, walt


def rows(project: Project, **where: object) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(project_id=project.pk, **where).order_by("id"))
