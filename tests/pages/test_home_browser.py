"""The first page in a browser: by keyboard, live over websockets, and still alive without them."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from curation.models import Project
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.factories import make_answer, make_pool, make_project, make_user, make_worker

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project() -> Project:
    return make_project(lead=make_user("Alice"))


@pytest.fixture
def session(project: Project) -> str:
    client = Client()
    client.force_login(project.memberships.get().user)
    return str(client.cookies["sessionid"].value)


def test_j_and_k_go_from_pool_to_pool_and_enter_opens(server, browser, session, project):
    make_pool(project, "CALL"), make_pool(project, "LIKE")
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto("/?sort=name")
        focused = page.locator(".name-cell:focus")
        page.keyboard.press("j")
        expect(focused).to_contain_text("CALL")
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(focused).to_contain_text("LIKE")
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="CALL").wait_for()
        page.get_by_role("img", name="0 handed in").wait_for()


def test_a_number_moves_on_the_first_page_when_its_project_rings(server, browser, session, project):
    pool = make_pool(project, "CALL")
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto("/")
        page.locator('#live[data-state="on"]').wait_for()
        other = page.context.new_page()
        other.goto(reverse("pool", args=[project.public_id, pool.pk]))
        make_answer(pool, make_worker())
        other.get_by_label("Priority").fill("5")
        other.get_by_role("button", name="Save").click()
        page.locator(f'[data-live="pool:{pool.pk}:accepted"]', has_text="1").wait_for()


def test_without_websockets_the_page_says_so_and_numbers_move_all_the_same(server, browser, session, project):
    pool = make_pool(project, "CALL")
    with watched(browser, server, cookie=session, **PHONE) as page:
        page.route_web_socket("**/ws/**", lambda socket: socket.close())
        page.goto("/")
        page.get_by_text("Reconnecting, last update").wait_for()
        make_answer(pool, make_worker())
        Project.objects.filter(pk=project.pk).update(version=9)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.locator(f'[data-live="pool:{pool.pk}:accepted"]', has_text="1").wait_for()
        assert fits(page)
        assert breaches(page) == []


def test_a_stage_is_paused_and_goes_on_by_its_button(server, browser, session, project):
    make_pool(project, "CALL")
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("project", args=[project.public_id]))
        page.get_by_role("button", name="Pause Collect").click()
        page.get_by_role("button", name="Resume Collect").wait_for()
        expect(page.locator(".pipeline .paused")).to_have_count(1)
        assert breaches(page) == []
        page.get_by_role("button", name="Resume Collect").click()
        page.get_by_role("button", name="Pause Collect").wait_for()
