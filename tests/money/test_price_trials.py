"""Trials of prices: one price for a worker, never more than the cap, the price that is kept; by page and command."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.clock import database_now
from crowd.errors import CrowdError, NoWork
from crowd.models import ArmSeat, Assignment, Batch, Budget, Restriction, Task, Worker
from crowd.services import claims, dispatch, handing_in, judging, offers, price_arms, pulling, teams
from crowd.services.standing import Asked
from curation.models import Asset, Event, Job, Pool, PriceDecision, PriceTrial, Project
from curation.services import pools, price_dealing, price_ending, price_trials
from tests import scenes
from tests.crowd import market
from tests.crowd.differing import OnToloka
from tests.crowd.test_reconcile_on_emulators import settle

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PRICES = [20_000, 30_000, 50_000]


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer", Vera="viewer")


@pytest.fixture
def pool(world: Project) -> Pool:
    """An open checking pool with 300 pictures that nobody has met, four on a page with one control task."""
    batch = scenes.batch(world, "choice", page_size=4, control_per_page=1, overlap=1, price_micro=30_000)
    stage = world.stages.get(pk=batch.stage_id)
    pool = Pool.objects.create(
        project=world, stage=stage, account=batch.account, kind="main", title="VALIDATE", state="open",
        price_micro=30_000, started_at=NOON,
    )  # fmt: skip
    Batch.objects.filter(pk=batch.pk).update(pool_id=pool.pk, remote_id=str(batch.pk))
    batch.refresh_from_db()
    for n in range(3):
        scenes.task(batch, f"known-{n}", known="correct")
    assets = Asset.objects.bulk_create(
        Asset(
            project=world, stage=stage, state="working", sha256=n.to_bytes(32, "big"), storage_key=f"{n}.jpg", bytes=1
        )
        for n in range(300)
    )
    Task.objects.bulk_create(
        Task(
            batch=batch,
            key=f"asset-{one.pk}",
            project_id=world.pk,
            item_id=one.pk,
            overlap=1,
            payload={"class": "peace"},
        )
        for one in assets
    )
    return pool


def begin(pool: Pool, *, prices: list[int] = PRICES, cap: int = 100_000_000, hours: int = 48) -> PriceTrial:
    trial = price_trials.start(
        pool_id=pool.pk, prices_micro=prices, deadline=NOON + timedelta(hours=hours), cap_micro=cap,
        by=scenes.person("Alice"), now=NOON,
    )  # fmt: skip
    dispatch.drain(now=timezone.now())
    return trial


def work(worker: Worker, batch: Batch, now: datetime, *, accepted: bool = True) -> Assignment:
    page = claims.claim_page(batch_id=batch.pk, worker_id=worker.pk, now=now)
    answers = {one.pk: {"answer": "correct"} for one in page.answers.all()}
    handing_in.submit_page(assignment_id=page.pk, worker_id=worker.pk, answers=answers, duration_ms=60_000, now=now)
    if not accepted:
        judging.reject(assignment_id=page.pk, reason="wrong", now=now)
    return Assignment.objects.get(pk=page.pk)


def test_each_worker_sees_one_price_and_the_shares_of_items_are_apart(pool):
    trial = begin(pool)
    arms = [arm.batch for arm in trial.arms.all()]
    assert [arm.state for arm in arms] == ["open"] * 3
    seen = set()
    for n in range(30):
        who = scenes.worker(f"w{n}")
        shown = [one.batch for one in offers.offers(worker_id=who.pk, now=NOON) if one.batch.pool_id == pool.pk]
        assert len(shown) == 1
        seen.add(shown[0].pk)
        other = next(arm for arm in arms if arm.pk != shown[0].pk)
        with pytest.raises(NoWork):
            claims.claim_page(batch_id=other.pk, worker_id=who.pk, now=NOON)
        page = work(who, shown[0], NOON)
        assert page.price_micro == shown[0].price_micro
        assert sum(row.task.known_answer is not None for row in page.answers.all()) == 1
    assert seen == {arm.pk for arm in arms}
    items = Task.objects.filter(batch__pool_id=pool.pk, item_id__isnull=False)
    assert items.count() == items.values("item_id").distinct().count() == 300
    assert ArmSeat.objects.count() == 30


def test_two_accounts_of_one_person_see_the_same_price(pool):
    trial = begin(pool)
    one, two = scenes.worker("one"), scenes.worker("two")
    Worker.objects.filter(pk__in=[one.pk, two.pk]).update(person_id=5)
    one.refresh_from_db()
    two.refresh_from_db()
    arm = trial.arms.first()
    assert price_arms.seat_of(batch=arm.batch, worker=one) == price_arms.seat_of(batch=arm.batch, worker=two)


def test_work_flows_to_the_better_price_and_its_price_is_kept(pool, world):
    trial = begin(pool, prices=[20_000, 50_000])
    cheap, dear = (arm.batch for arm in trial.arms.all())
    for n in range(24):
        who = scenes.worker(f"w{n}")
        arm = Batch.objects.get(pk=price_arms.seat_of(batch=cheap, worker=who))
        work(who, arm, NOON + timedelta(minutes=n))
    now = NOON + timedelta(hours=1)
    assert price_trials.tick(trial_id=trial.pk, now=now).state == "running"
    (decision,) = PriceDecision.objects.all()
    assert decision.number == 1  # both are in time, so the cheaper one
    assert [round(arm.batch.trial_share, 2) for arm in trial.arms.all()] == [0.95, 0.05]
    assert sum(fact["pages"] for fact in decision.facts) == 24
    assert price_dealing.look(trial)[0].open_tasks > price_dealing.look(trial)[1].open_tasks

    with pytest.raises(CrowdError, match="on trial"):
        pools.change_pool(pool_id=pool.pk, by=None, now=now, price_micro=10_000)
    price_trials.stop(trial_id=trial.pk, take=1, by=scenes.person("Alice"), now=now)
    dispatch.drain(now=timezone.now())
    pool.refresh_from_db()
    base = Batch.objects.filter(pool_id=pool.pk).order_by("id")[0]
    assert (pool.price_micro, base.price_micro, base.state) == (20_000, 20_000, "open")
    assert not Task.objects.filter(batch__in=[cheap, dear], item_id__isnull=False, issued=0).exists()
    who = scenes.worker("newcomer")
    assert [one.batch.pk for one in offers.offers(worker_id=who.pk, now=now)] == [base.pk]
    texts = list(Event.objects.filter(kind="pool.price_trial").order_by("id").values_list("text", flat=True))
    assert texts == [
        "VALIDATE: a trial of the prices $0.02, $0.05 began, at most $100.00, enough for at least 1,999 pages.",
        "VALIDATE: the trial of prices ended, $0.02 is kept.",
    ]


def test_who_keeps_the_price_the_pool_had_pays_it_for_what_has_begun_in_every_arm(pool):
    Task.objects.filter(batch__pool_id=pool.pk, item_id__isnull=False).update(overlap=2)
    trial = begin(pool)
    for n, arm in enumerate(trial.arms.all()):
        who = scenes.worker(f"w{n}")
        ArmSeat.objects.create(trial_id=trial.pk, worker=who, batch=arm.batch)
        work(who, arm.batch, NOON)
    price_trials.stop(trial_id=trial.pk, take=2, by=None, now=NOON)
    dispatch.drain(now=timezone.now())
    shown = offers.offers(worker_id=scenes.worker("newcomer").pk, now=NOON)
    assert [one.price_micro for one in shown if one.batch.pool_id == pool.pk] == [30_000] * 4


def test_a_trial_never_costs_more_than_its_cap_and_ends_when_it_is_used_up(pool):
    cap = 500_000
    trial = begin(pool, cap=cap)
    first = trial.arms.first().batch
    for n in range(120):
        now = NOON + timedelta(minutes=n)
        trial = price_trials.tick(trial_id=trial.pk, now=now)
        if trial.state == "ended":
            break
        assert price_dealing.cost_at_most(trial, pool) <= cap
        who = scenes.worker(f"w{n}")
        with suppress(NoWork):
            work(who, Batch.objects.get(pk=price_arms.seat_of(batch=first, worker=who)), now)
    assert (trial.state, trial.note.split(". ")[0]) == ("ended", "Its money is used up")
    spent = sum(one.cost_micro for one in price_dealing.look(trial))
    assert 0.3 * cap < spent <= cap
    dispatch.drain(now=timezone.now())
    assert Batch.objects.get(pool_id=pool.pk, trial_id=None).state == "open"


def test_a_trial_whose_pages_wait_for_a_verdict_has_not_used_up_its_money(pool):
    trial = begin(pool, prices=[20_000, 50_000], cap=150_000)
    arms = [arm.batch for arm in trial.arms.all()]
    Batch.objects.filter(trial_id=trial.pk).update(auto_accept=False)
    while open_arms := [arm for arm in arms if price_arms.open_tasks(arm)]:
        who = scenes.worker(f"w{Assignment.objects.count()}")
        ArmSeat.objects.create(trial_id=trial.pk, worker=who, batch=open_arms[0])
        work(who, open_arms[0], NOON)
        price_trials.tick(trial_id=trial.pk, now=NOON)
    waiting = Assignment.objects.filter(batch__in=arms, state="submitted")
    late = price_ending.why_over(trial, pool, arms[0], price_dealing.look(trial), trial.deadline)
    assert late == f"Its deadline is over. Nothing is judged yet: {waiting.count()} pages wait for their verdict."
    waiting.update(processed_at=NOON)  # taken in, as a photo is hours before it is judged
    assert price_trials.tick(trial_id=trial.pk, now=NOON).state == "running"
    for page in list(waiting):
        judging.accept(assignment_id=page.pk, now=NOON)
    assert price_trials.tick(trial_id=trial.pk, now=NOON).note.startswith("Its money is used up. ")


def test_a_trial_ends_at_its_deadline_and_says_which_price_was_the_cheapest(pool):
    trial = begin(pool, prices=[20_000, 50_000], hours=2)
    cheap, dear = (arm.batch for arm in trial.arms.all())
    Batch.objects.filter(trial_id=trial.pk).update(auto_accept=False)
    for n, (arm, is_good) in enumerate([(cheap, True), (cheap, False), (cheap, False), (dear, True)]):
        who = scenes.worker(f"w{n}")
        ArmSeat.objects.create(trial_id=trial.pk, worker=who, batch=arm)
        page = work(who, arm, NOON, accepted=is_good)
        if is_good:
            judging.accept(assignment_id=page.pk, now=NOON)
    assert price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(minutes=119)).state == "running"
    ended = price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(hours=2))
    assert ended.state == "ended"
    assert ended.note == (
        "Its deadline is over. $0.05 was the cheapest by price ÷ accepted share: 1 of 1 judged page accepted."
    )
    pool.refresh_from_db()
    assert pool.price_micro == 30_000


def test_a_trial_that_ends_before_its_pages_are_judged_does_not_say_that_nothing_was_accepted(pool):
    trial = begin(pool, prices=[20_000, 50_000], hours=2)
    arms = [arm.batch for arm in trial.arms.all()]
    Batch.objects.filter(trial_id=trial.pk).update(auto_accept=False)
    for n, arm in enumerate([*arms, arms[0]]):
        who = scenes.worker(f"w{n}")
        ArmSeat.objects.create(trial_id=trial.pk, worker=who, batch=arm)
        work(who, arm, NOON)
    ended = price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(hours=2))
    assert ended.note == "Its deadline is over. Nothing is judged yet: 3 pages wait for their verdict."


def test_a_cap_that_cannot_pay_a_page_at_each_price_is_refused_at_the_start(pool):
    with pytest.raises(CrowdError, match=r"^\$0\.05 cannot pay a page at each of these prices .* \$0\.11 or more\.$"):
        begin(pool, cap=50_000)
    assert not PriceTrial.objects.exists()
    begin(pool, cap=500_000)
    text = Event.objects.get(kind="pool.price_trial").text
    assert text.endswith("enough for at least 9 pages, fewer than the 50 that it decides after.")


@pytest.mark.parametrize(("cap", "dealt"), [(110_000, [3, 3, 3]), (500_000, [22, 16, 10])])
def test_every_price_of_a_small_trial_has_a_page_on_offer(pool, cap, dealt):
    trial = begin(pool, cap=cap)
    assert [one.open_tasks for one in price_dealing.look(trial)] == dealt
    assert price_dealing.cost_at_most(trial, pool) <= cap


def test_the_cap_counts_pages_as_they_are_paid_where_new_workers_meet_more_control_tasks(pool):
    batch = Batch.objects.get(pool_id=pool.pk)
    batch.spec, batch.page_size, batch.price_micro = {**batch.spec, "control_rate": "adaptive"}, 10, 80_000
    paid = claims.page_price(batch=batch, known=Asked(scenes.worker("new")), real=8, controls=2)
    assert price_dealing.price_of_answer(batch) * 8 == paid == 80_000


def test_who_is_paid_by_the_hour_takes_no_part_in_a_trial_of_prices(pool):
    trial = begin(pool)
    team = teams.make(account=pool.account, name="Students", terms=teams.Terms("hour", 12_000_000))
    who = teams.move(worker_id=scenes.worker("w").pk, team=team)
    shown = offers.offers(worker_id=who.pk, now=NOON)
    assert [one for one in shown if one.batch.pool_id == pool.pk] == []
    with pytest.raises(NoWork):
        claims.claim_page(batch_id=trial.arms.first().batch_id, worker_id=who.pk, now=NOON)


def test_a_price_that_has_nothing_left_is_dealt_more_though_another_has(pool):
    trial = begin(pool, prices=[20_000, 50_000])
    first, second = (arm.batch for arm in trial.arms.all())
    first.tasks.filter(known_answer=None).update(issued=F("overlap"))
    price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(minutes=1))
    assert price_arms.open_tasks(first) == price_arms.open_tasks(second) == 75
    assert not PriceDecision.objects.exists()


def test_a_paused_pool_goes_on_with_its_prices_and_a_closed_one_ends_their_trial(pool):
    trial = begin(pool)
    pools.pause_pool(pool_id=pool.pk, by=None, now=NOON)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    dispatch.drain(now=timezone.now())
    pools.settle_openings()
    pool.refresh_from_db()
    assert pool.state == "open"
    assert {arm.batch.state for arm in trial.arms.all()} == {"open"}
    assert Batch.objects.get(pool_id=pool.pk, trial_id=None).state != "open"
    pools.close_pool(pool_id=pool.pk, by=None, now=NOON)
    assert price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(minutes=1)).state == "ended"
    assert not Batch.objects.filter(trial_share__isnull=False).exists()


def test_a_trial_that_is_stopped_while_its_pool_opens_lets_it_open(pool):
    trial = begin(pool)
    pools.pause_pool(pool_id=pool.pk, by=None, now=NOON)
    dispatch.drain(now=timezone.now())
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON)
    price_trials.stop(trial_id=trial.pk, take=None, by=None, now=NOON)
    dispatch.drain(now=timezone.now())
    pools.settle_openings()
    pool.refresh_from_db()
    assert pool.state == "open"
    assert Batch.objects.get(pool_id=pool.pk, trial_id=None).state == "open"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prices": [20_000]}, "two to 4 different prices"),
        ({"prices": [20_000, 20_000]}, "two to 4 different prices"),
        ({"prices": [0, 20_000]}, "above zero"),
        ({"hours": 0}, "later than now"),
        ({"cap": 10**12}, "at most what is free in the budget"),
    ],
)
def test_a_trial_that_cannot_be_is_one_sentence_and_nothing_else(pool, wrong, says):
    with pytest.raises(CrowdError, match=says):
        begin(pool, **wrong)
    assert not PriceTrial.objects.exists()
    assert Batch.objects.filter(pool_id=pool.pk).count() == 1


def test_a_lead_begins_watches_and_stops_a_trial_in_the_browser(pool, world):
    urls = [reverse(f"pool-prices{what}", args=[world.public_id, pool.pk]) for what in ("", "-start", "-stop")]
    page, start, stop = urls
    alice, vera, charlie = Client(), Client(), Client()
    for client, name in ((alice, "Alice"), (vera, "Vera"), (charlie, "Charlie")):
        client.force_login(scenes.person(name))
    assert [client.get(page).status_code for client in (alice, vera, charlie)] == [200, 200, 404]
    typed = {"price": ["0.02", "0.04", "", ""], "hours": "24", "cap": "20"}
    assert [client.post(start, typed).status_code for client in (vera, charlie)] == [404, 404]
    refused = alice.post(start, {**typed, "price": ["0.02", "much", "", ""]})
    assert refused.status_code == 400
    assert "not “much”" in refused.content.decode()
    assert alice.post(start, typed).status_code == 302
    shown = alice.get(page).content.decode()
    assert "50.0 %" in shown
    assert "the prices share the work evenly" in shown
    assert Job.objects.get(kind="price_trial").project_id == world.pk
    assert alice.post(stop, {"take": "2"}).status_code == 302
    assert "kept" in alice.get(page).content.decode()
    pool.refresh_from_db()
    assert pool.price_micro == 40_000


def test_after_a_trial_has_ended_by_itself_its_page_leads_to_the_price_that_is_to_be_used(pool, world):
    trial = begin(pool, prices=[20_000, 30_000], hours=2)
    price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(hours=2))
    alice, vera = Client(), Client()
    alice.force_login(scenes.person("Alice"))
    vera.force_login(scenes.person("Vera"))
    page, pools_page = (reverse(name, args=[world.public_id, pool.pk]) for name in ("pool-prices", "pool"))
    shown = alice.get(page).content.decode()
    assert shown.count("Use this price") == 1  # the pool has the other one
    assert f'href="{pools_page}?price=0.02#change"' in shown
    assert "Use this price" not in vera.get(page).content.decode()


def test_the_command_does_the_same(pool, world):
    def run(*more: str) -> dict:
        out = StringIO()
        call_command("prices", world.slug, str(pool.pk), "--json", *more, stdout=out)
        return json.loads(out.getvalue())

    begun = run("--try", "0.02,0.03", "--cap", "20", "--hours", "24")
    assert [one["price_usd"] for one in begun["arms"]] == ["0.02", "0.03"]
    assert run()["state"] == "running"
    assert [one["taken"] for one in run("--take", "2")["arms"]] == [False, True]
    with pytest.raises(CommandError, match="No trial of prices runs"):
        run("--stop")


@pytest.fixture
def elsewhere(world: Project) -> tuple[OnToloka, Pool]:
    """A draft pool with 60 pictures, two on a page, at a platform that gives out the pages."""
    there = OnToloka()
    stage = world.stages.get(kind="validate")
    batch = market.batch(
        "choice", at=there.account, project_id=world.pk, state="draft", page_size=2, auto_accept=False,
        stage_id=stage.pk,
    )  # fmt: skip
    market.tasks(batch, 60)
    batch.tasks.update(to_push=True)
    pool = Pool.objects.create(
        project=world, stage=stage, account=there.account, kind="main", title="VALIDATE", price_micro=30_000
    )
    Batch.objects.filter(pk=batch.pk).update(pool_id=pool.pk)
    return there, pool


def test_a_trial_is_over_though_the_budget_cannot_hold_the_rest_and_its_pool_waits_and_says_so(elsewhere):
    _, pool = elsewhere
    trial = begin(pool, prices=[20_000, 40_000], cap=400_000)
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON, accept_differences=True)
    settle()
    pools.settle_openings()
    budget = Budget.objects.get(project_id=pool.project_id)
    Budget.objects.filter(pk=budget.pk).update(limit_micro=F("reserved_micro"))  # the trial's money is all there is
    ended = price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(hours=48))
    assert (ended.state, ended.note.split(". ")[0]) == ("ended", "Its deadline is over")
    pool.refresh_from_db()
    assert pool.state == "paused"
    assert "is needed but only $0.00 of the project's budget is free" in pool.note
    assert Budget.objects.get(pk=budget.pk).reserved_micro == budget.reserved_micro
    kinds = Event.objects.filter(project_id=pool.project_id).order_by("-id").values_list("kind", flat=True)
    assert list(kinds[:2]) == ["pool.price_trial", "pool.paused"]


@pytest.mark.parametrize(("take", "kept"), [(2, 40_000), (None, 30_000)])
def test_on_a_platform_elsewhere_the_prices_are_pools_of_their_own_and_a_worker_is_kept_to_one(elsewhere, take, kept):
    there, pool = elsewhere
    batch = Batch.objects.get(pool_id=pool.pk)
    trial = begin(pool, prices=[20_000, 40_000])
    pools.open_pool(pool_id=pool.pk, by=None, now=NOON, accept_differences=True)
    settle()
    arms = [Batch.objects.get(pk=arm.batch_id) for arm in trial.arms.all()]
    assert [there.market.pool(arm.remote_id).reward_micro for arm in arms] == [20_000, 40_000]
    assert [arm.state for arm in arms] == ["open", "open"]
    batch.refresh_from_db()
    assert (batch.state, batch.remote_id) == ("draft", "")

    there.works(arms[0])
    pulling.pull_batch(batch_id=arms[0].pk, now=database_now())
    pool.refresh_from_db()
    price_trials.tick(trial_id=trial.pk, now=NOON + timedelta(minutes=5))
    settle()
    ban = Restriction.objects.get(by_rule="price_trial")
    assert (ban.scope, ban.scope_id) == ("batch", arms[1].pk)
    price_trials.stop(trial_id=trial.pk, take=take, by=None, now=NOON + timedelta(hours=1))
    with pytest.raises(AssertionError, match="opens with its first tasks"):  # all was dealt: the pool's own waits
        settle()
    ban.refresh_from_db()
    assert ban.lifted_at is not None
    assert [there.market.pool(arm.remote_id).reward_micro for arm in arms] == [kept, kept]
