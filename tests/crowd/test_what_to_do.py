"""What a platform refuses is told in a sentence that says what to do, and what mends itself bothers nobody."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.errors import AuthFailed, OutOfFunds, PlatformError, StateConflict
from crowd.models import Account, Batch
from crowd.platforms.base import Platform
from crowd.platforms.registry import platform
from crowd.services import publishing
from tests.crowd import market
from tests.crowd.differing import SIDES, FarSide

pytestmark = pytest.mark.django_db
NOTHING_TO_DO = (
    r"before it was handed in\. Nothing has to be done: its (place|tasks) goe?s? to (somebody else|others)\."
)
WRONGLY_SIGNED = {
    "toloka-signature": "v=1,ts=1770000000000,sign=00",
    "x-prolific-request-signature": "AAAA",
    "x-prolific-request-timestamp": "1770000000",
    "x-winnow-signature": "00",
}


@dataclass
class Campaign:
    """A batch with its tasks on an emulator, not open yet."""

    there: FarSide
    batch: Batch

    @property
    def account(self) -> Account:
        return self.there.account

    @property
    def adapter(self) -> Platform:
        return platform(self.account.platform)

    def opens(self) -> None:
        self.adapter.offer_pages(self.account, self.batch.remote_id, 2, "pages-1")
        self.adapter.open(self.account, self.batch.remote_id, database_now())


@pytest.fixture(params=SIDES)
def campaign(request, db) -> Campaign:
    there = SIDES[request.param]()
    until = database_now() + timedelta(days=90)
    batch = market.batch("choice", at=there.account, page_size=2, pays_whole_pages=True, price_micro=90_000)
    batch.expires_at = until
    rows = market.tasks(batch, 4)
    made = Campaign(there, batch)
    batch.remote_id = made.adapter.ensure_batch(there.account, publishing.spec_of(batch))
    batch.save()
    made.adapter.push_tasks(there.account, batch.remote_id, [publishing.task_spec(one) for one in rows], "push-1")
    return made


def with_a_wrong_token(on: Campaign) -> None:
    on.account.secrets = dict.fromkeys(on.account.secrets, "of-somebody-else")
    on.adapter.check(on.account)


def without_money(on: Campaign) -> None:
    on.there.has_no_money()
    on.opens()


def of_a_pool_that_is_over(on: Campaign) -> None:
    on.opens()
    on.there.ends(on.batch)
    on.adapter.open(on.account, on.batch.remote_id, database_now() + timedelta(days=100))


def by_a_webhook_that_was_revoked(on: Campaign) -> None:
    on.account.secrets = {**on.account.secrets, "webhook": "ours"}
    on.adapter.parse_event(on.account, WRONGLY_SIGNED, b"{}", database_now())


SENTENCES: list[tuple[Callable[[Campaign], None], type[PlatformError], str]] = [
    (
        with_a_wrong_token,
        AuthFailed,
        r"“Market”.*\. Make (a new one|new ones) .* and enter (it|them) for this account\.",
    ),
    (
        without_money,
        OutOfFunds,
        r"(balance|available).*\. (Pay in there|Top up there|Put money on the MTurk account)\.",
    ),
    (
        of_a_pool_that_is_over,
        StateConflict,
        r"\. (Go on in a new pool|Make a new pool|Give it a later end, then open it)",
    ),
    (
        by_a_webhook_that_was_revoked,
        AuthFailed,
        r"signature .* is wrong.* (M|m)ake a new (secret|one) on the account's page",
    ),
]


@pytest.mark.parametrize(("asked", "kind", "sentence"), SENTENCES, ids=[one.__name__ for one, *_ in SENTENCES])
def test_a_refusal_says_what_to_do(campaign, asked, kind, sentence):
    with pytest.raises(kind) as refused:
        asked(campaign)
    assert re.search(sentence, str(refused.value)), str(refused.value)


@pytest.mark.parametrize("campaign", ["mturk", "toloka"], indirect=True)
def test_of_a_page_that_expired_it_is_said_that_nothing_has_to_be_done(campaign):
    campaign.opens()
    page = campaign.there.lets_time_run_out(campaign.batch)
    with pytest.raises(StateConflict, match=NOTHING_TO_DO):
        campaign.adapter.accept(campaign.account, page, database_now())


@pytest.mark.parametrize("campaign", ["prolific"], indirect=True)
def test_prolific_pays_for_a_page_that_expired_all_the_same(campaign):
    campaign.opens()
    page = campaign.there.lets_time_run_out(campaign.batch)
    campaign.adapter.accept(campaign.account, page, database_now())
    assert campaign.adapter.books(campaign.account, campaign.batch.remote_id).page_states == {page: "accepted"}


def test_a_skill_that_the_platform_does_not_know_is_made_there_and_nobody_has_to_do_anything(campaign):
    who = campaign.there.somebody()
    campaign.adapter.set_skill(campaign.account, who, "Checking", 70)
    campaign.there.forgets_skills()
    campaign.adapter.set_skill(campaign.account, who, "Checking", 80)
