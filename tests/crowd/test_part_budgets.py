"""Budgets of stages and pools beside the project's: every one of them must have room."""

import threading

import pytest
from django.db import transaction

from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Bonus, Budget, LedgerEntry, Reservation
from crowd.services import judging, ledger
from crowd.services.ledger import Purse
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
CENT = 10_000


@pytest.fixture
def photos():
    """A pool of photos at three cents, of one stage of a project with a hundred dollars."""
    batch = market.batch("photo", auto_accept=False)
    market.tasks(batch, 10)
    return batch


def give(batch, scope: str, cents: int) -> Budget:
    scope_id = batch.stage_id if scope == "stage" else batch.pool_id
    return ledger.create_budget(project_id=batch.project_id, scope=scope, scope_id=scope_id, limit_micro=cents * CENT)


def state_of(scope: str) -> tuple[int, int, int]:
    """Held, spent and overdrawn, in cents."""
    budget = Budget.objects.get(scope=scope)
    return budget.reserved_micro // CENT, budget.spent_micro // CENT, budget.overdrawn_micro // CENT


@pytest.mark.parametrize("scope", ["stage", "pool"])
def test_a_page_is_refused_with_whose_budget_is_used_up(photos, scope):
    give(photos, scope, 5)
    market.claim(photos, market.worker(photos.account))
    with pytest.raises(BudgetExceeded, match=rf"only \$0\.02 of the {scope}'s budget is free. Raise the {scope}'s"):
        market.claim(photos, market.worker(photos.account))
    assert state_of("project")[0] == state_of(scope)[0] == 3


def test_the_widest_budget_that_is_used_up_is_named(photos):
    ledger.raise_budget(project_id=photos.project_id, limit_micro=0)
    give(photos, "pool", 0)
    with pytest.raises(BudgetExceeded, match="the project's budget"):
        market.claim(photos, market.worker(photos.account))


def test_a_pools_budget_does_not_hold_other_pools(photos):
    give(photos, "pool", 0)
    other = market.batch("photo", at=photos.account, project_id=photos.project_id, stage_id=photos.stage_id)
    market.tasks(other)
    assert market.claim(other, market.worker(other.account)).price_micro == 3 * CENT


def test_a_budget_given_later_counts_what_is_held_and_paid_already(photos):
    paid, _ = (market.sent(photos, market.worker(photos.account)) for _ in range(2))
    judging.accept(assignment_id=paid.pk, now=NOON)
    with pytest.raises(CrowdError, match=r"cannot be under the \$0\.06 that are spent or held"):
        give(photos, "pool", 5)
    give(photos, "pool", 6)
    assert state_of("pool") == (3, 3, 0)


def test_a_hold_from_before_the_budget_is_given_back_to_it(photos):
    page = market.sent(photos, market.worker(photos.account))
    give(photos, "pool", 3)
    judging.reject(assignment_id=page.pk, reason="blurred", now=NOON)
    assert Budget.objects.get(scope="pool").free_micro == 3 * CENT


def test_a_budget_taken_away_holds_nobody_any_more(photos):
    give(photos, "pool", 3)
    page = market.sent(photos, market.worker(photos.account))
    where = {"project_id": photos.project_id, "scope": "pool", "scope_id": photos.pool_id}
    assert ledger.remove_budget(**where)
    assert not ledger.remove_budget(**where)
    judging.accept(assignment_id=page.pk, now=NOON)
    market.claim(photos, market.worker(photos.account))
    assert state_of("project") == (3, 3, 0)


def test_a_projects_budget_cannot_be_taken_away(photos):
    with pytest.raises(CrowdError, match="lower its limit instead"):
        ledger.remove_budget(project_id=photos.project_id, scope="project", scope_id=photos.project_id)


def test_a_part_has_no_budget_in_a_currency_the_project_has_none_in(photos):
    with pytest.raises(CrowdError, match="no budget in EUR"):
        ledger.create_budget(
            project_id=photos.project_id, scope="pool", scope_id=photos.pool_id, currency="EUR", limit_micro=CENT
        )


@pytest.mark.django_db(transaction=True)
def test_a_budget_given_while_money_moves_misses_nothing():
    """The order of locks is what is tested: a movement that began before the budget is in it when it is there."""
    photos = market.batch("photo", auto_accept=False)
    purse, begun = Purse.of(photos), threading.Event()

    def act(number: int) -> None:
        if number == 0:
            with transaction.atomic():
                ledger.lock(purse=purse)
                begun.set()
                ledger.reserve(purse=purse, amount_micro=CENT, ref="a")
        else:
            begun.wait(120)
            give(photos, "pool", 100)
            ledger.reserve(purse=purse, amount_micro=CENT, ref=f"b{number}")

    assert market.at_once(act, range(2)) == [None, None]
    assert state_of("pool") == state_of("project") == (2, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_resizing_and_giving_back_the_same_hold_never_wait_for_each_other():
    photos = market.batch("photo")
    purse = Purse.of(photos)

    def act(number: int) -> None:
        for step in range(12):
            if number % 2:
                ledger.release(ref="batch:1")
            else:
                ledger.resize(purse=purse, ref="batch:1", amount_micro=(step % 3 + 1) * CENT)

    assert market.at_once(act, range(6)) == [None] * 6
    hold = Reservation.objects.get()
    assert state_of("project")[0] * CENT == (hold.amount_micro if hold.state == "held" else 0)


# What the platform takes by itself


def test_what_a_platform_took_is_booked_and_gives_nobody_more_room(photos):
    ledger.raise_budget(project_id=photos.project_id, limit_micro=4 * CENT)
    first, second = (paged(photos, number, 3) for number in (1, 2))
    ledger.charge(assignment=first, now=NOON)
    with pytest.raises(BudgetExceeded):
        ledger.charge(assignment=second, now=NOON)
    ledger.charge(assignment=second, now=NOON, forced=True)
    assert state_of("project") == (0, 6, 2)
    with pytest.raises(BudgetExceeded, match=r"only \$0\.00"):
        ledger.reserve(purse=Purse.of(photos), amount_micro=1, ref="more")


def test_money_that_comes_back_covers_what_was_overdrawn_first(photos):
    ledger.raise_budget(project_id=photos.project_id, limit_micro=4 * CENT)
    ledger.charge(assignment=paged(photos, 1, 9), now=NOON, forced=True)
    back = {"purse": Purse.of(photos), "book": "workers", "note": "sent back", "by_id": None}
    ledger.refund(amount_micro=3 * CENT, ref="r1", **back)
    assert (state_of("project"), ledger.totals(project_id=photos.project_id).free_micro) == ((0, 6, 2), 0)
    ledger.refund(amount_micro=4 * CENT, ref="r2", **back)
    assert state_of("project") == (0, 2, 0)
    assert ledger.totals(project_id=photos.project_id).free_micro == 2 * CENT


def test_a_raised_limit_covers_what_was_overdrawn_first(photos):
    ledger.raise_budget(project_id=photos.project_id, limit_micro=4 * CENT)
    ledger.charge(assignment=paged(photos, 1, 9), now=NOON, forced=True)
    with pytest.raises(CrowdError, match=r"cannot be under the \$0\.09"):
        ledger.raise_budget(project_id=photos.project_id, limit_micro=8 * CENT)
    assert ledger.raise_budget(project_id=photos.project_id, limit_micro=10 * CENT).free_micro == CENT


def paged(batch, number: int, cents: int, fee: int = 0):
    """A page of a remote batch, which has no hold of its own."""
    who = market.worker(batch.account)
    page = market.Assignment(pk=batch.pk * 100 + number, batch=batch, account_id=who.account_id, worker=who)
    page.price_micro, page.fee_micro = cents * CENT, fee * CENT
    return page


# Holds that were not what it cost


@pytest.mark.parametrize(("held", "cost"), [(5, 8), (8, 5), (5, 5)])
def test_a_page_that_costs_more_or_less_than_was_held_leaves_nothing_held(photos, held, cost):
    page = paged(photos, 1, cost - 1, fee=1)
    ledger.reserve(purse=Purse.of(photos), amount_micro=held * CENT, ref=f"assignment:{page.pk}")
    ledger.charge(assignment=page, now=NOON)
    assert state_of("project") == (0, cost, 0)
    assert book("held") == 0


def test_a_page_of_which_only_the_fee_costs_is_charged_once(photos):
    page = paged(photos, 1, 0, fee=2)
    for _ in range(2):
        ledger.charge(assignment=page, now=NOON)
    assert state_of("project") == (0, 2, 0)


def test_a_page_that_comes_after_its_batch_was_given_back_is_paid_out_of_the_free_budget(photos):
    purse, ref = Purse.of(photos), f"batch:{photos.pk}"
    ledger.resize(purse=purse, ref=ref, amount_micro=9 * CENT)
    ledger.release(ref=ref)
    ledger.charge(assignment=paged(photos, 1, 3), now=NOON)
    assert state_of("project") == (0, 3, 0)
    assert book("held") == 0


def test_a_batch_given_back_can_be_held_and_given_back_again(photos):
    purse, ref = Purse.of(photos), f"batch:{photos.pk}"
    for _ in range(3):
        ledger.resize(purse=purse, ref=ref, amount_micro=9 * CENT)
        assert state_of("project") == (9, 0, 0)
        ledger.release(ref=ref)
        assert state_of("project") == (0, 0, 0)


def test_nothing_is_held_again_for_what_is_paid(photos):
    page = paged(photos, 1, 3)
    ledger.reserve(purse=Purse.of(photos), amount_micro=3 * CENT, ref=f"assignment:{page.pk}")
    ledger.charge(assignment=page, now=NOON)
    with pytest.raises(CrowdError, match="is paid already"):
        ledger.resize(purse=Purse.of(photos), ref=f"assignment:{page.pk}", amount_micro=CENT)


def test_pages_of_both_kinds_are_charged_together_each_once(photos):
    own, drawn = paged(photos, 1, 3, fee=1), paged(photos, 2, 3)
    ledger.reserve(purse=Purse.of(photos), amount_micro=4 * CENT, ref=f"assignment:{own.pk}")
    ledger.resize(purse=Purse.of(photos), ref=f"batch:{photos.pk}", amount_micro=10 * CENT)
    for charged in (2, 0):
        assert ledger.charge_many(pages={photos: [own, drawn, own]}, now=NOON) == charged
    assert state_of("project") == (7, 7, 0)
    assert (book("workers"), book("platform")) == (6, 1)


def test_a_bonus_the_platform_paid_although_we_had_given_its_hold_back_is_booked(photos):
    who = market.worker(photos.account)
    bonus = Bonus.objects.create(
        account=photos.account, worker=who, project_id=photos.project_id, key="k", amount_micro=5 * CENT
    )
    for _ in range(2):
        ledger.charge_bonus(bonus=bonus, now=NOON)
    assert state_of("project") == (0, 5, 0)
    assert LedgerEntry.objects.get().worker_id == who.pk


def book(name: str) -> int:
    into = sum(LedgerEntry.objects.filter(target=name).values_list("amount_micro", flat=True))
    return (into - sum(LedgerEntry.objects.filter(source=name).values_list("amount_micro", flat=True))) // CENT


# By hand


def test_no_more_comes_back_than_went_there(photos):
    ledger.charge(assignment=paged(photos, 1, 3, fee=1), now=NOON)
    asked = {"purse": Purse.of(photos), "ref": "r", "note": "", "by_id": None}
    with pytest.raises(CrowdError, match=r"Only \$0\.01 went to the platform in this project: \$0\.02 cannot"):
        ledger.refund(amount_micro=2 * CENT, book="platform", **asked)
    with pytest.raises(CrowdError, match=r"Only \$0\.03 went to workers"):
        ledger.correct(amount_micro=-4 * CENT, book="workers", **{**asked, "note": "books"})
    assert state_of("project") == (0, 4, 0)


def test_nothing_comes_back_to_a_pool_that_paid_nothing(photos):
    ledger.charge(assignment=paged(photos, 1, 3), now=NOON)
    purse = Purse(photos.project_id, photos.stage_id, pool_id=1)
    with pytest.raises(CrowdError, match=r"Only \$0\.00 went to workers in this pool"):
        ledger.refund(purse=purse, amount_micro=CENT, ref="r", book="workers", note="", by_id=None)


def test_a_refund_of_the_same_reference_is_booked_once(photos):
    ledger.charge(assignment=paged(photos, 1, 3), now=NOON)
    asked = {"purse": Purse.of(photos), "amount_micro": CENT, "ref": "r", "book": "workers", "note": "", "by_id": None}
    ledger.refund(**asked)
    with pytest.raises(CrowdError, match="booked already"):
        ledger.refund(**asked)
    assert state_of("project") == (0, 2, 0)


@pytest.mark.parametrize(
    "wrong", [{"amount_micro": 0}, {"book": "held"}, {"note": "  "}], ids=["no amount", "another book", "no reason"]
)
def test_a_correction_says_how_much_where_and_why(photos, wrong):
    asked = {"amount_micro": CENT, "book": "workers", "note": "their books say so", "ref": "c", "by_id": None}
    with pytest.raises(CrowdError, match="needs an amount, a book"):
        ledger.correct(purse=Purse.of(photos), **{**asked, **wrong})
