"""Vendor files in a real Chromium: the whole way from the upload to the import, on a desk and on a phone."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from crowd.models import Assignment, Batch
from curation.models import Pool, Project
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.factories import make_project, make_user
from tests.pages import test_vendor_pages as plain
from tests.pages.test_vendor_pages import TABLE, at

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
pool, batch = plain.pool, plain.batch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project(transactional_db: None) -> Project:
    return make_project(lead=make_user("Alice"))


@pytest.fixture
def session(project: Project) -> str:
    client = Client()
    client.force_login(project.memberships.get().user)
    return str(client.cookies["sessionid"].value)


def sound(page: Page) -> None:
    """Nothing in the way of screen readers, and nothing wider than the screen."""
    assert breaches(page) == []
    assert fits(page)


LOOKS = {"light desk": DESK, "dark phone": PHONE}


@pytest.mark.parametrize("look", LOOKS)
def test_a_table_is_uploaded_tried_and_imported(browser: Browser, server: str, batch: Batch, session: str, look: str):
    with watched(browser, server, cookie=session, color_scheme=look.split()[0], **LOOKS[look]) as page:
        page.goto(at("pool", Pool.objects.select_related("project").get(pk=batch.pool_id)))
        page.get_by_role("link", name="Packages and results").click()
        sound(page)
        page.get_by_label("Table:").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": TABLE})
        page.get_by_role("button", name="Look at it").click()
        expect(page.get_by_role("button", name="Import")).to_be_disabled()
        sound(page)
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_text("'lost.jpg' is no task of this pool")).to_be_visible()
        sound(page)
        page.get_by_role("button", name="Import 2").click()
        expect(page.get_by_text("2 results came in")).to_be_visible()
    assert Assignment.objects.count() == 2
