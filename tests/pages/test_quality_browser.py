"""The quality page and a careless annotator in a real Chromium: both themes, desk and phone, no scripts refused."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from crowd.models import Worker
from curation.models import Project
from tests import scenes
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.pages.test_quality import arrived, decide
from tests.pages.test_quality_workers import answered

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def sloppy() -> Worker:
    return scenes.worker("Silvio")


@pytest.fixture
def project(sloppy: Worker) -> Project:
    """Twelve images of three careful people and a careless one; four are judged."""
    cache.clear()
    row = scenes.project(Rita="reviewer")
    boxes, data = scenes.batch(row, "boxes"), scenes.jpeg(size=(640, 360))
    for n in range(12):
        reason = ("sample", "unsure", "")[min(n // 2, 2)]
        image = arrived(row, boxes, f"{n}", reason, data=data, confidence=0.6 + n / 50)
        answered(image, sloppy, 0.06 if n < 9 else 0.0)
        if reason:
            decide(row, image, "accept" if n % 2 else "reject", **({} if n % 2 else {"reason": "misplaced"}))
    return row


def session(name: str = "Alice") -> str:
    client = Client()
    client.force_login(scenes.person(name))
    return str(client.cookies["sessionid"].value)


def test_everybody_can_read_the_figures_in_both_themes_at_the_desk_and_on_a_phone(browser, server, project, sloppy):
    looks = [{**device, "color_scheme": scheme} for device in (DESK, PHONE) for scheme in ("light", "dark")]
    for look in looks:
        with watched(browser, server, cookie=session(), **look) as page:
            for name, more in (("quality", []), ("workers", []), ("worker", [sloppy.pk])):
                page.goto(reverse(name, args=[project.public_id, *more]))
                page.wait_for_load_state("networkidle")
                assert breaches(page) == []
                assert fits(page)


def test_from_a_figure_to_its_images_to_the_asset_and_from_the_board_to_a_ban(browser, server, project, sloppy):
    with watched(browser, server, cookie=session(), **DESK) as page:
        page.goto(reverse("quality", args=[project.public_id]))
        page.get_by_role("row", name="Drawn by chance").get_by_role("link").nth(1).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("1 image")
        page.locator(".thumb").click()
        expect(page.get_by_text("Review: Reject")).to_be_visible()
        page.goto(reverse("quality", args=[project.public_id]))
        page.get_by_role("link", name="1 careless", exact=True).click()
        card = page.locator("#careless article")
        expect(card).to_contain_text(sloppy.short_id)
        card.get_by_role("button", name="Ban 10 days").click()
        expect(page.get_by_text("gets no more work here for 10 days")).to_be_visible()
