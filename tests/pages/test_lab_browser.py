"""The lab in a real Chromium: sliders, curve, applying and going back, phones, no scripts, screen readers."""

import re
from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, expect

from curation.models import ConsensusRun, Membership, Project
from tests import scenes
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.engine import answered
from tests.engine.answered import LOOSE
from tests.pages.at_lab import TIGHT, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project() -> Project:
    row = answered.project(max_answers=3)
    Membership.objects.create(project=row, user=scenes.person("Rita"), role="reviewer")
    answered.aggregated(row, TIGHT, TIGHT, LOOSE)
    return row


def session(name: str = "Alice") -> str:
    return str(signed_in(name).cookies["sessionid"].value)


def open_lab(page: Page, project: Project, query: str = "") -> None:
    page.goto(reverse("lab", args=[project.public_id]) + query)


def drop_row(page: Page) -> Locator:
    return page.get_by_role("row", name="Drop: nothing agreed")


@pytest.mark.parametrize("look", ["light desk", "dark desk", "light phone", "dark phone"])
def test_every_page_of_the_lab_is_quiet_and_accessible(look, server, browser, project):
    theme, device = look.split()
    answered.apply(project, iou=0.5)
    lab = reverse("lab", args=[project.public_id])
    compare = reverse("lab-compare", args=[project.public_id])
    with watched(browser, server, cookie=session(), **(PHONE if device == "phone" else DESK)) as page:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": server}])
        for address in (f"{lab}?iou=0.8", f"{lab}?iou=1.5", f"{compare}?a=1&b=2"):
            page.goto(address)
            page.wait_for_load_state("networkidle")
            assert breaches(page) == []
            assert fits(page), f"{address} is too wide"


def test_a_slider_moves_the_shares_the_address_and_the_curve(server, browser, project):
    with watched(browser, server, cookie=session(), **DESK) as page:
        open_lab(page, project)
        expect(drop_row(page)).to_have_text("Drop: nothing agreed 1 33.3 % 1 33.3 % 0")
        page.get_by_role("slider", name="Least IoU in a group").fill("0.5")
        expect(drop_row(page)).to_contain_text("-1")
        expect(page.get_by_role("textbox", name="Least IoU in a group")).to_have_value("0.5")
        expect(page).to_have_url(re.compile(r"\?stage=aggregate&iou=0\.5$"))
        expect(page.get_by_role("heading", name="1 image that changes")).to_be_visible()
        expect(page.get_by_role("img", name="Shares of hard, soft and drop")).to_be_visible()
        page.reload()
        expect(drop_row(page)).to_have_text("Drop: nothing agreed 1 33.3 % 0 0.0 % -1")


def test_the_slider_is_turned_by_keys(server, browser, project):
    with watched(browser, server, cookie=session(), **DESK) as page:
        open_lab(page, project)
        page.get_by_role("slider", name="Least IoU in a group").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(page.get_by_text("iou 0.7 → 0.73")).to_be_visible()


def test_a_number_out_of_bounds_is_answered_with_a_sentence_and_can_be_mended(server, browser, project):
    with watched(browser, server, cookie=session(), **DESK) as page:
        open_lab(page, project)
        field = page.get_by_role("textbox", name="Least IoU in a group")
        field.fill("1.5")
        expect(page.get_by_role("alert")).to_have_text("Setting iou is 1.5: expected a number above 0 to 1.")
        field.fill("0.5")
        expect(drop_row(page)).to_contain_text("-1")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_only_what_the_method_uses_can_be_turned(server, browser, project):
    with watched(browser, server, cookie=session(), **DESK) as page:
        open_lab(page, project)
        page.get_by_label("Method").select_option("median")
        expect(page.get_by_role("slider", name="Least IoU in a group")).to_be_hidden()
        expect(page.get_by_text("Boxes of more than half")).to_be_visible()
        expect(drop_row(page)).to_contain_text("-1")


def test_a_lead_applies_and_goes_back_with_a_word_before_each(server, browser, project):
    with watched(browser, server, cookie=session(), **DESK) as page:
        open_lab(page, project, "?iou=0.5")
        page.get_by_role("button", name="Apply…").click()
        expect(page.get_by_text("1 dropped image comes back")).to_be_visible()
        page.get_by_label("Why, for the history").fill("edges are loose")
        page.get_by_role("button", name="Apply", exact=True).click()
        expect(page.get_by_text("Version 2 is being applied. What arrives")).to_be_visible()
        answered.finished(ConsensusRun.objects.get(number=2))
        page.get_by_role("link", name="See what stands now").click()
        expect(page.get_by_role("row", name="2 current")).to_contain_text("edges are loose")
        page.get_by_role("button", name="Compare A with B").click()
        expect(page.get_by_role("heading", name="Version 1 beside version 2")).to_be_visible()
        page.go_back()
        page.get_by_role("button", name="Go back…").click()
        expect(page.get_by_text("1 leaves: nothing can be agreed")).to_be_visible()
        page.get_by_role("button", name="Go back", exact=True).click()
        expect(page.get_by_text("Version 1 comes back as version 3")).to_be_visible()


def test_a_reviewer_looks_and_cannot_apply(server, browser, project):
    with watched(browser, server, cookie=session("Rita"), **DESK) as page:
        open_lab(page, project, "?iou=0.5")
        expect(page.get_by_text("A lead can apply them.")).to_be_visible()
        assert page.get_by_role("button", name="Apply…").count() == 0
        assert page.get_by_role("link", name="Download answers").count() == 0


def test_without_scripts_settings_are_typed_and_sent(server, browser, project):
    with watched(browser, server, cookie=session(), java_script_enabled=False, **DESK) as page:
        open_lab(page, project)
        assert not page.get_by_role("slider").first.is_visible()
        page.get_by_role("textbox", name="Least IoU in a group").fill("0.5")
        page.get_by_role("button", name="Try these settings").click()
        expect(drop_row(page)).to_have_text("Drop: nothing agreed 1 33.3 % 0 0.0 % -1")
        page.get_by_role("link", name="Count the curve").click()
        expect(page.get_by_role("img", name="Shares of hard, soft and drop")).to_be_visible()
