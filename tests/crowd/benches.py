"""How the conformance suite reaches each platform's far side: one line in BENCHES for a new platform."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from crowd.models import Account, Batch, Worker
from tests.crowd import market
from tests.crowd.bench_files import VendorBench
from tests.crowd.bench_mturk import MTurkBench
from tests.crowd.bench_prolific import ProlificBench
from tests.crowd.bench_toloka import TolokaBench


class Bench(Protocol):
    """What the suite needs to play the workers of a platform."""

    page_size: str
    """The constant that says how many pages one pull brings, by its dotted path."""

    def account(self) -> Account: ...

    def worker_sends(self, account: Account, remote_id: str, now: datetime) -> tuple[str, str]:
        """Let a new worker claim and hand in a page; return the ids of worker and page on the platform."""
        ...

    def worker_takes(self, account: Account, remote_id: str, now: datetime) -> Callable[[datetime], str]:
        """Let a new worker claim a page; return what hands it in and gives its id."""
        ...

    def is_welcome(self, account: Account, worker_ext_id: str, remote_id: str, now: datetime) -> bool:
        """Whether this worker is offered work of the batch."""
        ...


class LocalBench:
    """The markets in our own database: workers are rows."""

    page_size = "crowd.platforms.local.PULL_SIZE"

    def __init__(self, slug: str) -> None:
        self.slug = slug

    def account(self) -> Account:
        return market.account(self.slug)

    def worker_sends(self, account: Account, remote_id: str, now: datetime) -> tuple[str, str]:
        who = market.worker(account)
        return who.ext_id, market.sent(Batch.objects.get(pk=remote_id), who, now).ext_id

    def worker_takes(self, account: Account, remote_id: str, now: datetime) -> Callable[[datetime], str]:
        page = market.claim(Batch.objects.get(pk=remote_id), market.worker(account), now)
        return lambda then: market.submit(page, then).assignment.ext_id

    def is_welcome(self, account: Account, worker_ext_id: str, remote_id: str, now: datetime) -> bool:
        from crowd.services import offers

        who = Worker.objects.get(account=account, ext_id=worker_ext_id)
        return remote_id in {str(offer.batch.pk) for offer in offers.offers(worker_id=who.pk, now=now)}


BENCHES: dict[str, Bench] = {
    "inhouse": LocalBench("inhouse"),
    "mturk": MTurkBench(),
    "prolific": ProlificBench(),
    "rehearsal": LocalBench("rehearsal"),
    "tagme_files": VendorBench(),
    "toloka": TolokaBench(),
}
