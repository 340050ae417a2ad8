"""The page of balance: who sees it, what it says, and the way from a gap to a plan that fills it."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser

from crowd.models import Account, Batch
from curation.models import AssetTag, Event, PlanDraft, PlanFactor, Pool, Project, SavedView
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
    assert page.context["crowds"] == [("second", "Second crowd")]
    gap = page.context["gaps"][0]
    asked = {"gap": f"{gap.label.pk}:0:{gap.place}:{gap.left}", "crowd": "second", "links": "on"}
    assert alice.post(address(project, "balance-pool"), {**asked, "crowd": "inhouse"}).status_code == 400
    assert alice.post(address(project, "balance-pool"), asked).status_code == 302
    pool = Pool.objects.get(account=second)
    assert (pool.state, pool.wanted, pool.title) == ("draft", gap.left, "PEACE, skin dark")
    batch = Batch.objects.get(pool_id=pool.pk)
    assert (batch.interface, batch.spec["instructions"][-1]) == ("link", "Skin: dark")
    assert batch.spec["condition"] == ["skin", "dark"]
    assert Event.objects.get(kind="pool.drafted").subject_id == pool.pk
    assert alice.get(address(project)).context["crowds"] == []


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
        assert tab.get_by_text("The plan is saved.").is_visible()
        assert breaches(tab) == []
        tab.get_by_role("button", name="Plan a campaign for 6 of peace, low").click()
        tab.wait_for_url("**/new/**")
        assert tab.get_by_label("Name", exact=False).first.input_value() == "Hand gestures: peace, light low"
