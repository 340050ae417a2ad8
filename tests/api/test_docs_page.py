"""The API's own pages in a real browser: offline, and nothing refused by the policy."""

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.browsing import DESK, chromium, watched


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_the_documentation_renders_without_leaving_the_house(live_server: LiveServer):
    with chromium() as browser, watched(browser, live_server.url, **DESK) as page:
        page.goto("/api/docs/")
        page.get_by_text("Pools of your projects").wait_for()
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", name="token").first).to_be_visible()
