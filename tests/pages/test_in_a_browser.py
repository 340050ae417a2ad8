"""The pages in a real Chromium: no refused script, no console error, no serious trouble for screen readers."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect

from crowd.models import Assignment
from curation.models import Asset, Pool, Project
from tests.browsing import DESK, PHONE, chromium, watched
from tests.factories import (
    make_answer,
    make_asset,
    make_consensus,
    make_evidence,
    make_pool,
    make_project,
    make_user,
    make_worker,
)
from tests.serving import serving

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PAGES = ("project", "pools", "pool", "assets", "asset", "workers", "worker", "datasets", "settings")
BAD = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project() -> Project:
    return make_project(lead=make_user("Alice"))


@pytest.fixture
def addresses(project: Project) -> list[str]:
    """Every page of a project where something happened."""
    pool, worker = make_pool(project), make_worker()
    make_answer(pool, worker, Assignment.State.SUBMITTED)
    sent = make_asset(project, worker=worker, answer=make_answer(pool, worker))
    make_consensus(sent)
    make_evidence(sent)
    make_asset(project, Asset.State.DROPPED, stage="checks", reason="low_resolution")
    own = {"pool": pool.pk, "asset": sent.public_id, "worker": worker.pk}
    named = [reverse(name, args=[project.public_id, *([own[name]] if name in own else [])]) for name in PAGES]
    return ["/", *named]


@pytest.fixture
def session(project: Project) -> str:
    client = Client()
    client.force_login(project.memberships.get().user)
    return str(client.cookies["sessionid"].value)


def troubles_of(page: Page) -> list[str]:
    page.wait_for_load_state()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}).response["violations"]
    return [
        f"{page.url}: {one['id']} {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in BAD
    ]


def test_the_overview_draws_its_chart(server, browser, session, project, addresses):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("project", args=[project.public_id]))
        chart = page.get_by_role("img", name="1 published")
        expect(chart.locator("path").nth(2)).to_be_attached()


@pytest.mark.parametrize("device", [DESK, PHONE, {"viewport": {"width": 1100, "height": 800}}])
def test_no_column_of_a_table_of_pools_is_cut_off(server, browser, session, project, device):
    pool = make_pool(project, "Recording: outdoors at night, both hands in view")
    Pool.objects.filter(pk=pool.pk).update(state="paused", note="The budget of the project is used up.")
    with watched(browser, server, cookie=session, **device) as page:
        for address in ("/", *(reverse(name, args=[project.public_id]) for name in ("project", "pools"))):
            page.goto(address)
            card = page.locator(".body.flush", has=page.locator(".pool-table"))
            expect(card.get_by_text("Paused: The budget")).to_be_visible()
            assert card.evaluate("card => card.scrollWidth <= card.clientWidth"), address


def test_what_is_changed_in_one_tab_rings_in_the_other(server, browser, session, project, addresses):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("project", args=[project.public_id]))
        page.locator('#live[data-state="on"]').wait_for()
        make_asset(project)
        other = page.context.new_page()
        other.goto(reverse("pool", args=[project.public_id, project.pools.get().pk]))
        other.get_by_label("Priority").fill("5")
        other.get_by_role("button", name="Save").click()
        page.locator('#kpis [data-live="published"]', has_text="2").wait_for()


def test_coming_back_to_a_page_brings_new_numbers_without_a_ring(server, browser, session, project, addresses):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("project", args=[project.public_id]))
        make_asset(project)
        Project.objects.filter(pk=project.pk).update(version=9)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.locator('#kpis [data-live="published"]', has_text="2").wait_for()


def test_an_answer_that_a_later_one_has_overtaken_changes_nothing(server, browser, session, project, addresses):
    held: list[Route] = []
    address = re.compile(re.escape(reverse("live", args=[project.public_id])))
    with watched(browser, server, cookie=session, **DESK) as page:
        page.route(address, lambda route: held.append(route))
        page.goto(reverse("project", args=[project.public_id]))
        for n in (1, 2):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            until(page, lambda n=n: len(held) >= n)
        early, late = held[:2]
        published = page.locator('#kpis [data-live="published"]').first
        late.fulfill(json={"version": 12, "fields": {"published": "12"}, "stale": []})
        expect(published).to_have_text("12")
        with page.expect_response(early.request.url):
            early.fulfill(json={"version": 11, "fields": {"published": "11"}, "stale": []})
        asked = len(held)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        until(page, lambda: len(held) > asked)
        assert held[-1].request.url.endswith("since=12")
        expect(published).to_have_text("12")


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(6000):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never came")


def test_the_overview_keeps_its_numbers_while_the_server_is_away_and_goes_on_by_itself(
    services, browser, session, project, addresses
):
    with ExitStack() as until_stopped:
        address = until_stopped.enter_context(serving())
        with watched(browser, address, cookie=session, **DESK) as page:
            page.goto(reverse("project", args=[project.public_id]))
            page.locator('#live[data-state="on"]').wait_for()
            published = page.locator('#kpis [data-live="published"]')
            until_stopped.close()
            page.get_by_text("Reconnecting, last update").wait_for()
            expect(published).to_have_text("1")
            make_asset(project)
            Project.objects.filter(pk=project.pk).update(version=9)
            with serving(port=urlsplit(address).port or 0):
                expect(published).to_have_text("2")
                page.locator('#live[data-state="on"]').wait_for()


def test_on_the_phone_the_side_bar_is_a_sheet(server, browser, session, project, addresses):
    with watched(browser, server, cookie=session, **PHONE) as page:
        page.goto(reverse("project", args=[project.public_id]))
        menu = page.get_by_role("navigation", name="Screens")
        assert not menu.is_visible()
        page.get_by_role("button", name="Menu").click()
        menu.get_by_role("link", name="Pools").click()
        expect(page.get_by_role("heading", name="Pools")).to_be_visible()


def test_alice_signs_in_with_the_keyboard_alone(server, browser, project):
    with watched(browser, server, **DESK) as page:
        page.goto("/sign-in/")
        page.get_by_label("E-mail").fill("alice@example.org")
        page.keyboard.press("Tab")
        page.keyboard.type("Alice-likes-winnow")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Projects").wait_for()
        assert troubles_of(page) == []
