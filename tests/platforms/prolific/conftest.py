"""A workspace on the stand-in, a study with places, people who take them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from crowd.emulators.prolific import Clock, ProlificEmulator, money, submissions
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.nouns import Submission, Workspace
from crowd.emulators.prolific.trouble import Trouble
from crowd.models import Account
from crowd.platforms.base import BatchSpec
from crowd.platforms.prolific import Prolific
from tests.crowd import market
from tests.crowd.market import NOON

SPEC = BatchSpec(
    key="bat-77",
    kind="main",
    interface="boxes",
    title="Draw boxes around hands",
    spec={"instructions": ["Box every hand", "<b>No</b> faces"], "minutes": 6},
    page_size=10,
    overlap=1,
    price_micro=900_000,
    auto_accept=False,
    project_id=7,
    pool_id=1,
    stage_id=1,
    whole_pages=True,
    rules=[{"kind": "answer_count", "most": 20}],
)


@pytest.fixture(scope="session")
def _running() -> Iterator[ProlificEmulator]:
    with ProlificEmulator(Clock(NOON)).serve() as running:
        yield running


@dataclass(slots=True)
class FarSide:
    """The stand-in as it is reached within the process, with the workspace of this test."""

    running: ProlificEmulator
    workspace: Workspace

    @property
    def market(self) -> Market:
        return self.running.market

    @property
    def trouble(self) -> Trouble:
        return self.running.trouble

    def books(self) -> dict[str, int]:
        """The platform's own books of the workspace."""
        return money.books(self.market, self.workspace)

    def posts(self, path: str) -> int:
        """How many requests that may change something came in at an address."""
        return sum(method != "GET" and path in asked for method, asked in self.trouble.requests)

    def takes(self, study: str, participant: str = "") -> Submission:
        """Let somebody take a place; without an id it is a new person."""
        return submissions.take(self.market, study, participant)

    def ends(self, submission: str) -> Submission:
        """Let whoever has taken this place finish."""
        return submissions.end(self.market, submission, "complete")

    def sends(self, study: str) -> Submission:
        """Let somebody new hand a page in."""
        return self.ends(self.takes(study).id)

    def lets_in(self, study: str, participant: str) -> bool:
        return submissions.is_eligible(self.market, self.market.studies[study], participant)


@pytest.fixture
def there(_running: ProlificEmulator) -> FarSide:
    """The stand-in at noon, without faults and without studies that earlier tests left open to its people."""
    held = _running.market
    held.studies.clear()
    held.clock, held.only_days, held.letters = Clock(NOON), False, []
    held.bonus_delay = timedelta()
    _running.trouble.faults, _running.trouble.requests = {}, []
    return FarSide(_running, held.open_workspace(deposit=100_000, currency="USD"))


@pytest.fixture
def account(there: FarSide, db: None) -> Account:
    account = market.account("prolific")
    account.base_url, account.secrets = there.running.url, {"token": there.workspace.token}
    account.settings = {"workspace": there.workspace.id, "project": there.workspace.project}
    account.save()
    return account


@pytest.fixture
def adapter() -> Prolific:
    return Prolific()


@pytest.fixture
def spec() -> BatchSpec:
    return SPEC


@pytest.fixture
def study(adapter: Prolific, account: Account) -> str:
    """A published study with ten places."""
    study_id = adapter.ensure_batch(account, SPEC)
    adapter.offer_pages(account, study_id, 10, "pages-1")
    adapter.open(account, study_id, NOON)
    return study_id


@pytest.fixture
def changed() -> Callable[..., BatchSpec]:
    return lambda **fields: replace(SPEC, **fields)
