"""`reconcile` as it is called by hand, against the emulators: whatever is planted on either side is listed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from crowd.clock import database_now
from crowd.models import Assignment, Batch, BatchRollup, Bonus, Budget, LedgerEntry, OutboxCommand, Task
from crowd.money import plain
from crowd.platforms.base import BonusSpec
from crowd.platforms.registry import platform
from crowd.services import bonuses, dispatch, judging, ledger, outbox, publishing, pulling, rollups
from tests.crowd import market
from tests.crowd.differing import SIDES, FarSide

pytestmark = pytest.mark.django_db
PRICE = 90_000
State = Assignment.State
Said = dict[str, Any]


@dataclass
class Campaign:
    """A batch on an emulator: two pages accepted, one rejected, a bonus for the first, places left."""

    there: FarSide
    batch: Batch

    @property
    def accepted(self) -> Assignment:
        return Assignment.objects.filter(batch=self.batch, state=State.ACCEPTED).earliest("pk")

    @property
    def rejected(self) -> Assignment:
        return Assignment.objects.get(batch=self.batch, state=State.REJECTED)

    def differences(self) -> list[Said]:
        """What the command lists; it fails when that is anything."""
        out = StringIO()
        try:
            call_command("reconcile", "--json", stdout=out)
            failed = False
        except CommandError as failure:
            failed = failure.returncode == 1
        found: list[Said] = json.loads(out.getvalue())["differences"]
        assert failed == bool(found)
        return found


@pytest.fixture(params=SIDES)
def campaign(request, db) -> Campaign:
    return under_way(SIDES[request.param]())


def under_way(there: FarSide) -> Campaign:
    fields = {"state": Batch.State.DRAFT, "price_micro": PRICE, "page_size": 2, "auto_accept": False}
    batch = market.batch("choice", at=there.account, pays_whole_pages=True, **fields)
    market.tasks(batch, 8)
    batch.tasks.update(to_push=True)
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=there.account, batch_id=batch.pk)
    settle()
    batch.refresh_from_db()
    for _ in range(3):
        there.works(batch)
    pulling.pull_batch(batch_id=batch.pk, now=database_now())
    judge(batch)
    made = Campaign(there, batch)
    wish = bonuses.Wish(page=made.accepted, amount_micro=500_000, key="thanks", message="Thank you")
    bonuses.plan(wish=wish, by_id=None)
    settle()
    assert made.differences() == []
    return made


def judge(batch: Batch) -> None:
    one, two, three = Assignment.objects.filter(batch=batch).order_by("pk")
    for page in (one, two):
        judging.accept(assignment_id=page.pk, now=database_now())
    judging.reject(assignment_id=three.pk, reason="The hand is cut off", now=database_now())
    settle()


def settle() -> None:
    """Carry out all that is due, and what becomes due by it."""
    for batch in Batch.objects.filter(published_at__isnull=False):
        publishing.plan_pushes(batch=batch)
    for _ in range(20):
        OutboxCommand.objects.filter(state="planned").update(next_at=database_now())
        if not dispatch.drain(now=database_now()):
            break
    assert list(OutboxCommand.objects.exclude(state="done").values_list("kind", "state", "last_error")) == []


# What is planted there, and how it is listed: kind, local, remote, the end of where. None = any value.
Listed = tuple[str, int | str | None, int | str | None, str]


def a_page_is_lost_there(on: Campaign) -> Listed:
    on.there.forgets(on.rejected.ext_id)
    return "page", "rejected", "not there", f"page {on.rejected.ext_id}"


def a_page_is_judged_otherwise_there(on: Campaign) -> Listed:
    on.there.says(on.accepted.ext_id, "rejected")
    return "page", "accepted", "rejected", f"page {on.accepted.ext_id}"


def fewer_pages_are_paid_there(on: Campaign) -> Listed:
    on.there.forgets(on.accepted.ext_id)
    return "money", "0.18", "0.09", "rewards of accepted pages"


def another_price_is_paid_there(on: Campaign) -> Listed:
    on.there.pays_more(on.accepted.ext_id)
    return "money", None, None, "rewards of accepted pages"


def another_bonus_is_paid_there(on: Campaign) -> Listed:
    page = on.accepted
    spec = BonusSpec("by hand", page.worker.ext_id, page.ext_id, 250_000, "Thank you again")
    platform(on.there.account.platform).pay_bonus(on.there.account, spec)
    return "money", "0.50", "0.75", "bonuses"


def our_key_is_no_longer_let_in(on: Campaign) -> Listed:
    account = on.there.account
    account.secrets = dict.fromkeys(account.secrets, "of-somebody-else")
    account.save()
    return "platform", "", None, on.batch.key


# What is planted here.


def a_bonus_is_written_down_that_was_not_paid(on: Campaign) -> Listed:
    Bonus.objects.update(amount_micro=750_000)
    return "money", "0.75", "0.50", "bonuses"


def a_verdict_was_refused_there(on: Campaign) -> Listed:
    on.there.works(on.batch)
    pulling.pull_batch(batch_id=on.batch.pk, now=database_now())
    page = Assignment.objects.get(batch=on.batch, state=State.SUBMITTED)
    judging.accept(assignment_id=page.pk, now=database_now())
    OutboxCommand.objects.filter(state="planned").update(state="refused")
    return "page", "accepted", "submitted", f"page {page.ext_id}"


def pages_are_counted_wrongly(on: Campaign) -> Listed:
    rollups.fold(now=database_now())
    row = BatchRollup.objects.get(batch_id=on.batch.pk, state=State.ACCEPTED)
    BatchRollup.objects.filter(pk=row.pk).update(n=5)
    worth = plain(row.amount_micro)
    return "rollup", f"5 worth {worth}", f"{row.n} worth {worth}", "pages that are accepted"


def money_is_held_for_a_bonus_nobody_plans(on: Campaign) -> Listed:
    ledger.reserve(purse=ledger.Purse.of(on.batch), amount_micro=5, ref="bonus:7700000000000")
    return "hold", "0.000005", "0.00", "bonus:7700000000000"


def a_budget_says_that_more_is_held(on: Campaign) -> Listed:
    budget = Budget.objects.get(project_id=on.batch.project_id)
    Budget.objects.filter(pk=budget.pk).update(reserved_micro=budget.reserved_micro + 7)
    return "budget", plain(budget.reserved_micro + 7), None, "USD, held"


def a_charge_is_lost(on: Campaign) -> Listed:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE crowd_ledgerentry DISABLE TRIGGER append_only")
    LedgerEntry.objects.filter(kind="charge", ref=f"assignment:{on.accepted.pk}").delete()
    return "charge", "0.00", "0.09", f"assignment {on.accepted.pk}, accepted"


def nobody_knows_how_a_message_ended(on: Campaign) -> Listed:
    then = database_now() - timedelta(minutes=3)
    OutboxCommand.objects.create(account=on.there.account, kind="message", key="m1", state="unknown", started_at=then)
    return "outbox", "unknown", "not looked at", "message m1"


TOGETHER = [
    a_page_is_lost_there, a_page_is_judged_otherwise_there, another_price_is_paid_there, another_bonus_is_paid_there,
    a_verdict_was_refused_there, pages_are_counted_wrongly, money_is_held_for_a_bonus_nobody_plans,
    a_budget_says_that_more_is_held, a_charge_is_lost, nobody_knows_how_a_message_ended,
]  # fmt: skip
ALONE = [fewer_pages_are_paid_there, our_key_is_no_longer_let_in, a_bonus_is_written_down_that_was_not_paid]


def test_ten_differences_planted_at_once_are_all_listed(campaign):
    planted = [plant(campaign) for plant in TOGETHER]
    assert len(planted) == 10
    differences = campaign.differences()
    assert [one for one in planted if not is_listed(one, differences)] == [], differences


@pytest.mark.parametrize("plant", ALONE, ids=lambda plant: plant.__name__)
def test_a_difference_that_would_hide_others_is_listed(campaign, plant: Callable[[Campaign], Listed]):
    planted = plant(campaign)
    differences = campaign.differences()
    assert is_listed(planted, differences), differences


def is_listed(planted: Listed, differences: list[Said]) -> bool:
    kind, local, remote, where = planted
    found = [one for one in differences if one["kind"] == kind and one["where"].endswith(where)]
    return any(local in {None, one["local"]} and remote in {None, one["remote"]} for one in found)


class TestOnToloka:
    """What it alone says of a pool."""

    @pytest.fixture
    def campaign(self) -> Campaign:
        return under_way(SIDES["toloka"]())

    def test_a_task_that_is_missing_there_is_listed(self, campaign):
        here = Task.objects.filter(batch=campaign.batch).count()
        campaign.there.loses_a_task(campaign.batch)
        assert is_listed(("tasks", here, here - 1, campaign.batch.key), campaign.differences())

    def test_a_pool_closed_there_behind_our_back_is_listed(self, campaign):
        platform("toloka").close(campaign.there.account, campaign.batch.remote_id, database_now())
        assert is_listed(("pool", "open", "not open", campaign.batch.key), campaign.differences())

    def test_another_fee_is_listed(self, campaign):
        campaign.there.takes_another_fee(campaign.accepted.ext_id)
        assert "fees of accepted pages; is the account's commission right?" in str(campaign.differences())
