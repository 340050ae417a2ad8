"""What can be asked for stage by stage: several crowds, terms, a last day; the price of each; the same as a command."""

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Account, Batch, Budget
from crowd.services import quotas
from curation.engine import asking, campaigns, planning
from curation.engine.asking import Campaign
from curation.engine.command_line import mine_command
from curation.models import Pool
from curation.recipes.loading import BadRecipe
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
UNTRAINED = {"training_tasks": 0, "exam_tasks": 0, "control_per_page": 0}


@pytest.fixture
def far() -> Account:
    return Account.objects.create(slug="far", platform="toloka", label="Far", commission_percent=20)


def asked(**settings: dict[str, Any]) -> Campaign:
    return asking.campaign(
        recipe="gestures", platform="inhouse", name="W", classes=["call"], wanted=5, budget="50", settings=settings
    )


def made(wish):
    return campaigns.ensure_project(asked=wish, by=None, now=database_now()).project


def test_a_stage_is_shared_by_several_crowds_and_their_target_adds_up(far):
    project = made(asked(collect={"platforms": ["far", "inhouse"]}, validate=UNTRAINED))
    shares = dict(Pool.objects.filter(project=project, title="CALL").values_list("account__slug", "wanted"))
    assert shares == {"far": 3, "inhouse": 2}


def test_a_crowd_named_twice_gets_one_pool(far):
    project = made(asked(collect={"platforms": ["far", "toloka"]}, validate=UNTRAINED))
    assert list(Pool.objects.filter(project=project, title="CALL").values_list("wanted", flat=True)) == [5]


def test_a_rehearsal_of_one_stage_alone_has_its_crowd():
    project = made(asked(collect={"platforms": ["rehearsal"]}, validate=UNTRAINED))
    account = Pool.objects.get(project=project, title="CALL").account
    assert account.platform == "rehearsal"
    assert account.rehearsal.population >= 40


def test_the_terms_reach_every_batch(far):
    terms = {"audience": {"languages": ["EN"]}, "review_days": 3, "expires_on": "2031-12-31", "assignment_seconds": 600}
    project = made(asked(validate={**UNTRAINED, **terms, "platforms": ["far"]}))
    batch = Batch.objects.get(project_id=project.pk, interface="choice")
    assert (batch.audience, batch.review_days, batch.assignment_seconds) == ({"languages": ["EN"]}, 3, 600)
    assert batch.expires_at == datetime(2032, 1, 1, tzinfo=UTC)


def test_the_plan_says_when_a_platform_lets_no_more_pools_be_made_today(far):
    def notes() -> str:
        rows = {row.stage: row for row in planning.plan(asked(collect={"platforms": ["far"]}))}
        return " ".join(rows["collect"].shares[0].notes)

    assert "can still be made today" not in notes()
    quotas.note_full(account=far, name="pools", interval="DAY", now=database_now())
    assert "This needs 1 pool there, and 0 of 100 a day can still be made today" in notes()


def test_the_plan_tells_what_each_account_costs_with_its_fee(far):
    rows = {row.stage: row for row in planning.plan(asked(boxes={"platforms": ["far", "inhouse"]}))}
    ours, theirs = sorted(rows["boxes"].shares, key=lambda share: share.fee_micro)
    assert (ours.fee_micro, theirs.fee_micro, theirs.price_micro) == (0, 12_000, 60_000)
    assert ours.pages + theirs.pages == rows["boxes"].pages
    assert theirs.micro == theirs.pages * 72_000


def test_the_plan_says_where_a_platforms_limits_are_broken(far):
    Account.objects.filter(pk=far.pk).update(commission_percent=None)
    wish = asked(boxes={"platforms": ["far"], "price_usd": "0.004", "review_days": 30})
    notes = " ".join(planning.plan(wish)[-1].shares[0].notes)
    assert "A page costs at least $0.005 there; $0.004 is less." in notes
    assert "within 21 days" in notes
    assert "Without the platform's fee" in notes


def test_the_plan_says_which_people_a_crowd_cannot_choose():
    Account.objects.create(slug="far", platform="prolific", label="Far")
    wish = asked(boxes={"platforms": ["far", "inhouse"], "audience": {"top_percent": 80, "languages": ["EN"]}})
    notes = [share.notes[-1] for share in planning.plan(wish)[-1].shares]
    assert notes == [
        "People cannot be chosen there by best share.",
        "People cannot be chosen there by best share.",
    ]


def test_another_currency_is_not_counted_as_dollars(far):
    Account.objects.filter(pk=far.pk).update(currency="EUR")
    rows = planning.plan(asked(boxes={"platforms": ["far"]}))
    assert rows[-1].micro == 0
    assert planning.elsewhere_micro(rows) == {"EUR": rows[-1].shares[0].micro}


def test_more_answers_cost_more():
    one, more = asked(), asked(validate={"overlap": 5})
    three, five = planning.plan(one)[1].answers, planning.plan(more)[1].answers
    assert three < five < three + 2  # votes that settle early are not bought
    assert planning.planned_micro(more) > planning.planned_micro(one)


def test_opening_all_asks_the_budget_of_each_currency():
    Account.objects.create(slug="far", platform="mturk", label="Far", currency="EUR")
    project = made(asked(collect={"platforms": ["far"]}, validate=UNTRAINED))
    with pytest.raises(CrowdError, match="no budget in EUR yet"):
        campaigns.open_all(project=project, by=None, now=database_now(), accept_differences=True)
    Budget.objects.create(project_id=project.pk, scope_id=project.pk, currency="EUR", limit_micro=10_000)
    with pytest.raises(CrowdError, match=r"0\.01 EUR of the budget is free"):
        campaigns.open_all(project=project, by=None, now=database_now(), accept_differences=True)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"collect": {"platforms": ["moon"]}}, "'moon' is not a known platform"),
        ({"collect": {"audience": {"languages": ["english"]}}}, "ENGLISH is no code of two letters"),
        ({"validate": {"page_size": 4, "control_per_page": 4}}, "a page of 4 has no room for 4 control tasks"),
        ({"validate": {"expires_on": "soon"}}, "validate: expires_on:"),
    ],
)
def test_a_wrong_wish_is_one_sentence(settings, sentence):
    with pytest.raises((BadRecipe, CrowdError), match=sentence):
        asked(**settings)


def test_nobody_uses_an_account_that_is_not_shared_with_them(far):
    alice, charlie = make_user("Alice"), make_user("Charlie")
    make_project("One", lead=alice)
    make_project("Two", lead=charlie)
    Account.objects.filter(pk=far.pk).update(is_shared=False, created_by_id=alice.pk)
    wish = asked(boxes={"platforms": ["far"]})
    asking.check_crowds(wish, alice)
    with pytest.raises(CrowdError, match="not an account you can use"):
        asking.check_crowds(wish, charlie)


def test_the_command_says_the_same_as_the_wish(far, capsys):
    wish = asked(collect={"price_usd": "0.05", "audience": {"countries": ["IN"]}}, boxes={"platforms": ["far"]})
    words = shlex.split(mine_command(wish))
    call_command(*words[1:], "--dry-run", "--json")
    planned = json.loads(capsys.readouterr().out)
    assert planned["per_stage"] == planning.as_rows(wish)
    assert planned["project"] == "W"


def test_a_price_on_the_command_line_needs_no_quotes(capsys):
    call_command("mine", "-p", "gestures", "-c", "inhouse", "--set", "collect.price_usd=0.05", "--dry-run", "--json",
                 "-overlap", "1", "-t", "call")  # fmt: skip
    assert json.loads(capsys.readouterr().out)["per_stage"][0]["usd"] == "0.05"


def test_a_line_that_asks_for_other_settings_of_a_project_that_exists_is_told_what_stays(capsys):
    words = ["mine", "-p", "cars-search", "-c", "inhouse", "--project", "cars", "--set"]
    call_command(*words, "filter.top=4")
    assert capsys.readouterr().err == ""
    call_command(*words, "filter.model=simulated")
    assert capsys.readouterr().err == 'filter.model stays "": change it under Settings → Stages → Shows a car.\n'
