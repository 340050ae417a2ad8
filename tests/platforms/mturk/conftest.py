"""An account on an emulated MTurk, a batch there, people who take its HITs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crowd.emulators.mturk import Fault, MTurkEmulator, VirtualClock, worker_side
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.errors import StillRunning, Throttled
from crowd.models import Account
from crowd.platforms.base import BatchSpec
from crowd.platforms.mturk import MTurk
from tests.crowd.bench_mturk import MTurkBench

SPEC = BatchSpec(
    key="bat-77",
    kind="main",
    interface="choice",
    title="Is this the sign?",
    spec={"instructions": ["Look at the hand.", "Five fingers"]},
    page_size=10,
    overlap=3,
    price_micro=100_000,
    auto_accept=False,
    project_id=7,
    pool_id=1,
    stage_id=1,
    whole_pages=True,
)
BENCH = MTurkBench()
NOW = datetime.now(UTC).replace(microsecond=0)  # the adapter asks the database for the time


@dataclass
class There:
    """The far side: HITs and workers."""

    house: MTurkEmulator

    @property
    def hits(self) -> list[Hit]:
        return list(self.house.market.hits.values())

    def worker(self, **profile: Any) -> str:
        return worker_side.join(self.house.market, worker_side.Profile(**profile)).id

    def sees(self, worker: str) -> list[Hit]:
        return list(worker_side.offered(self.house.market, self.house.market.worker(worker)))

    def may_take(self, worker: str) -> list[Hit]:
        return list(worker_side.acceptable(self.house.market, self.house.market.worker(worker)))

    def takes(self, worker: str = "", hit: Hit | None = None) -> Assignment:
        market = self.house.market
        found = market.worker(worker or self.worker())
        return worker_side.accept(market, found, hit or self.may_take(found.id)[0], market.clock.now())

    def sends(self, worker: str = "", hit: Hit | None = None, **fields: str) -> Assignment:
        taken = self.takes(worker, hit)
        worker_side.hand_in(self.house.market, taken, fields or {"winnow_submission": "v"}, self.house.clock.now())
        return taken

    def breaks(self, name: str, operation: str = "", times: int = 1, rate: float = 1) -> None:
        self.house.faults.switch(Fault(name, rate, operation=operation, times=times))

    def later(self, **span: float) -> None:
        self.house.clock.advance(timedelta(**span))
        self.house.service.catch_up()


@pytest.fixture
def account(db) -> Account:
    return BENCH.account(clock=VirtualClock(NOW, speed=0))


@pytest.fixture
def there(account) -> There:
    return There(BENCH.house(account))


@pytest.fixture
def turk() -> MTurk:
    return MTurk()


@pytest.fixture
def batch(turk, account) -> str:
    """A batch that is there and not open yet."""
    return turk.ensure_batch(account, SPEC)


def until_done(call: Callable[[], object]) -> int:
    """Come again as the outbox does, and count how often."""
    for times in range(1, 50):
        try:
            call()
        except (StillRunning, Throttled):
            continue
        return times
    raise AssertionError("it never ended")
