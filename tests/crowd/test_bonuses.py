"""Bonuses: held when they are planned, paid once by the platform, given back when it refuses."""

from datetime import timedelta

import pytest

from crowd.errors import BudgetExceeded, CrowdError, IllegalTransition, NotSupported, StateConflict
from crowd.models import Assignment, Bonus, LedgerEntry, OutboxCommand
from crowd.platforms import registry
from crowd.platforms.base import BonusSpec, Capabilities
from crowd.platforms.local import LocalMarket
from crowd.services import bonuses, dispatch, judging, ledger
from crowd.services.bonuses import Wish
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
CENT = 10_000
LATER = NOON + timedelta(days=9_999)  # a command is due from the moment it was written


class Agency(LocalMarket):
    """A platform that takes a fifth of a bonus and may refuse to pay it."""

    refuses = ""
    paid: list[BonusSpec] = []

    def fee(self, account, *, price_micro: int, overlap: int) -> int:  # noqa: ARG002  as the port has it
        return price_micro // 5

    def pay_bonus(self, account, bonus: BonusSpec) -> str:  # noqa: ARG002  as the port has it
        if Agency.refuses:
            raise StateConflict(Agency.refuses)
        Agency.paid.append(bonus)
        return f"remote-{len(Agency.paid)}"


class Stingy(Agency):
    capabilities = Capabilities(
        pages="local", live_api=True, training=True, exam=True, control_tasks=True, price_by_skill=True,
        postponed_acceptance=True, undo_rejection=True, ban_with_scope=True, native_upload=True, bonuses=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def agency(monkeypatch) -> type[Agency]:
    monkeypatch.setitem(registry.PLATFORMS, "agency", f"{__name__}:Agency")
    monkeypatch.setitem(registry.PLATFORMS, "stingy", f"{__name__}:Stingy")
    Agency.refuses, Agency.paid = "", []
    return Agency


@pytest.fixture
def page() -> Assignment:
    return worked()


def worked(platform: str = "agency") -> Assignment:
    """A page that was handed in and accepted, free of charge so that only bonuses move money."""
    batch = market.batch(at=market.account(platform), price_micro=0)
    market.tasks(batch, 3)
    return market.sent(batch, market.worker(batch.account))


def plan(page: Assignment, cents: int = 50, key: str = "best of May", message: str = "Thank you!") -> Bonus:
    return bonuses.plan(wish=Wish(page, cents * CENT, key, message), by_id=7)[0]


def money(page: Assignment) -> tuple[int, int]:
    """Held and spent, in cents."""
    totals = ledger.totals(project_id=page.project_id)
    return totals.reserved_micro // CENT, totals.spent_micro // CENT


def test_a_planned_bonus_holds_its_amount_with_the_platforms_fee(page):
    bonus = plan(page)
    assert money(page) == (60, 0)
    assert (bonus.state, bonus.fee_micro) == ("planned", 10 * CENT)
    assert (bonus.pool_id, bonus.stage_id, bonus.assignment_id) == (page.batch.pool_id, page.batch.stage_id, page.pk)
    command = OutboxCommand.objects.get(kind="pay_bonus")
    assert (command.key, command.payload) == (f"bonus-{bonus.pk}", {"bonus_id": bonus.pk})


def test_a_paid_bonus_is_booked_with_its_fee_and_who_gave_it(page):
    plan(page)
    dispatch.drain(now=LATER)
    assert money(page) == (0, 60)
    assert Bonus.objects.get().state == "paid"
    rows = LedgerEntry.objects.filter(ref__startswith="bonus:", source="held").order_by("target")
    assert [(row.kind, row.target, row.amount_micro // CENT) for row in rows] == [
        ("fee", "platform", 10),
        ("bonus", "workers", 50),
    ]
    assert {(row.worker_id, row.by_id, row.note) for row in rows} == {(page.worker_id, 7, "Thank you!")}


def test_the_same_reason_is_the_same_bonus(page):
    assert plan(page) == plan(page)
    dispatch.drain(now=LATER)
    assert plan(page).state == "paid"
    dispatch.drain(now=LATER)
    assert money(page) == (0, 60)
    assert len(Agency.paid) == 1


@pytest.mark.django_db(transaction=True)
def test_planned_by_six_at_once_it_is_one_bonus():
    page = worked()
    plans = market.at_once(lambda _: plan(page).pk, range(6))
    assert len(set(plans)) == 1
    assert money(page) == (60, 0)


def test_the_same_reason_with_another_amount_is_refused(page):
    plan(page)
    with pytest.raises(CrowdError, match=r"“best of May” of \$0\.50 already"):
        plan(page, cents=60)
    assert money(page) == (60, 0)


def test_two_workers_may_have_a_bonus_for_the_same_reason(page):
    other = market.sent(page.batch, market.worker(page.account))
    done = bonuses.plan_many(wishes=[Wish(page, CENT, "fast"), Wish(other, 2 * CENT, "fast")], by_id=None)
    assert (len(done.bonuses), done.new) == (2, 2)
    assert bonuses.plan_many(wishes=[Wish(page, CENT, "fast"), Wish(other, 2 * CENT, "fast")], by_id=None).new == 0


def test_a_bonus_that_the_budget_cannot_carry_leaves_nothing_behind(page):
    ledger.raise_budget(project_id=page.project_id, limit_micro=59 * CENT)
    with pytest.raises(BudgetExceeded, match="project's budget"):
        plan(page)
    assert not Bonus.objects.exists()
    assert not OutboxCommand.objects.filter(kind="pay_bonus").exists()


def test_a_list_is_planned_as_a_whole_or_not_at_all(page):
    ledger.create_budget(project_id=page.project_id, scope="pool", scope_id=page.batch.pool_id, limit_micro=100 * CENT)
    with pytest.raises(BudgetExceeded, match="pool's budget"):
        bonuses.plan_many(wishes=[Wish(page, 50 * CENT, "one"), Wish(page, 50 * CENT, "two")], by_id=None)
    assert money(page) == (0, 0)
    assert not Bonus.objects.exists()


def test_a_list_that_is_too_long_is_refused(page):
    many = [Wish(page, CENT, f"for {number}") for number in range(bonuses.MOST_AT_ONCE + 1)]
    with pytest.raises(CrowdError, match="At most 200 bonuses at once, not 201"):
        bonuses.plan_many(wishes=many, by_id=None)


def test_what_the_platform_refuses_is_given_back_with_its_words(page):
    Agency.refuses = "The worker has left."
    plan(page)
    dispatch.drain(now=LATER)
    bonus = Bonus.objects.get()
    assert (bonus.state, bonus.note) == ("refused", "The worker has left.")
    assert money(page) == (0, 0)


def test_a_refused_bonus_can_be_tried_again_and_is_paid_once(page):
    Agency.refuses = "The account is locked."
    bonus = plan(page)
    dispatch.drain(now=LATER)
    Agency.refuses = ""
    for _ in range(2):
        bonuses.plan_again(bonus_id=bonus.pk)
    assert money(page) == (60, 0)
    dispatch.drain(now=LATER)
    assert Bonus.objects.get().state == "paid"
    assert money(page) == (0, 60)
    with pytest.raises(IllegalTransition):
        bonuses.plan_again(bonus_id=bonus.pk)


@pytest.mark.parametrize("cents", [0, -5])
def test_a_bonus_is_above_zero(page, cents):
    with pytest.raises(CrowdError, match="above zero"):
        plan(page, cents=cents)


@pytest.mark.parametrize("key", ["", "   ", "x" * 81])
def test_a_bonus_has_a_reason(page, key):
    with pytest.raises(CrowdError, match="needs a reason"):
        plan(page, key=key)


def test_a_platform_without_bonuses_says_so():
    with pytest.raises(NotSupported, match="pays no bonuses"):
        plan(worked("stingy"))


def test_a_bonus_is_paid_for_an_accepted_page_rather_than_for_the_last():
    batch = market.batch("photo", auto_accept=False)
    market.tasks(batch, 3)
    who = market.worker(batch.account)
    accepted = market.sent(batch, who)
    judging.accept(assignment_id=accepted.pk, now=NOON)
    market.sent(batch, who)
    asked = {"project_id": batch.project_id, "worker_id": who.pk}
    assert bonuses.last_page(**asked) == accepted
    assert bonuses.last_page(**asked, pool_id=batch.pool_id) == accepted
    assert bonuses.last_page(**asked, pool_id=-1) is None


def test_nobody_who_sent_nothing_gets_a_bonus():
    batch = market.batch()
    market.tasks(batch)
    who = market.worker(batch.account)
    market.claim(batch, who)
    assert bonuses.last_page(project_id=batch.project_id, worker_id=who.pk) is None
