"""From an empty home to a launched campaign, in a real Chromium; and what is left half way is there again."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from curation.engine import set_up
from curation.models import Instruction, Job, PlanDraft, Pool, Project, User
from curation.services import jobs
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.factories import make_user

PASTED = "peace 3\ncall\nwave,2,Wave your hand"
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_user("Alice")


@pytest.fixture
def session(alice: User) -> str:
    client = Client()
    client.force_login(alice)
    return str(client.cookies["sessionid"].value)


def sound(page: Page) -> None:
    """Nothing in the way of screen readers, and nothing wider than the screen, be it 320 pixels."""
    assert breaches(page) == []
    usual = page.viewport_size
    for width in (320, usual["width"]):
        page.set_viewport_size({**usual, "width": width})
        assert fits(page), f"wider than {width} pixels"


def wait_until_kept(owner: str) -> None:
    """What is sent while a page goes away arrives a moment later."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not PlanDraft.objects.filter(fields__owner=[owner]).exists():
        time.sleep(0.05)


def try_it(page: Page) -> None:
    """Follow the code to the page that a worker gets."""
    with page.expect_popup() as opened:
        page.locator("#stage-validate").get_by_role("button", name="Try as a worker").click()
    code = opened.value
    expect(code.get_by_alt_text("QR code of the link below")).to_be_visible()
    code.wait_for_load_state()
    assert code.evaluate("document.querySelector('.qr').naturalWidth") > 100
    sound(code)
    code.goto(code.get_by_role("link", name="Open it here").get_attribute("href"))
    expect(code.get_by_role("heading", name="Is this the sign?").first).to_be_visible()
    sound(code)
    code.close()


def planned(words: list[str], said: pytest.CaptureFixture[str]) -> dict[str, Any]:
    call_command(*words, "--dry-run", "--json")
    return dict(json.loads(said.readouterr().out))


def test_a_campaign_is_planned_tried_saved_and_launched(browser, server, session, tmp_path, capsys):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto("/")
        page.get_by_role("link", name="New project").first.click()
        expect(page.get_by_label("Name", exact=True)).to_be_visible()
        page.wait_for_load_state()
        page.get_by_label("Name", exact=True).fill("First hands")
        page.get_by_label("Classes, one a line").fill(PASTED)
        page.get_by_label("Photos a class").first.fill("4")
        page.locator("#platform").get_by_text("Simulated crowd, free").click()
        expect(page.locator("#cost-sheet")).to_contain_text("9 accepted photos of 3 classes")
        expect(page.locator("#cost-sheet")).to_contain_text("likely $")
        expect(page.locator("#gates-validate")).to_contain_text("likely to work")
        expect(page).to_have_url(re.compile(r"/new/[0-9a-f-]{36}/$"))
        sound(page)
        try_it(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as YAML").click()
        download.value.save_as(tmp_path / "plan.yaml")
        page.reload()
        expect(page.get_by_label("Classes, one a line")).to_have_value(PASTED)
        page.get_by_text("The same as a command").click()
        command = str(page.locator("#command").text_content())
        page.get_by_role("button", name="Launch").click()
        expect(page.get_by_text("“First hands” is being set up; then its pools open.")).to_be_visible()
        jobs.run(job_id=Job.objects.get(kind="set_up").pk, now=timezone.now())
        page.get_by_role("status").filter(has_text="“First hands” is set up.").get_by_role(
            "link", name="Open it"
        ).click()
        expect(page.get_by_role("heading", name="First hands", level=1)).to_be_visible()
    by_file = planned(["mine", "--plan", str(tmp_path / "plan.yaml")], capsys)
    assert by_file == planned(shlex.split(command)[1:], capsys)
    assert [(row["class"], row["wanted"]) for row in by_file["pools"]] == [("peace", 3), ("call", 4), ("wave", 2)]
    collecting = Pool.objects.filter(project__name="First hands", stage__kind="collect").order_by("label_class__index")
    assert [(pool.label_class.name, pool.wanted, pool.state) for pool in collecting] == [
        ("call", 4, "opening"),
        ("peace", 3, "opening"),
        ("wave", 2, "opening"),
    ]


def test_enter_in_a_field_leaves_the_plan_as_it_is(browser, server, session):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("new-project"))
        page.get_by_label("Classes, one a line").fill(PASTED)
        page.get_by_label("Name", exact=True).fill("First hands")
        sent = []
        page.on("request", lambda request: sent.append(request.url) if request.is_navigation_request() else None)
        page.get_by_label("Name", exact=True).press("Enter")
        page.wait_for_timeout(300)
        assert sent == []
        expect(page.get_by_label("Classes, one a line")).to_have_value(PASTED)


def test_on_a_phone_in_the_dark_mistakes_are_listed_and_the_draft_is_found_again(browser, server, session):
    with watched(browser, server, cookie=session, color_scheme="dark", **PHONE) as page:
        page.goto(reverse("new-project"))
        page.get_by_label("Classes, one a line").fill("call\nnothing like it\ncall")
        page.get_by_role("button", name="Launch").click()
        expect(page.locator("#new-error")).to_be_focused()
        expect(page.locator("#new-error")).to_contain_text("2 things are to mend")
        expect(page.locator("#says-quotas")).to_contain_text("Line 3: call stands there twice.")
        page.get_by_role("link", name="Give the project a name.").click()
        sound(page)
        with page.expect_response("**/new/plan/"):
            page.get_by_label("Name", exact=True).fill("Later")
        expect(page.locator("#draft-state")).to_contain_text("draft, kept")
        expect(page.locator("#cost-sheet")).to_contain_text("Line 2")
        page.get_by_label("Owner").fill("Olaf")
        page.goto(reverse("new-project"))
        wait_until_kept("Olaf")
        page.get_by_role("link", name="Later").click()
        expect(page.get_by_label("Owner")).to_have_value("Olaf")
        expect(page.get_by_label("Classes, one a line")).to_have_value("call\nnothing like it\ncall")
        page.get_by_role("button", name="Throw away").click()
        expect(page.get_by_text("The plan “Later” is thrown away.")).to_be_visible()
    assert not PlanDraft.objects.exists()


def test_instructions_are_written_previewed_and_compared(browser, server, session, alice):
    wanted = set_up.Wanted("gestures", "Texts", ["call"], 2, "inhouse", "20")
    set_up.ask(wanted=wanted, by=alice)
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    project = Project.objects.get(name="Texts")
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("instructions", args=[project.public_id]))
        sound(page)
        page.get_by_role("link", name="Write instructions of Validated").click()
        expect(page.get_by_label("Markdown")).to_be_visible()
        page.wait_for_load_state()
        page.get_by_label("Markdown").fill("## Look first\n\n- the **whole** hand")
        expect(page.locator("#guide-preview li")).to_have_text("the whole hand")
        sound(page)
        page.get_by_role("button", name="Save as version 1").click()
        expect(page.get_by_text("Version 1 is what workers read now.")).to_be_visible()
        page.get_by_label("Markdown").fill("## Look first\n\n- all of the hand")
        page.get_by_role("button", name="Save as version 2").click()
        page.get_by_role("link", name="Version 2").click()
        expect(page.locator("ins")).to_contain_text("all of the hand")
        sound(page)
        pool = Pool.objects.get(project=project, stage__kind="validate", kind="main")
        page.goto(reverse("pool-try", args=[project.public_id, pool.pk]))
        page.goto(page.get_by_role("link", name="Open it here").get_attribute("href"))
        page.get_by_text("Instructions", exact=True).click()
        expect(page.get_by_text("all of the hand")).to_be_visible()
        sound(page)
    assert Instruction.objects.count() == 2


def test_what_is_drawn_on_a_page_to_try_is_gone_when_another_one_is_tried(browser, server, session, alice):
    wanted = set_up.Wanted("gestures", "Tried", ["call"], 2, "inhouse", "20")
    set_up.run_set_up(set_up.ask(wanted=wanted, by=alice), timezone.now())
    pool = Pool.objects.get(project__name="Tried", stage__kind="boxes")
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("pool-try", args=[pool.project.public_id, pool.pk]))
        page.goto(page.get_by_role("link", name="Open it here").get_attribute("href"))
        expect(page.locator("body")).to_have_attribute("data-ready", "yes")
        for corner in ({"x": 200, "y": 150}, {"x": 280, "y": 230}):
            page.locator(".w-editor").click(position=corner)
        expect(page.locator(".be-box")).to_have_count(1)
        page.reload()
        expect(page.locator("body")).to_have_attribute("data-ready", "yes")
        expect(page.locator(".be-box")).to_have_count(0)
