"""The wizard in a real Chromium: by keyboard alone, on a desk and on a phone; what is chosen becomes the project."""

import re
import shlex
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from crowd.clock import database_now
from crowd.models import Account, Batch, Skill, SkillValue, Worker
from crowd.models.worker import digest_of
from curation.engine import asking, campaigns, set_up
from curation.models import Job, Pool, Project, User
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.factories import make_project, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = {"light desk": DESK, "dark phone": PHONE}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def alice(transactional_db: None) -> User:
    user = make_user("Alice")
    make_project(lead=user)
    return user


@pytest.fixture
def session(alice: User) -> str:
    client = Client()
    client.force_login(alice)
    return str(client.cookies["sessionid"].value)


@pytest.fixture
def far(alice: User) -> Account:
    """A connected account of which forty people are known, rated from 20 to 98."""
    account = Account.objects.create(slug="far", platform="toloka", label="Far account", commission_percent=20)
    skill = Skill.objects.create(account=account, name="Checking")
    for number in range(40):
        ext_id = f"w{number}"
        worker = Worker.objects.create(account=account, ext_id=ext_id, ext_digest=digest_of(ext_id))
        SkillValue.objects.create(worker=worker, skill=skill, value=20 + 2 * number)
    return account


def sound(page: Page) -> None:
    """Nothing in the way of screen readers, and nothing wider than the screen."""
    assert breaches(page) == []
    assert fits(page)


def named(page: Page, name: str) -> Locator:
    return page.locator(f'[name="{name}"]')


def tab_to(page: Page, target: Locator, most: int = 130) -> None:
    """Go there as somebody does who has no mouse."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by keyboard")


def made(name: str) -> Project:
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    return Project.objects.get(name=name)


def test_a_project_is_set_up_by_keyboard_alone(browser, server, session, far):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("new-project"))
        tab_to(page, page.get_by_label("Name", exact=True))
        page.keyboard.type("By keys")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+a")
        page.keyboard.type("3")
        tab_to(page, page.locator('[name="validate.platforms"][value="far"]'))
        page.keyboard.press("Space")
        expect(page.locator(".share", has_text="Far account")).to_contain_text("+ $0.018 fee")
        summary = page.locator("#stage-validate summary", has_text="Who may work")
        tab_to(page, summary)
        page.keyboard.press("Enter")
        tab_to(page, page.locator('[id="validate.top_percent"]'))
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        expect(page.locator('[id="validate-balance"]')).to_contain_text("24 of 40 people")
        tab_to(page, page.get_by_role("button", name="Set up the project"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("“By keys” is being set up: its")).to_be_visible()
    project = made("By keys")
    checking = Batch.objects.get(pool_id__in=project.pools.values("pk"), interface="choice", kind="main")
    assert (checking.account.slug, checking.audience) == ("far", {"top_percent": 60})
    assert Pool.objects.filter(project=project, stage__kind="collect", wanted=3).count() == 18


@pytest.mark.parametrize("look", LOOKS)
def test_every_setting_shows_on_the_cost_sheet_and_nothing_is_in_the_way(browser, server, session, far, look):
    with watched(browser, server, cookie=session, color_scheme=look.split()[0], **LOOKS[look]) as page:
        page.goto(reverse("new-project"))
        for summary in page.locator(".crowd-stage summary").all():
            summary.click()
        sound(page)
        named(page, "boxes.price_usd").fill("0.004")
        page.locator('[name="boxes.platforms"][value="far"]').check()
        expect(page.get_by_text("A page costs at least $0.005 there; $0.004 is less.")).to_be_attached()
        named(page, "validate.exam_gate").fill("90")
        expect(page.locator("#gates-validate")).to_contain_text("Exam, 9 of 10 right")
        named(page, "validate.page_size").fill("20")
        expect(page.locator("#each-validate")).to_contain_text("19 real on a page")
        named(page, "validate.overlap").fill("none")
        expect(page.locator("#cost-sheet")).to_contain_text("Answers each: this must be a whole number, not none.")
        sound(page)


def test_steps_of_prices_leave_no_gap_whatever_is_added_and_removed(browser, server, session, far):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("new-project"))
        ends = "rows => rows.map(row => [...row.querySelectorAll('input')].slice(0, 2).map(one => one.value).join('-'))"
        rows = page.locator(".step-rows li")
        assert rows.evaluate_all(ends) == ["0-95", "96-100"]
        page.get_by_role("button", name="Add a step").click()
        assert rows.evaluate_all(ends) == ["0-95", "96-98", "99-100"]
        rows.nth(1).get_by_label("Skill from").fill("90")
        assert rows.evaluate_all(ends) == ["0-89", "90-98", "99-100"]
        rows.nth(1).get_by_role("button", name="Remove this step").click()
        assert rows.evaluate_all(ends) == ["0-98", "99-100"]
        page.get_by_label("Name", exact=True).fill("Steps")
        page.get_by_role("button", name="Set up the project").click()
        expect(page.get_by_text("“Steps” is being set up: its")).to_be_visible()
    steps = made("Steps").stages.get(kind="collect").settings["price_by_skill"]["steps"]
    assert [(step["low"], step["high"]) for step in steps] == [(0, 98), (99, 100)]


def test_a_refused_form_keeps_everything_and_points_at_the_field(browser, server, session, far):
    with watched(browser, server, cookie=session, **PHONE) as page:
        page.goto(reverse("new-project"))
        page.get_by_label("Name", exact=True).fill("Wrong")
        page.locator("#stage-boxes summary", has_text="Who may work").click()
        named(page, "boxes.languages").fill("english")
        named(page, "collect.per_worker").fill("7")
        page.get_by_role("button", name="Set up the project").click()
        expect(named(page, "boxes.languages")).to_have_attribute("aria-invalid", "true")
        expect(page.locator('[id="says-boxes.languages"]')).to_contain_text("ENGLISH is no code of two letters")
        expect(named(page, "boxes.languages")).to_be_visible()
        expect(named(page, "collect.per_worker")).to_have_value("7")
        sound(page)
    assert not Job.objects.filter(kind="set_up").exists()


def test_the_command_of_the_wizard_plans_the_same_project(browser, server, session, far, capsys):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("new-project"))
        page.get_by_label("Name", exact=True).fill("Ann's hands")
        page.get_by_label("Photos a class").first.fill("2")
        page.locator('[name="boxes.platforms"][value="far"]').check()
        page.locator('[name="boxes.platforms"][value="inhouse"]').check()
        named(page, "collect.price_usd").fill("0.05")
        page.get_by_text("The same as a command").click()
        expect(page.locator("#command")).to_contain_text("collect.price_usd")
        expect(page.locator("#command")).to_contain_text("far")
        command, total = str(page.locator("#command").text_content()), page.locator(".tot").text_content()
    words = shlex.split(command)
    assert words[:2] == ["./winnow", "mine"]
    call_command(*words[1:], "--dry-run", "--json")
    said = capsys.readouterr().out
    assert '"project": "Ann\'s hands"' in said
    planned = re.search(r'"planned_usd": "([\d.]+)"', said)
    assert planned
    assert f"${float(planned.group(1)):.2f}" == total


@pytest.fixture
def elsewhere(far: Account, alice: User) -> Project:
    """A project that pays less than its platform allows."""
    asked = asking.campaign(
        recipe="gestures",
        platform="far",
        name="Elsewhere",
        classes=["call"],
        wanted=2,
        settings={"collect": {"price_usd": "0.004", "price_by_skill": None}, "validate": {"training_tasks": 0}},
    )
    return campaigns.ensure_project(asked=asked, by=alice, now=database_now()).project


@pytest.mark.parametrize("look", LOOKS)
def test_a_pool_is_changed_and_opened_against_what_its_platform_lacks(browser, server, session, elsewhere, look):
    project, pool = elsewhere, Pool.objects.get(project=elsewhere, title="CALL")
    with watched(browser, server, cookie=session, color_scheme=look.split()[0], **LOOKS[look]) as page:
        page.goto(reverse("pool", args=[project.public_id, pool.pk]))
        expect(page.get_by_role("heading", name="What Far account cannot do")).to_be_visible()
        sound(page)
        page.get_by_role("link", name="Settings", exact=True).last.click()
        sound(page)
        named(page, "pool.countries").fill("in, ke")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("CALL is changed: who may work: countries IN, KE")).to_be_visible()
        page.get_by_role("button", name="Open all the same").click()
        expect(page.get_by_text("CALL is opening")).to_be_visible()
        expect(page.get_by_role("heading", name="On Toloka")).to_be_visible()
        sound(page)
    pool.refresh_from_db()
    assert pool.state == "opening"
