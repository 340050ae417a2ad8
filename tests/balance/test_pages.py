"""The page of balance: who sees it, what it says, and the way from a gap to a plan that fills it."""

import re
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from crowd.models import Account, Batch
from curation.models import (
    AssetTag,
    Event,
    Job,
    PlanDraft,
    PlanFactor,
    Pool,
    Predictions,
    Project,
    SavedView,
    Scenario,
    ScenarioVerdict,
)
from curation.services import coverage, jobs, sampling, scenarios
from curation.services.datasets import freeze_version
from tests.browsing import DESK, breaches, chromium, watched
from tests.factories import make_asset, make_pool

pytestmark = pytest.mark.django_db
PLAN = "light: low 30% ±5, normal 70% ±5\nresolution: hd, full-hd"


def address(project: Project, name: str = "balance") -> str:
    return reverse(name, args=[project.public_id])


@pytest.fixture
def planned(project: Project, people: dict[str, Client]) -> Project:
    make_pool(project, "PEACE", wanted=20)
    for _ in range(10):
        make_asset(project, brightness=120.0)
    assert people["alice"].post(address(project, "balance-plan"), {"plan": PLAN}).status_code == 302
    return project


@pytest.mark.parametrize("person", ["alice", "rita", "vera"])
def test_members_see_the_balance_and_leads_may_change_it(planned: Project, people: dict[str, Client], person: str):
    text = people[person].get(address(planned)).content.decode()
    assert "Classes by light" in text
    assert "<b>6 missing</b>" in text
    assert ("Save the plan" in text) == (person == "alice")
    assert ("Plan a campaign for 6" in text) == (person == "alice")


@pytest.mark.parametrize("name", ["balance", "balance-plan", "balance-gap"])
def test_a_stranger_finds_nothing_there(planned: Project, people: dict[str, Client], name: str):
    ask = Client.get if name == "balance" else Client.post
    assert ask(people["charlie"], address(planned, name)).status_code == 404
    if name != "balance":
        for person in ("rita", "vera"):
            assert people[person].post(address(planned, name), {"plan": ""}).status_code == 404
    assert PlanFactor.objects.filter(project=planned).count() == 2


def test_what_is_shown_is_in_the_address(planned: Project, people: dict[str, Client]):
    answer = people["vera"].get(address(planned) + "?by=resolution&count=boxes&of=kept")
    assert answer.context["asked"] == {"by": "resolution", "count": "boxes", "of": "kept"}
    assert "q=-state%3Adropped" in people["vera"].get(address(planned) + "?by=blur&of=kept").content.decode()
    odd = people["vera"].get(address(planned) + "?by=%00nonsense&count=x&of=y")
    assert odd.context["asked"] == {"by": "light", "count": "images", "of": "published"}


def test_a_saved_plan_is_shown_by_a_condition_that_it_names(planned: Project, people: dict[str, Client]):
    where, plan = f"{address(planned, 'balance-plan')}?of=kept&by=", "resolution: hd, full-hd\nhour: 08 50%, 20 50%"
    assert "of=kept&count=images&by=resolution" in people["alice"].post(where + "light", {"plan": plan})["Location"]
    assert "by=hour" in people["alice"].post(where + "hour", {"plan": plan})["Location"]


def test_a_wrong_plan_is_refused_with_its_line_and_kept_in_the_field(planned: Project, people: dict[str, Client]):
    where = f"{address(planned, 'balance-plan')}?by=blur&of=kept"
    answer = people["alice"].post(where, {"plan": "light: low 50%, normal 20%"})
    assert answer.status_code == 400
    assert 'href="?' not in answer.content.decode()
    assert f"{where.split('?')[0]}?of=kept&amp;count=images&amp;by=blur" in answer.content.decode()
    assert "Line 1: the shares of light make 70 %, not 100 %." in answer.content.decode()
    assert "light: low 50%, normal 20%</textarea>" in answer.content.decode()


def test_a_gap_becomes_a_plan_with_its_condition_and_its_price(planned: Project, people: dict[str, Client]):
    (gap,) = people["alice"].get(address(planned)).context["gaps"][:1]
    asked = f"{gap.label.pk}:0:{gap.place}:{gap.missing}"
    answer = people["alice"].post(address(planned, "balance-gap"), {"gap": asked}, follow=True)
    draft = PlanDraft.objects.get()
    assert draft.name == "Hand gestures: peace, light low"
    text = answer.content.decode()
    assert 'value="Hand gestures: peace, light low"' in text
    assert "peace 6" in text
    assert "Light: low" in text


@pytest.mark.parametrize(
    "gap", ["", "1:2", "x:0:0:5", "999999:0:0:5", "{label}:9:0:5", "{label}:0:9:5", "{label}:0:0:0"]
)
def test_a_gap_that_is_not_there_is_refused(planned: Project, people: dict[str, Client], gap: str):
    label = planned.classes.get(name="peace")
    answer = people["alice"].post(address(planned, "balance-gap"), {"gap": gap.format(label=label.pk)})
    assert answer.status_code == 400
    assert PlanDraft.objects.count() == 0


def test_a_gap_becomes_a_pool_of_this_project_on_a_second_platform(project: Project, people: dict[str, Client]):
    alice = people["alice"]
    make_pool(project, "PEACE", wanted=20)
    make_asset(project)
    second = Account.objects.create(slug="second", platform="mturk", label="Second crowd", is_shared=True)
    alice.post(address(project, "balance-plan"), {"plan": "skin: dark 50%, light 50%"})
    page = alice.get(address(project))
    assert page.context["crowds"] == [("inhouse", "In-house"), ("second", "Second crowd")]
    gap = page.context["gaps"][0]
    asked = {"gap": f"{gap.label.pk}:0:{gap.place}:{gap.left}", "crowd": "second", "links": "on"}
    assert alice.post(address(project, "balance-pool"), {**asked, "crowd": "nobody"}).status_code == 400
    assert alice.post(address(project, "balance-pool"), asked).status_code == 302
    pool = Pool.objects.get(account=second)
    assert (pool.state, pool.wanted, pool.title) == ("draft", gap.left, "PEACE, skin dark")
    batch = Batch.objects.get(pool_id=pool.pk)
    assert (batch.interface, batch.spec["instructions"][-1]) == ("link", "Skin: dark")
    assert batch.spec["condition"] == ["skin", "dark"]
    assert Event.objects.get(kind="pool.drafted").subject_id == pool.pk
    after = next(one for one in alice.get(address(project)).context["gaps"] if one.place == gap.place)
    assert (after.wanted, after.missing, after.left) == (gap.wanted, gap.missing, 0)


def test_each_gap_may_have_a_pool_on_every_platform_once(project: Project, people: dict[str, Client]):
    alice = people["alice"]
    make_pool(project, "PEACE", wanted=20)
    make_asset(project)
    alice.post(address(project, "balance-plan"), {"plan": "skin: dark 50%, light 50%"})
    label = project.classes.get(name="peace")
    dark, light = ({"gap": f"{label.pk}:0:{place}:5", "crowd": "inhouse"} for place in (0, 1))
    for asked in (dark, light):
        assert alice.post(address(project, "balance-pool"), asked).status_code == 302
    again = alice.post(address(project, "balance-pool"), dark)
    assert again.status_code == 400
    assert "asks for this already: raise its target there." in again.content.decode()
    assert sorted(Pool.objects.filter(label_class=label).values_list("condition", flat=True)) == [
        "",
        "skin: dark",
        "skin: light",
    ]


def test_what_the_plan_tolerates_becomes_scenarios_and_is_shown_beside_what_was_measured(
    planned: Project, people: dict[str, Client]
):
    plan = {"plan": "light: low 30% ±5 ≥70%, normal 70% ±5 ≥100%\nresolution: hd, full-hd"}
    people["alice"].post(address(planned, "balance-plan"), plan)
    assert "2 tolerated performances" in people["alice"].get(address(planned)).content.decode()
    assert people["rita"].post(address(planned, "balance-scenarios")).status_code == 404
    assert people["alice"].post(address(planned, "balance-scenarios")).status_code == 302
    low, normal = Scenario.objects.order_by("id")
    assert (low.name, low.query, low.tolerated, normal.tolerated) == ("light low", "light:low", 0.7, 0.999)
    version = freeze_version(project_id=planned.pk, by=None, now=timezone.now())
    model = Predictions.objects.create(
        project=planned, dataset=version, model="m", model_version="1", kind="boxes", sha256="0" * 64
    )
    ScenarioVerdict.objects.create(
        scenario=normal,
        predictions=model,
        terms=asdict(scenarios.terms_of(normal)),
        images=10,
        right=8,
        n=10,
        low=0.5,
        high=0.9,
        verdict="fail",
    )
    text = people["vera"].get(address(planned)).content.decode()
    assert "tolerated performances" not in text
    assert re.search(r"m 1: 80(\.0)?\s%, fail", text)
    people["alice"].post(address(planned, "balance-plan"), {"plan": plan["plan"].replace("100", "80")})
    text = people["alice"].get(address(planned)).content.decode()
    assert "1 tolerated performance of the plan is asked for by no scenario" in text
    assert "m 1: 80" not in text, "that was the verdict of another performance"
    Scenario.objects.filter(pk=low.pk).update(metric="precision")
    people["alice"].post(address(planned, "balance-scenarios"))
    told = list(Scenario.objects.order_by("id").values_list("name", "metric", "tolerated"))
    mine, changed = ("light low", "precision", 0.7), ("light normal", "recall", 0.8)
    assert told == [mine, changed, ("light low 2", "recall", 0.7)], "a scenario of one's own stays as it is"


def test_a_sample_is_drawn_looked_at_and_kept(planned: Project, people: dict[str, Client]):
    alice, wish = people["alice"], {"shares": "light: low 50%, normal 50%", "query": "", "size": "4", "seed": "0"}
    text = people["vera"].get(address(planned, "sample"), wish).content.decode()
    assert "Collect <b>2</b> more of light low" in text
    assert "Keep the sample" not in text
    refused = alice.post(address(planned, "sample-keep"), {**wish, "size": "many", "name": "spring"})
    assert refused.status_code == 400
    assert "The size is a whole number from 1 to 10,000,000, not “many”." in refused.content.decode()
    kept = alice.post(address(planned, "sample-keep"), {**wish, "name": "spring"})
    assert kept.status_code == 302
    assert SavedView.objects.get().name == "Sample spring"
    assert AssetTag.objects.filter(key="sample", value="spring").count() == 4
    again = alice.post(address(planned, "sample-keep"), {**wish, "name": "spring"})
    assert again.status_code == 400
    assert "has a sample “spring” already" in again.content.decode()
    under = alice.get(address(planned, "sample"), {**wish, "shares": PLAN, "way": "rarest"})
    assert "balances the values of one condition, not of 2" in under.content.decode()


def test_a_large_sample_is_kept_by_a_job_with_the_pictures_that_were_shown(
    planned: Project, people: dict[str, Client], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sampling, "MOST_AT_ONCE", 2)
    wish = {"shares": "light: low 50%, normal 50%", "query": "", "size": "4", "seed": "7", "name": "spring"}
    answer = people["alice"].post(address(planned, "sample-keep"), wish, follow=True)
    assert "The sample “spring” is being kept." in answer.content.decode()
    twice = people["alice"].post(address(planned, "sample-keep"), {**wish, "seed": "8"})
    assert "A sample “spring” is being kept already" in twice.content.decode()
    lead = planned.memberships.get(role="lead").user
    view = SavedView.objects.create(project=planned, owner=lead, name="Sample spring")
    jobs.run(job_id=Job.objects.get(kind="keep_sample").pk, now=timezone.now())
    assert not AssetTag.objects.filter(key="sample").exists(), "a view has this name"
    view.delete()
    wish["seed"] = "9"
    people["alice"].post(address(planned, "sample-keep"), wish)
    jobs.run(job_id=Job.objects.get(kind="keep_sample", state="due").pk, now=timezone.now())
    order = sampling.Order(coverage.read_plan(wish["shares"]), size=4, seed=9)
    kept = AssetTag.objects.filter(key="sample", value="spring").values_list("asset_id", flat=True)
    assert set(kept) == set(sampling.drawn(project=planned, order=order).asset_ids)
    assert SavedView.objects.get().owner.name == "Alice"
    assert "being kept" not in people["alice"].get(address(planned, "sample")).content.decode()


@pytest.mark.parametrize("rows", [1, 6])
def test_the_page_needs_few_queries(planned, people, django_assert_max_num_queries, rows):
    for number in range(rows):
        make_pool(planned, f"MORE {number}")
    with django_assert_max_num_queries(24):
        people["alice"].get(address(planned))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_alice_plans_a_condition_and_makes_a_pool_for_what_is_missing(
    server: str, browser: Browser, project: Project, people: dict[str, Client]
):
    make_pool(project, "PEACE", wanted=20)
    for _ in range(10):
        make_asset(project, brightness=120.0)
    with watched(browser, server, cookie=people["alice"].cookies["sessionid"].value, **DESK) as tab:
        tab.goto(address(project))
        tab.get_by_label("Conditions, values and how much of each").fill("light: low 30%, normal 70%")
        tab.get_by_role("button", name="Save the plan").click()
        expect(tab.get_by_text("The plan is saved.")).to_be_visible()
        assert breaches(tab) == []
        tab.get_by_role("button", name="Plan a campaign for 6 of peace, low").click()
        tab.wait_for_url("**/new/**")
        expect(tab.get_by_label("Name", exact=False).first).to_have_value("Hand gestures: peace, light low")
