"""A pool's terms in the office: what its platform cannot do, what may change when, what is on its way."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse

from crowd.clock import database_now
from crowd.models import Account, Answer, Assignment, Batch, Budget, OutboxCommand, Task
from curation.engine import asking, campaigns
from curation.models import Asset, Event, Pool, Project
from curation.services import pool_terms, pools
from tests.factories import make_answer, make_asset, make_pool, make_worker

pytestmark = pytest.mark.django_db
SMALL = {"training_tasks": 0, "exam_tasks": 0, "control_per_page": 0}


@pytest.fixture
def far() -> Account:
    return Account.objects.create(slug="far", platform="toloka", label="Far", commission_percent=20)


@pytest.fixture
def drafts(alice, far) -> Project:
    """Photos come from a platform at less than it allows; our own people check them."""
    asked = asking.campaign(
        recipe="gestures",
        platform="inhouse",
        name="Drafts",
        classes=["call", "like"],
        wanted=3,
        budget="50",
        settings={
            "validate": SMALL,
            "collect": {"platforms": ["far"], "price_usd": "0.004", "price_by_skill": None},
        },
    )
    return campaigns.ensure_project(asked=asked, by=alice, now=database_now()).project


@pytest.fixture
def pool(drafts) -> Pool:
    return Pool.objects.get(project=drafts, title="CALL")


def at(pool: Pool, name: str = "pool", *more: Any) -> str:
    return reverse(name, args=[pool.project.public_id, pool.pk, *more])


def answered(pool: Pool, state: str) -> Answer:
    """Make one answered page; the pool's own empty places would have the same keys."""
    Task.objects.filter(batch__pool_id=pool.pk).delete()
    return make_answer(pool, make_worker(), state)


FORM = {
    "pool.shown": "yes",
    "pool.price_usd": "0.03",
    "pool.price_skill": "Recording",
    "pool.steps.low": ["0", "91"],
    "pool.steps.high": ["90", "100"],
    "pool.steps.price_usd": ["0.03", "0.05"],
    "pool.languages": "en, de",
    "pool.countries": "",
    "pool.top_percent": "80",
    "pool.best_n": "",
    "pool.review_days": "5",
    "pool.assignment_seconds": "600",
    "pool.expires_on": "2031-12-31",
}


def test_what_the_platform_cannot_do_is_read_before_opening(people, pool):
    page = people["alice"].get(at(pool)).content.decode()
    assert "What Far cannot do" in page
    assert "Toloka pays at least $0.005 a page; $0.004 is less." in page
    refused = people["alice"].post(at(pool, "pool-act", "open"))
    assert refused.status_code == 400
    pool.refresh_from_db()
    assert pool.state == "draft"
    people["alice"].post(at(pool, "pool-act", "open"), {"accept": "yes"})
    pool.refresh_from_db()
    assert pool.state == "opening"


def test_all_pools_open_only_when_somebody_agrees(people, drafts):
    address = reverse("pools-open", args=[drafts.public_id])
    refused = people["alice"].post(address)
    assert refused.status_code == 409
    assert "Toloka pays at least $0.005 a page" in refused.content.decode()
    assert set(drafts.pools.values_list("state", flat=True)) == {"draft"}
    people["alice"].post(address, {"accept": "yes"})
    assert set(drafts.pools.values_list("state", flat=True)) == {"opening"}


def test_every_term_of_a_draft_can_change_and_is_on_record(people, pool):
    assert people["alice"].get(at(pool, "pool-edit")).status_code == 200
    people["alice"].post(at(pool, "pool-edit"), FORM)
    batch = Batch.objects.select_related("price_skill").get(pool_id=pool.pk)
    assert (batch.price_micro, batch.price_table) == (30_000, [[0, 90, 30_000], [91, 100, 50_000]])
    assert (batch.price_skill.name, batch.review_days, batch.assignment_seconds) == ("Recording", 5, 600)
    assert batch.audience == {"languages": ["EN", "DE"], "top_percent": 80}
    assert batch.expires_at.date() == date(2032, 1, 1)
    said = Event.objects.get(kind="pool.changed").text
    assert said.startswith("Alice changed CALL: price $0.03 a page, price by skill in 2 steps, who may work: ")
    again = people["alice"].post(at(pool, "pool-edit"), FORM, follow=True).content.decode()
    assert "Nothing was changed." in again


def test_the_other_drafts_of_the_stage_follow_when_asked(people, pool, drafts):
    people["alice"].post(at(pool, "pool-edit"), {**FORM, "others": "yes"})
    assert set(Pool.objects.filter(project=drafts, stage=pool.stage).values_list("price_micro", flat=True)) == {30_000}
    assert Event.objects.filter(kind="pool.changed").count() == 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"pool.steps.low": ["0", "95"]}, "the step 95 to 100 must start at 91: no gap, no overlap"),
        ({"pool.price_usd": "dear"}, "is not an amount of money"),
        ({"pool.review_days": "31"}, "Days to judge: this must be 30 or less, not 31."),
        ({"pool.review_days": "soon"}, "this must be a whole number, not soon"),
        ({"pool.languages": "english"}, "ENGLISH is no code of two letters"),
        ({"pool.regions": "225, Berlin"}, "Regions: this must be a whole number, not Berlin"),
        ({"pool.best_n": "100"}, "choose the best share or the best N, not both"),
        ({"pool.expires_on": "tomorrow"}, "this must be a day such as 2026-12-31"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_typed_is_lost(people, pool, wrong, sentence):
    answer = people["alice"].post(at(pool, "pool-edit"), {**FORM, "pool.countries": "in", **wrong})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in page
    assert 'value="in"' in page
    assert 'value="0.05"' in page
    assert not Event.objects.filter(kind="pool.changed").exists()


def test_an_open_pool_keeps_what_it_was_opened_with(people, pool):
    people["alice"].post(at(pool, "pool-edit"), FORM)
    people["alice"].post(at(pool, "pool-act", "open"), {"accept": "yes"})
    Batch.objects.filter(pool_id=pool.pk).update(published_at=database_now(), remote_id="77")
    refused = people["alice"].post(at(pool, "pool-edit"), {**FORM, "pool.review_days": "9"})
    assert "has been opened: the days to judge cannot change any more" in refused.content.decode()
    shown = {name: FORM[name] for name in FORM if "steps" not in name and name != "pool.price_skill"}
    people["alice"].post(at(pool, "pool-edit"), {**shown, "pool.price_usd": "0.06", "pool.countries": "in"})
    batch = Batch.objects.get(pool_id=pool.pk)
    assert (batch.price_micro, len(batch.price_table)) == (60_000, 2)
    assert batch.audience["countries"] == ["IN"]
    assert OutboxCommand.objects.filter(batch_id=batch.pk, kind="update_batch").exists()


def test_regions_of_a_platform_can_be_chosen_by_their_ids(people, pool):
    people["alice"].post(at(pool, "pool-edit"), {**FORM, "pool.regions": "225, 149"})
    assert Batch.objects.get(pool_id=pool.pk).audience["regions"] == [225, 149]
    assert 'value="225, 149"' in people["alice"].get(at(pool, "pool-edit")).content.decode()


def test_what_waits_says_why_and_until_when(people, pool):
    people["alice"].post(at(pool, "pool-act", "open"), {"accept": "yes"})
    waiting = OutboxCommand.objects.filter(kind="publish_batch")
    waiting.update(last_error="The platform asks to wait (pools: 100 a day are used).", next_at=database_now())
    page = people["alice"].get(at(pool)).content.decode()
    assert "What waits" in page
    assert "Publish a pool: The platform asks to wait (pools: 100 a day are used). Next try" in page


def test_the_number_of_answers_is_one_for_the_whole_stage(people, drafts):
    checking = Pool.objects.get(project=drafts, title="VALIDATE")
    people["alice"].post(at(checking, "pool-edit"), {"pool.shown": "yes", "pool.overlap": "4"})
    checking.refresh_from_db()
    assert checking.overlap == Batch.objects.get(pool_id=checking.pk).overlap == 4
    assert checking.stage.settings["overlap"] == 4


def test_our_own_market_says_by_what_it_does_not_choose_people(people, drafts):
    checking = Pool.objects.get(project=drafts, title="VALIDATE")
    people["alice"].post(at(checking, "pool-edit"), {"pool.shown": "yes", "pool.languages": "EN"})
    assert pools.differences(pool=checking) == []
    Batch.objects.filter(pool_id=checking.pk).update(audience={"languages": ["EN"], "devices": ["TABLET"]})
    assert "People cannot be chosen here by device" in people["alice"].get(at(checking)).content.decode()


def test_a_skill_without_an_upper_end_is_told_when_it_changes(pool):
    asked = replace(pool_terms.terms_of(pool=pool), audience={"skills": [{"skill": "Hands", "low": 80}]})
    said = pool_terms.set_terms(pool_id=pool.pk, terms=asked, by=None, now=database_now(), accept_differences=True)
    assert said == ["who may work: skills Hands 80 to 100"]


def test_the_page_tells_what_is_on_its_way_and_what_was_refused(people, pool, far):
    batch = Batch.objects.get(pool_id=pool.pk)
    Batch.objects.filter(pk=batch.pk).update(remote_id="pool-4711", pulled_at=database_now())
    Task.objects.filter(batch=batch).update(to_push=False)
    first = Task.objects.filter(batch=batch).order_by("pk").first()
    Task.objects.filter(pk=first.pk).update(remote_error="image: no such file")
    refused = OutboxCommand.objects.create(
        account=far, batch_id=batch.pk, kind="push_tasks", key="p", state="refused", last_error="Too many tasks."
    )
    page = people["alice"].get(at(pool)).content.decode()
    for words in ("On Toloka", "pool-4711", "1 × image: no such file", "Too many tasks.", "Try again"):
        assert words in page
    people["alice"].post(at(pool, "pool-command-again", refused.pk))
    refused.refresh_from_db()
    assert refused.state == "planned"


def test_the_nearest_deadline_of_judging_is_shown(people, pool):
    page = answered(pool, Assignment.State.SUBMITTED).assignment
    until = database_now() + timedelta(days=2)
    Assignment.objects.filter(pk=page.pk).update(review_until=until)
    by_us = until - timedelta(hours=2)
    assert f"{by_us:%-d %b, %H:%M}" in people["alice"].get(at(pool)).content.decode()


def test_rejected_work_that_nobody_does_again_is_asked_for(people, pool):
    people["alice"].post(at(pool, "pool-act", "open"), {"accept": "yes"})
    answer = answered(pool, Assignment.State.REJECTED)
    Task.objects.filter(pk=answer.task_id).update(done=1)
    assert "Ask for one more answer each" in people["alice"].get(at(pool)).content.decode()
    people["alice"].post(at(pool, "pool-recollect"))
    task = Task.objects.get(pk=answer.task_id)
    assert (task.overlap, task.to_push) == (2, True)
    people["alice"].post(at(pool, "pool-recollect"))
    assert Task.objects.get(pk=answer.task_id).overlap == 2


def test_rejected_work_about_a_photo_that_has_moved_on_is_left(people, pool):
    asset = make_asset(pool.project, Asset.State.PUBLISHED)
    people["alice"].post(at(pool, "pool-act", "open"), {"accept": "yes"})
    answer = answered(pool, Assignment.State.REJECTED)
    Task.objects.filter(pk=answer.task_id).update(item_id=asset.pk, done=1)
    people["alice"].post(at(pool, "pool-recollect"))
    assert Task.objects.get(pk=answer.task_id).overlap == 1


@pytest.mark.parametrize("who", ["rita", "vera", "charlie"])
def test_a_stranger_changes_no_terms(people, pool, who):
    assert people[who].get(at(pool, "pool-edit")).status_code == 404
    assert people[who].post(at(pool, "pool-edit"), FORM).status_code == 404
    assert people[who].post(at(pool, "pool-recollect")).status_code == 404
    assert people[who].post(at(pool, "pool-command-again", 1)).status_code == 404


def test_a_command_of_another_pool_is_not_sent_again_from_here(people, pool, drafts, far):
    other = Batch.objects.exclude(pool_id=pool.pk).filter(account=far).first()
    command = OutboxCommand.objects.create(account=far, batch_id=other.pk, kind="push_tasks", key="x", state="refused")
    assert people["alice"].post(at(pool, "pool-command-again", command.pk)).status_code == 404


def test_a_budget_in_the_accounts_currency_is_asked_for(people, pool, drafts, far):
    Account.objects.filter(pk=far.pk).update(currency="EUR")
    refused = people["alice"].post(at(pool, "pool-act", "open"), {"accept": "yes"})
    assert refused.status_code == 400
    assert "EUR" in refused.content.decode().split('id="pool-error"')[1][:600]
    assert Pool.objects.get(pk=pool.pk).state == "draft"
    assert Budget.objects.of_project(drafts.pk).count() == 1


def test_pages_of_a_pool_ask_a_bounded_number_of_queries(people, pool, django_assert_max_num_queries):
    batch = Batch.objects.get(pool_id=pool.pk)
    for number in range(5):
        OutboxCommand.objects.create(
            account=pool.account, batch_id=batch.pk, kind="push_tasks", key=str(number), state="refused"
        )
    people["alice"].get(at(pool))
    with django_assert_max_num_queries(35):
        people["alice"].get(at(pool))
    with django_assert_max_num_queries(22):
        people["alice"].get(at(pool, "pool-edit"))


def test_a_pool_on_mturk_says_why_its_review_policies_are_not_used(people, project):
    pool = make_pool(project)
    Account.objects.filter(pk=pool.account_id).update(platform="mturk")
    said = "review policies (known answers, plurality) are not used"
    assert said in people["vera"].get(at(pool)).content.decode()
    assert said in people["alice"].get(reverse("platform-account-new") + "?platform=mturk").content.decode()


def test_a_pull_that_failed_is_told_on_the_page(people, pool, far):
    Batch.objects.filter(pool_id=pool.pk).update(remote={"pulling": {"quiet": 1, "note": "The token is wrong."}})
    assert "The token is wrong." in people["alice"].get(at(pool)).content.decode()
