"""What a lead and an operator do in their first minutes, in a real Chromium, one after the other."""

import json
import zipfile
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from crowd.models import Assignment, Evidence, OutboxCommand
from curation.models import Asset, Event, Job, Project, User
from tests.api.conftest import carry_out
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.factories import (
    make_account,
    make_answer,
    make_asset,
    make_evidence,
    make_pool,
    make_project,
    make_user,
    make_worker,
)
from tests.scenes import jpeg, stored

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.cookies["sessionid"].value)


@pytest.fixture
def project() -> Project:
    """A campaign in which somebody sent the example, mirrored, as his own photo."""
    project = make_project("Hand gestures", lead=make_user("Alice"))
    pool, worker = make_pool(project, "PEACE"), make_worker()
    copied = make_asset(
        project,
        state="dropped",
        reason="template_copy",
        stage="checks",
        worker=worker,
        answer=make_answer(pool, worker),
    )
    make_evidence(copied, 20, kind="template_copy")
    make_asset(project, worker=worker, answer=make_answer(pool, worker))
    return project


def test_a_lead_sees_a_cheat_looks_at_it_and_takes_a_false_alarm_back_by_keys_alone(browser, server, project):
    with watched(browser, server, cookie=session_of(project.memberships.get().user), **DESK) as page:
        page.goto("/")
        page.keyboard.press("j")
        page.get_by_role("link", name="Hand gestures").first.click()
        page.get_by_text("Edited the example: crop, flip, filter").first.wait_for()
        page.wait_for_load_state()  # keys are heard from then on
        page.keyboard.type("gw")
        card = page.locator("[data-card]")
        expect(card).to_contain_text("mirror")
        page.wait_for_load_state()
        page.keyboard.press("Shift+Slash")
        expect(page.get_by_role("dialog")).to_contain_text("not cheating")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.keyboard.press("c")
        wrongly = page.locator(".kpi", has_text="Wrongly accused")
        expect(wrongly).to_contain_text("1")
        expect(page.locator("[data-card]")).to_have_count(0)
    assert Evidence.objects.get().overturned_at is not None
    assert Asset.objects.filter(project=project, state="dropped").count() == 0


def test_an_operator_finds_what_is_stuck_and_mends_it_on_a_phone_in_the_dark(browser, server):
    olaf = User.objects.create_superuser("olaf@example.org", "Olaf")
    job = Job.objects.create(kind="export", key="7", state=Job.State.DEAD, failures=12, last_error="OSError: no room")
    OutboxCommand.objects.create(
        kind="accept",
        key="accept-1",
        account=make_account("toloka"),
        state=OutboxCommand.State.NEEDS_PERSON,
        last_error="No answer came, and the platform cannot be asked.",
    )
    with watched(browser, server, cookie=session_of(olaf), color_scheme="dark", **PHONE) as page:
        page.goto("/")
        page.get_by_role("button", name="Menu").tap()
        page.get_by_role("link", name="System").tap()
        expect(page.get_by_text("OSError: no room")).to_be_visible()
        assert breaches(page) == []
        page.get_by_role("button", name="Try export 7 again").tap()
        expect(page.get_by_text("No job is dead, stuck or being tried again.")).to_be_visible()
        page.get_by_role("button", name="Test this storage").tap()
        expect(page.locator("#probe li").first).to_be_visible()
        page.get_by_role("link", name="Audit log").tap()
        expect(page.get_by_text("Olaf has the job export 7 tried again.")).to_be_visible()
        page.goto("/accounts/toloka/")
        expect(page.get_by_text("needs a person", exact=True)).to_be_visible()
        assert breaches(page) == []
        assert fits(page)
    job.refresh_from_db()
    assert job.state == Job.State.DUE
    assert Event.objects.filter(kind="job.retried").exists()


def test_a_lead_stops_a_stage_raises_a_price_looks_at_the_money_and_takes_the_data_home(browser, server, tmp_path):
    """The second half of the first ten minutes: from work in progress to a file with its receipt."""
    alice = make_user("Alice")
    project = make_project("Friday hands", lead=alice)
    pool = make_pool(project, "CALL")
    make_answer(pool, make_worker(), Assignment.State.SUBMITTED)
    make_asset(project, storage_key=stored(jpeg()))
    with watched(browser, server, cookie=session_of(alice), **DESK) as page:
        page.goto("/")
        page.get_by_role("link", name="Friday hands").first.click()
        expect(page.get_by_role("heading", name="Friday hands", level=1)).to_be_visible()
        page.wait_for_load_state()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.get_by_role("link", name="Money", exact=True).first).to_be_in_viewport()
        page.get_by_role("button", name="Pause Collect").click()
        expect(page.get_by_text("Collect is paused. Pages already in hands may be finished.")).to_be_visible()
        page.get_by_role("button", name="Resume Collect").click()
        expect(page.get_by_text("The stage goes on.")).to_be_visible()
        page.get_by_role("link", name="CALL").first.click()
        page.get_by_label("Price a page, USD").fill("0.05")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("$0.0500 an item")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Money").click()
        expect(page.get_by_role("heading", name="Money")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Datasets").click()
        page.get_by_role("button", name="Freeze a version").click()
        expect(page.get_by_text("v1 is being frozen.")).to_be_visible()
        carry_out("freeze")
        page.reload()
        page.get_by_role("link", name="v1").first.click()
        page.get_by_role("button", name="Export").click()
        expect(page.get_by_text("is on its way")).to_be_visible()
        carry_out("export")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        download.value.save_as(tmp_path / "hands.zip")
    assert json.loads(zipfile.ZipFile(tmp_path / "hands.zip").read("receipt.json"))["images"] == 1
