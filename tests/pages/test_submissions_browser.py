"""Submissions that wait for our word, on a phone: accessible, and judged by keys in one dialog."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from crowd.models import Assignment
from curation.models import Asset, AssetPreview, Project
from tests import scenes
from tests.browsing import PHONE, breaches, chromium, fits, watched
from tests.factories import make_answer, make_asset, make_pool, make_project, make_user, make_worker

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project() -> Project:
    row = make_project(lead=make_user("Alice"))
    pool, key = make_pool(row), scenes.stored(scenes.jpeg(size=(640, 360)))
    for _ in range(2):
        worker = make_worker()
        answer = make_answer(pool, worker, Assignment.State.SUBMITTED)
        asset = make_asset(row, Asset.State.WAITING, stage="validate", worker=worker, answer=answer)
        AssetPreview.objects.create(asset=asset, thumb_key=key, screen_key=key, grey_key=key)
    return row


def test_submissions_are_judged_by_keys_in_one_dialog(server, project):
    client = Client()
    client.force_login(project.memberships.get().user)
    cookie = client.cookies["sessionid"].value
    with chromium() as browser, watched(browser, server, cookie=cookie, **PHONE) as page:
        page.goto(reverse("submissions", args=[project.public_id]))
        page.locator(".sb-card").first.wait_for()
        assert breaches(page) == []
        assert fits(page)
        page.keyboard.press("j")
        page.keyboard.press("r")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert breaches(page) == []
        page.locator("#reason").select_option("blurred")
        page.get_by_role("button", name="Judge", exact=True).click()
        expect(page.get_by_text("1 submission rejected.")).to_be_visible()
        expect(page.locator(".sb-card")).to_have_count(1)
