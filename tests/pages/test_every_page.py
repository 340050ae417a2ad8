"""Every office page in a real browser: readable for everybody, in both themes, on desk and phone, light, and quiet."""

import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from tests.browsing import VIOLATIONS, chromium, is_bad, is_ours, let_the_server_finish
from tests.pages import office

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
MOST_BYTES, MOST_NODES = 120 * 1024, 3_000
DESK, PHONE, ZOOMED = 1440, 390, 320  # 320 = 1280 at 400 %
AXE = """async (options) => (await axe.run(document, options)).violations
  .flatMap((one) => one.nodes.map((node) => `${one.id} ${node.target.join(' ')}: ${node.html.slice(0, 120)}`))"""
SIZE = """() => ({
  page: performance.getEntriesByType('navigation')[0].encodedBodySize,
  nodes: document.querySelectorAll('*').length,
  files: performance.getEntriesByType('resource').filter((one) => !['img', 'image'].includes(one.initiatorType)
    && !/\\/m\\/|\\/examples\\//.test(one.name)).map((one) => new URL(one.name).pathname),
})"""
WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.vh'))
  .slice(0, 3).map((one) => `${one.tagName}.${one.className} reaches ${one.getBoundingClientRect().right}`)
  .concat('the page is too wide')"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_every_page_of_a_project_with_content(server: str, browser: Browser):
    lead = office.operator()
    project, client = office.full_project(lead), signed_in(lead)
    pages = office.pages_of(project, client) + office.pages_for_all(client)
    names = {page.name for page in pages}
    assert names >= {"project", "pools", "pool", "assets", "asset", "workers", "worker", "review", "lab", "system"}
    assert looked_at(pages, client, browser, server, whole=True) == []


def test_every_page_of_a_project_where_nothing_has_happened(server: str, browser: Browser):
    lead = office.operator()
    project, bare, client = office.empty_project(lead), office.bare_project(lead), signed_in(lead)
    pages = office.pages_of(project, client)
    assert {page.name for page in office.pages_of(bare, client)} >= {"project", "pools", "assets", "settings", "money"}
    assert looked_at(pages, client, browser, server, whole=False) == []


def signed_in(user: office.User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def looked_at(pages: list[office.Page], client: Client, browser: Browser, server: str, *, whole: bool) -> list[str]:
    """Return every trouble of these pages, each with the page it is on; a page is loaded once for all looks."""
    troubles: list[str] = []
    context = browser.new_context(base_url=server, reduced_motion="reduce")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server}])
    context.add_init_script(VIOLATIONS)
    tab = context.new_page()
    said = _listen(tab, server)
    for page in pages:
        said.clear()
        tab.set_viewport_size({"width": DESK, "height": 900})
        tab.goto(page.url)
        tab.wait_for_timeout(150)
        found = _looks(tab, whole=whole) + _too_heavy(tab)
        troubles += [f"{page.name}: {one}" for one in dict.fromkeys(found + said)]
    context.close()
    let_the_server_finish()
    return troubles


def _listen(tab: Tab, server: str) -> list[str]:
    """Collect what the page complains of, and every request that leaves the house."""
    said: list[str] = []
    tab.on("pageerror", lambda error: said.append(f"error: {error}"))
    tab.on("console", lambda line: said.append(line.text) if is_bad(line.type, line.text) else None)
    tab.on("request", lambda request: None if is_ours(request.url, server) else said.append(request.url))
    return said


def _looks(tab: Tab, *, whole: bool) -> list[str]:
    """Light and dark on the desk, light on the phone, and no page wider than its window, zoomed to 400 % neither."""
    tab.evaluate(Axe().axe_script)
    found = [f"refused {one}" for one in tab.evaluate("refusedByPolicy")] + tab.evaluate(WIDE)
    found += [f"light {one}" for one in _axe(tab)]
    if whole:
        tab.evaluate("document.documentElement.dataset.theme = 'dark'")
        found += [f"dark {one}" for one in _axe(tab, only=["color-contrast"])]
        tab.evaluate("document.documentElement.dataset.theme = 'light'")
    for width in (PHONE, ZOOMED):
        tab.set_viewport_size({"width": width, "height": 844})
        found += [f"{width} px: {one}" for one in tab.evaluate(WIDE)]
        if width == PHONE and whole:
            found += [f"phone {one}" for one in _axe(tab)]
    return found


def _axe(tab: Tab, only: list[str] | None = None) -> list[str]:
    rules = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    found: list[str] = tab.evaluate(AXE, {"runOnly": rules, "resultTypes": ["violations"]})
    return found


def _too_heavy(tab: Tab) -> list[str]:
    """Add up what the page makes a browser fetch, pictures aside, as it is sent: compressed."""
    size = tab.evaluate(SIZE)
    total = size["page"] + sum(
        _sent(name.removeprefix("/static/")) for name in set(size["files"]) if "/static/" in name
    )
    found = [f"{total:,} bytes"] if total > MOST_BYTES else []
    return found + ([f"{size['nodes']:,} elements"] if size["nodes"] > MOST_NODES else [])


@cache
def _sent(name: str) -> int:
    found = finders.find(name)
    return len(gzip.compress(Path(found).read_bytes())) if isinstance(found, str) else 0
