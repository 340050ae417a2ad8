"""Money booked by a person: what came back, and what the platform's own books say."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import LedgerEntry, Worker
from crowd.money import exact_text
from crowd.services import ledger
from crowd.services.ledger import Purse
from curation.models import Pool, Project, User
from curation.services import events, versions

SAID = {"refund": "came back from", "correction": "was booked for"}
OUTSIDE = {"workers": "workers", "platform": "the platform"}


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is booked: a refund or a correction, to or from workers or the platform, of a pool or the whole project."""

    what: str
    book: str
    amount_micro: int
    reason: str
    ref: str
    currency: str = "USD"
    pool: Pool | None = None
    worker: Worker | None = None

    def purse(self, project: Project) -> Purse:
        if self.pool is None:
            return Purse(project.pk, currency=self.currency)
        return Purse(project.pk, self.pool.stage_id, self.pool.pk, self.pool.account.currency)


@transaction.atomic
def book(*, project: Project, asked: ByHand, by: User, now: datetime) -> LedgerEntry:
    """Book it once per reference, with its reason and who did it."""
    if asked.what not in SAID:
        raise CrowdError(f"{asked.what!r} is neither a refund nor a correction.")
    if not asked.reason.strip():
        raise CrowdError("Say why: the reason is kept with the entry, which nobody can change.")
    write = ledger.refund if asked.what == "refund" else ledger.correct
    purse = asked.purse(project)
    entry = write(
        purse=purse,
        amount_micro=asked.amount_micro,
        ref=asked.ref,
        book=asked.book,
        note=asked.reason,
        by_id=by.pk,
        worker=asked.worker,
    )
    amount = exact_text(asked.amount_micro, purse.currency)
    text = f"{amount} {SAID[asked.what]} {OUTSIDE[asked.book]}: {entry.note}"
    events.record(kind=f"money.{asked.what}", text=text, project=project, subject=asked.pool, by=by, now=now)
    versions.bump(project_id=project.pk)
    return entry
