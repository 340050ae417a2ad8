"""Pools: opening within the budget, pausing for certain, targets that move, and an end."""

from dataclasses import replace

import pytest
from django.db import connection

from crowd.errors import BudgetExceeded, CrowdError, IllegalTransition
from crowd.models import Assignment, Batch, OutboxCommand, Task
from crowd.services import judging, ledger
from curation.engine import asking, campaigns, flow
from curation.engine.market_accounts import account_for
from curation.models import Event, Pool
from curation.services import pools
from tests.crowd import market
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
State = Pool.State


def state_of(pool: Pool) -> str:
    pool.refresh_from_db()
    return pool.state


def slots(project) -> tuple[int, int]:
    """Places that count, and places withdrawn."""
    mine = Task.objects.filter(batch=world.batch(project, "collect"))
    return mine.filter(cancelled=False).count(), mine.filter(cancelled=True).count()


def accepted(project, n: int) -> None:
    for _ in range(n):
        page = market.sent(world.batch(project, "collect"), world.worker(project))
        Assignment.objects.filter(pk=page.pk).update(processed_at=NOON)
        judging.accept(assignment_id=page.pk, now=NOON)
    pools.close_finished(project_id=project.pk, now=NOON)


# Opening and the budget


def test_a_draft_gives_no_work_until_its_platform_has_opened_it():
    project = world.drafted()
    pool = world.collecting(project)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    assert (state_of(pool), world.batch(project, "collect").state) == (State.OPENING, Batch.State.DRAFT)
    world.settle()
    assert (state_of(pool), world.batch(project, "collect").state) == (State.OPEN, Batch.State.OPEN)


def test_a_budget_smaller_than_the_first_pool_is_refused_and_nothing_changes():
    project = world.drafted(wanted=100, dollars=3)
    with pytest.raises(BudgetExceeded, match=r"\$4\.00 is needed but only \$3\.00 of the budget is free"):
        campaigns.open_all(project=project, by=None, now=NOON)
    assert set(Pool.objects.values_list("state", flat=True)) == {State.DRAFT}
    assert not OutboxCommand.objects.exists()
    assert not Event.objects.filter(kind="pool.opened").exists()


def test_the_whole_plan_must_fit_not_every_pool_alone():
    asked = asking.campaign(
        recipe="gestures",
        platform="inhouse",
        name="Two signs",
        classes=["peace", "ok"],
        wanted=100,
        budget="7",
        settings=world.PLAIN,
    )
    project = campaigns.ensure_project(asked=asked, by=None, now=NOON).project
    with pytest.raises(BudgetExceeded, match=r"\$8\.00 is needed but only \$7\.00"):
        campaigns.open_all(project=project, by=None, now=NOON)
    assert set(Pool.objects.filter(project=project).values_list("state", flat=True)) == {State.DRAFT}


def test_a_paused_pool_opens_again_although_its_pages_hold_the_whole_budget():
    project = world.campaign(wanted=2, dollars=1)
    pool = world.collecting(project)
    pools.change_pool(pool_id=pool.pk, by=None, now=NOON, price_micro=500_000)
    for _ in range(2):
        market.sent(world.batch(project, "collect"), world.worker(project))
    assert world.totals(project).free_micro == 0
    pools.pause_pool(pool_id=pool.pk, by=None, now=NOON)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    assert state_of(pool) == State.OPENING


def test_opening_twice_is_opening_once():
    project = world.drafted()
    pool = world.collecting(project)
    for _ in range(2):
        pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    assert OutboxCommand.objects.filter(batch_id=world.batch(project, "collect").pk).count() == 1


def test_what_the_platform_refuses_comes_back_with_its_sentence():
    project = world.drafted()
    Batch.objects.filter(project_id=project.pk, interface="photo").update(remote_id="12345678")
    pool = world.collecting(project)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    world.settle()
    assert state_of(pool) == State.PAUSED
    assert pool.note == "Account inhouse has no batch 12345678."


# Pausing


def test_no_page_is_given_out_from_the_moment_of_a_pause():
    project = world.campaign()
    pool = world.collecting(project)
    pools.pause_pool(pool_id=pool.pk, by=None, now=NOON, note="Too blurred")
    assert world.batch(project, "collect").state == Batch.State.PAUSED
    world.settle()
    assert world.batch(project, "collect").state == Batch.State.CLOSED


def test_a_pool_paused_before_its_platform_opened_it_stays_shut():
    project = world.drafted()
    pool = world.collecting(project)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    pools.pause_pool(pool_id=pool.pk, by=None, now=NOON)
    world.settle()
    assert (state_of(pool), world.batch(project, "collect").state) == (State.PAUSED, Batch.State.DRAFT)


def test_a_pool_resumed_before_its_platform_closed_it_stays_open():
    project = world.campaign()
    pool = world.collecting(project)
    pools.pause_pool(pool_id=pool.pk, by=None, now=NOON)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    world.settle()
    assert (state_of(pool), world.batch(project, "collect").state) == (State.OPEN, Batch.State.OPEN)


def test_a_page_in_hand_may_be_finished_after_a_pause():
    project = world.campaign()
    page = market.claim(world.batch(project, "collect"), world.worker(project))
    pools.pause_pool(pool_id=world.collecting(project).pk, by=None, now=NOON)
    assert market.submit(page).assignment.state == Assignment.State.SUBMITTED


# Targets


def test_a_pool_that_has_what_was_wanted_closes_itself():
    project = world.campaign(wanted=2)
    pool = world.collecting(project)
    accepted(project, 1)
    assert state_of(pool) == State.OPEN
    accepted(project, 1)
    assert state_of(pool) == State.DONE
    assert Event.objects.get(kind="pool.closed").text == "PEACE reached 2 and closed."


def test_the_last_photo_that_validation_accepts_closes_the_pool():
    project = world.campaign(wanted=1)
    world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    assert state_of(world.collecting(project)) == State.DONE


def test_raising_the_target_adds_places_and_loses_nothing():
    project = world.campaign(wanted=2)
    pool = world.collecting(project)
    accepted(project, 2)
    pools.change_pool(pool_id=pool.pk, by=None, now=NOON, wanted=5)
    assert slots(project) == (5, 0)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    world.settle()
    accepted(project, 2)
    assert (state_of(pool), pools.accepted_count(pool_id=pool.pk)) == (State.OPEN, 4)
    accepted(project, 1)
    assert state_of(pool) == State.DONE


def test_a_target_lowered_and_raised_again_has_its_places_back():
    project = world.campaign(wanted=6)
    pool = world.collecting(project)
    pools.change_pool(pool_id=pool.pk, by=None, now=NOON, wanted=2)
    assert slots(project) == (2, 4)
    pools.change_pool(pool_id=pool.pk, by=None, now=NOON, wanted=8)
    assert slots(project) == (8, 0)


def test_places_in_hand_are_not_withdrawn():
    project = world.campaign(wanted=3)
    pages = [market.claim(world.batch(project, "collect"), world.worker(project)) for _ in range(2)]
    pools.change_pool(pool_id=world.collecting(project).pk, by=None, now=NOON, wanted=1)
    assert slots(project) == (2, 1)
    assert [market.submit(page).assignment.state for page in pages] == [Assignment.State.SUBMITTED] * 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"wanted": 0}, "The target must be at least 1, not 0."),
        ({"wanted": 100_000_000}, "The target can be 1,000,000 at most, not 100,000,000."),
        ({"wanted": 1}, "2 are accepted already; the target cannot be 1."),
        ({"price_micro": -1}, "A price cannot be negative"),
        ({"priority": 101}, "Priority 101 is outside of 0 to 100."),
    ],
)
def test_an_impossible_change_is_refused_and_nothing_changes(change, sentence):
    project = world.campaign(wanted=3)
    pool = world.collecting(project)
    accepted(project, 2)
    with pytest.raises(CrowdError, match=sentence):
        pools.change_pool(pool_id=pool.pk, by=None, now=NOON, **{"wanted": 3, **change})
    pool.refresh_from_db()
    assert (pool.wanted, pool.price_micro, pool.priority) == (3, 30_000, 0)
    assert slots(project) == (3, 0)


def test_a_new_price_is_for_new_pages():
    project = world.campaign(wanted=3)
    old = market.claim(world.batch(project, "collect"), world.worker(project))
    pools.change_pool(pool_id=world.collecting(project).pk, by=None, now=NOON, price_micro=50_000)
    new = market.claim(world.batch(project, "collect"), world.worker(project))
    old.refresh_from_db()
    assert (old.price_micro, new.price_micro) == (30_000, 50_000)


def test_a_draft_cannot_be_closed():
    project = world.drafted()
    with pytest.raises(IllegalTransition):
        pools.close_pool(pool_id=world.collecting(project).pk, by=None, now=NOON)


# Campaigns


def test_asking_again_makes_nothing_and_a_higher_number_adds_places():
    asked = world.asked(wanted=2)
    made = [campaigns.ensure_project(asked=asked, by=None, now=NOON) for _ in range(2)]
    assert made[0].project == made[1].project
    assert not any(made[1].created.values())
    more = campaigns.ensure_project(asked=replace(asked, wanted=5), by=None, now=NOON)
    assert more.created == {"projects": 0, "classes": 0, "pools": 0, "tasks": 3}
    assert slots(more.project) == (5, 0)


def test_a_higher_number_does_not_raise_a_pool_that_was_made_for_a_gap():
    asked = world.asked(wanted=2)
    project = campaigns.ensure_project(asked=asked, by=None, now=NOON).project
    plain, gap = world.collecting(project), world.collecting(project)
    gap.pk, gap._state.adding, gap.condition, gap.wanted = None, True, "skin: dark", 50
    gap.save()
    campaigns.ensure_project(asked=replace(asked, wanted=60), by=None, now=NOON)
    assert [Pool.objects.get(pk=one.pk).wanted for one in (plain, gap)] == [60, 50]


@pytest.mark.django_db(transaction=True)
def test_the_same_campaign_started_twice_at_once_is_one_project():
    asked = world.asked()
    made = market.at_once(lambda _: campaigns.ensure_project(asked=asked, by=None, now=NOON), range(3))
    assert len({one.project.pk for one in made}) == 1
    assert sum(one.created["projects"] for one in made) == 1
    assert ledger.totals(project_id=made[0].project.pk).limit_micro == 500_000_000


@pytest.mark.parametrize(("one", "other"), [("手势", "汽车"), ("手势 1", "汽车 1"), ("a" * 100, "a" * 101)])
def test_two_names_that_a_slug_cannot_hold_are_two_projects(one, other):
    slugs = {asking.campaign(recipe="gestures", platform="inhouse", name=name).slug for name in (one, other)}
    assert len(slugs) == 2
    assert all(len(slug) <= 80 for slug in slugs)


def test_a_long_name_has_an_account_of_its_own():
    made = []
    for ending in ("x", "y"):
        asked = replace(world.asked(), name="n" * 70 + ending)
        made.append(account_for(campaigns.ensure_project(asked=asked, by=None, now=NOON).project, "rehearsal"))
    assert made[0] != made[1]


def test_finished_pools_are_found_with_few_queries(django_assert_max_num_queries):
    project = world.campaign()
    with django_assert_max_num_queries(6, connection=connection):  # two of them are the savepoint of the counts
        flow.take_in(project_id=project.pk, now=NOON)
        pools.close_finished(project_id=project.pk, now=NOON)
