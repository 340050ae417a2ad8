"""Duplicates, limits, levels and rings in a real Chromium: quiet, accessible, and worked with the keyboard."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from crowd.models import Evidence
from curation.models import Asset, Project
from curation.services.lookalikes import searching
from tests.browsing import DESK, PHONE, chromium, fits, watched
from tests.engine.test_lookalikes import do_jobs
from tests.factories import make_answer, make_asset, make_evidence, make_pool, make_project, make_user, make_worker
from tests.pages.test_in_a_browser import troubles_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PAGES = ("duplicates", "cuts", "held-out", "levels", "rings", "workers")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project() -> Project:
    """Three look-alikes of our own, and a photo that one worker has from another."""
    project = make_project(lead=make_user("Alice"))
    for bits in (0, 4, 10):
        asset = make_asset(project, stage="checks")
        digest = ((1 << bits) - 1).to_bytes(32, "little")
        Asset.objects.filter(pk=asset.pk).update(
            hash256=digest, contrast=40.0, sharpness=100.0 - bits, brightness=120.0, width=1920, height=1080
        )
    pool, wanda, otto = make_pool(project), make_worker(), make_worker()
    first = make_asset(project, worker=wanda, answer=make_answer(pool, wanda))
    row = make_evidence(make_asset(project, worker=otto, answer=make_answer(pool, otto)))
    Evidence.objects.filter(pk=row.pk).update(kind="same_photo", other_item_id=first.pk)
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    return project


@pytest.fixture
def session(project: Project) -> str:
    client = Client()
    client.force_login(project.memberships.get().user)
    return str(client.cookies["sessionid"].value)


@pytest.mark.parametrize("look", ["light desk", "dark phone"])
def test_the_pages_are_quiet_and_accessible(look, server, browser, session, project):
    theme, device = look.split()
    troubles = []
    with watched(browser, server, cookie=session, **(PHONE if device == "phone" else DESK)) as page:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": server}])
        for name in PAGES:
            page.goto(reverse(name, args=[project.public_id]))
            troubles += troubles_of(page)
            assert fits(page), f"{name} is too wide"
    assert troubles == []


def test_the_slider_says_at_once_what_would_be_kept_and_shows_the_groups(server, browser, session, project):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("duplicates", args=[project.public_id]) + "?d=2")
        kept = page.locator("#kept")
        expect(kept).to_have_text("3")
        page.locator("#slider").focus()
        page.keyboard.press("ArrowRight")
        expect(kept).to_have_text("2")
        page.get_by_role("heading", name="1 group at 4 bits").wait_for()
        page.keyboard.press("End")
        expect(kept).to_have_text("1")
        page.get_by_role("heading", name="1 group at 48 bits").wait_for()
        page.get_by_role("button", name="Take 2 out").click()
        page.get_by_text("The near-duplicates are being taken out").wait_for()
        do_jobs(project, "bulk_drop")
        page.goto(reverse("duplicates", args=[project.public_id]))
        page.get_by_role("button", name="Bring back").click()
        page.get_by_text("The pictures are being brought back.").wait_for()
        do_jobs(project, "bulk_drop")
    assert not Asset.objects.filter(project=project, reason="near_duplicate").exists()
