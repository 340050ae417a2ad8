"""Budgets of projects, stages and pools: setting, removing, warning once, stopping pools."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Account, Budget
from crowd.services import claims, ledger
from curation.models import Event, Pool, Project, User
from curation.services import budgets
from tests.factories import make_pool, make_project, make_worker
from tests.money.world import CENT, held, paid, purse

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project, "PALM")


def put(pool: Pool, cents: int, *, scope: str = "pool", by: User | None = None, warn: int = 80) -> Budget:
    scope_id = {"pool": pool.pk, "stage": pool.stage_id, "project": pool.project_id}[scope]
    return budgets.set_budget(
        project=pool.project, scope=scope, scope_id=scope_id, limit_micro=cents * CENT, by=by, now=timezone.now(),
        warn_percent=warn,
    )  # fmt: skip


def take_away(pool: Pool) -> None:
    budgets.remove_budget(project=pool.project, scope="pool", scope_id=pool.pk, by=None, now=timezone.now())


def warned() -> list[str]:
    return list(Event.objects.filter(kind="budget.warning").order_by("id").values_list("text", flat=True))


def test_setting_a_budget_is_an_event_with_who_did_it(pool: Pool, alice: User):
    put(pool, 500, by=alice)
    event = Event.objects.get(kind="budget.changed")
    assert (event.text, event.by) == ("The budget of pool PALM is now $5.00.", alice)


def test_set_again_it_is_changed_not_doubled(pool: Pool):
    paid(pool, make_worker())
    for cents in (5, 9, 3):
        put(pool, cents)
    assert [budget.limit_micro for budget in Budget.objects.filter(scope="pool")] == [3 * CENT]
    with pytest.raises(CrowdError, match=r"cannot be under the \$0\.03"):
        put(pool, 2)


def test_a_projects_limit_is_set_the_same_way(pool: Pool):
    put(pool, 700, scope="project")
    assert ledger.totals(project_id=pool.project_id).limit_micro == 700 * CENT


def test_a_second_currency_begins_with_a_budget_of_the_project(pool: Pool):
    where = {"project": pool.project, "limit_micro": CENT, "by": None, "now": timezone.now(), "currency": "EUR"}
    with pytest.raises(CrowdError, match="no budget in EUR"):
        budgets.set_budget(scope="pool", scope_id=pool.pk, **where)
    budgets.set_budget(scope="project", scope_id=pool.project_id, **where)
    assert budgets.set_budget(scope="pool", scope_id=pool.pk, **where).currency == "EUR"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"warn_percent": 101}, "0 to 100 percent, not 101"),
        ({"currency": "euro"}, "'euro' is no currency"),
        ({"currency": "usd"}, "'usd' is no currency"),
        ({"limit_micro": -1}, "cannot be negative"),
        ({"scope": "galaxy"}, "has no galaxy"),
        ({"scope_id": 999_999}, "has no pool 999999"),
    ],
)
def test_what_a_budget_cannot_be_is_said(pool: Pool, wrong: dict[str, object], sentence: str):
    asked = {"project": pool.project, "scope": "pool", "scope_id": pool.pk, "limit_micro": CENT, "by": None}
    with pytest.raises(CrowdError, match=sentence):
        budgets.set_budget(**{**asked, "now": timezone.now(), **wrong})
    assert not Budget.objects.exclude(scope="project").exists()


def test_nobody_sets_a_budget_for_another_projects_pool(pool: Pool):
    other = make_project("Other")
    with pytest.raises(CrowdError, match="This project has no pool"):
        budgets.set_budget(project=other, scope="pool", scope_id=pool.pk, limit_micro=CENT, by=None, now=timezone.now())


def test_removed_it_holds_nobody_and_is_an_event_once(pool: Pool):
    put(pool, 1)
    for _ in range(2):
        take_away(pool)
    assert not Budget.objects.filter(scope="pool").exists()
    assert list(Event.objects.values_list("text", flat=True)).count("Pool PALM has no budget of its own any more.") == 1


@pytest.mark.parametrize("scope", ["project", "stage", "pool"])
def test_a_page_is_refused_with_whose_budget_is_used_up(pool: Pool, scope: str):
    put(pool, 2, scope=scope)
    batch = purse(pool)
    with pytest.raises(BudgetExceeded, match=f"the {scope}'s budget"):
        ledger.reserve(purse=batch, amount_micro=3 * CENT, ref="a")


def test_a_worker_gets_no_page_of_a_pool_whose_budget_is_used_up(pool: Pool):
    from crowd.models import Batch, Task

    batch, worker = Batch.objects.get(pool_id=pool.pk), make_worker()
    Task.objects.create(batch=batch, key="one", project_id=pool.project_id, overlap=1)
    put(pool, 2)
    with pytest.raises(BudgetExceeded, match=r"\$0\.03 is needed but only \$0\.02 of the pool's budget is free"):
        claims.claim_page(batch_id=batch.pk, worker_id=worker.pk, now=timezone.now())


# Warnings


def test_a_budget_that_comes_to_its_end_is_warned_of_once(pool: Pool):
    put(pool, 10)
    now = timezone.now()
    paid(pool, make_worker(), cents=7)
    assert budgets.warn_due(now=now) == 0
    held(pool, make_worker(), cents=1)
    assert [budgets.warn_due(now=now) for _ in range(3)] == [1, 0, 0]
    assert warned() == ["Pool PALM: 80 % of the budget of $0.10 is spent or held."]


def test_a_raised_limit_is_warned_of_anew(pool: Pool):
    put(pool, 10)
    paid(pool, make_worker(), cents=9)
    budgets.warn_due(now=timezone.now())
    put(pool, 100)
    assert budgets.warn_due(now=timezone.now()) == 0
    paid(pool, make_worker(), cents=75)
    assert budgets.warn_due(now=timezone.now()) == 1


def test_the_whole_project_is_warned_of_like_its_parts(pool: Pool):
    put(pool, 10, scope="project", warn=50)
    paid(pool, make_worker(), cents=5)
    assert budgets.warn_due(now=timezone.now()) == 1
    assert warned() == ["Whole project: 50 % of the budget of $0.10 is spent or held."]


def test_nobody_is_warned_who_does_not_want_to_be(pool: Pool):
    put(pool, 3, warn=0)
    paid(pool, make_worker(), cents=3)
    assert budgets.warn_due(now=timezone.now()) == 0


def test_a_budget_of_nothing_of_which_nothing_is_used_is_no_reason_to_warn(pool: Pool):
    put(pool, 0)
    assert budgets.warn_due(now=timezone.now()) == 0


def test_a_rehearsal_is_not_disturbed_by_warnings(pool: Pool):
    put(pool, 3)
    paid(pool, make_worker())
    Project.objects.update(is_rehearsal=True)
    assert budgets.warn_due(now=timezone.now()) == 0
    assert not warned()


def test_what_a_platform_took_beyond_the_budget_is_said(pool: Pool):
    put(pool, 5)
    page = paid(pool, make_worker(), cents=3)
    page.pk, page.price_micro = page.pk + 10_000, 4 * CENT
    ledger.charge(assignment=page, now=timezone.now(), forced=True)
    budgets.warn_due(now=timezone.now())
    assert warned() == ["Pool PALM: a platform took $0.02 more than the budget of $0.05."]


def test_many_budgets_need_no_more_queries(pool: Pool, django_assert_num_queries):
    for number in range(4):
        put(make_pool(pool.project, f"MORE {number}"), 5)
    with django_assert_num_queries(2):
        assert len(budgets.budget_rows(project=pool.project)) == 5
    put(pool, 5, scope="stage")
    with django_assert_num_queries(3):
        assert len(budgets.budget_rows(project=pool.project)) == 6


# Stops


def stopped() -> list[tuple[str, str]]:
    return [(pool.title, sentence) for pool, sentence in budgets.stops(pools=Pool.objects.select_related("account"))]


@pytest.mark.parametrize("scope", ["project", "stage", "pool"])
def test_a_pool_stops_where_its_next_page_cannot_be_paid_and_says_whose_budget_it_is(pool: Pool, scope: str):
    put(pool, 3, scope=scope)
    assert stopped() == []
    paid(pool, make_worker(), cents=1)
    assert stopped() == [("PALM", f"The {scope}'s budget is used up. Raise it to go on.")]


def test_a_pool_goes_on_waiting_while_work_in_hand_may_set_money_free(pool: Pool):
    put(pool, 3)
    page = held(pool, make_worker(), cents=3)
    assert stopped() == []
    ledger.charge(assignment=page, now=timezone.now())
    assert [title for title, _ in stopped()] == ["PALM"]


def test_only_the_pool_whose_budget_is_used_up_stops(pool: Pool):
    put(pool, 0)
    make_pool(pool.project, "FIST")
    assert [title for title, _ in stopped()] == ["PALM"]


def test_unpaid_pools_and_pools_of_another_currency_do_not_stop(pool: Pool):
    make_pool(pool.project, "FREE", price_micro=0)
    put(pool, 0)
    Account.objects.filter(pk=pool.account_id).update(currency="EUR")
    assert stopped() == []


def test_all_pools_are_looked_at_in_one_query(pool: Pool, django_assert_num_queries):
    pools = list(Pool.objects.select_related("account")) * 20
    with django_assert_num_queries(1):
        budgets.stops(pools=pools)


def test_warnings_are_found_in_two_queries_when_there_is_nothing_to_say(pool: Pool, django_assert_max_num_queries):
    paid(pool, make_worker(), now=timezone.now() - timedelta(days=1))
    with django_assert_max_num_queries(2):
        budgets.warn_due(now=timezone.now())
