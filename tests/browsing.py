"""A real browser that fails a test on any refused script, console error or foreign host."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.at_work import at_work, counting

A_BUSY_MACHINE = 60_000
"""Milliseconds until what should be seen is given up: a busy machine is not a broken page."""

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
VIOLATIONS = """
window.refusedByPolicy = [];
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  window.refusedByPolicy.push(`${violatedDirective} ${blockedURI}`);
});
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=A_BUSY_MACHINE)
    try:
        with counting(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@contextmanager
def watched(browser: Browser, base: str, *, cookie: str = "", **device: Any) -> Iterator[Page]:
    """Open a page in a context of its own; at the end nothing may have been refused, failed or sent elsewhere."""
    context = browser.new_context(base_url=base, reduced_motion="reduce", **device)
    context.set_default_timeout(A_BUSY_MACHINE)
    if cookie:
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
    page = context.new_page()
    troubles = _watch(context, page, base)
    yield page
    refused = page.evaluate("window.refusedByPolicy ?? []")
    context.close()
    let_the_server_finish()
    assert refused == []
    assert troubles == []


def let_the_server_finish() -> None:
    """Wait for requests the page left behind: emptying the tables under them would be a deadlock."""
    limit, quiet = time.monotonic() + 60, 0
    while quiet < 3 and time.monotonic() < limit:
        quiet = 0 if at_work.n or _others_are_busy() else quiet + 1
        time.sleep(0.02)


def _others_are_busy() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return bool(cursor.fetchone()[0])


def _watch(context: BrowserContext, page: Page, base: str) -> list[str]:
    troubles: list[str] = []
    context.add_init_script(VIOLATIONS)
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda line: troubles.append(line.text) if is_bad(line.type, line.text) else None)
    page.on("request", lambda request: None if is_ours(request.url, base) else troubles.append(request.url))
    return troubles


def breaches(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA on the page as it stands, once all of it is there."""
    page.wait_for_load_state()
    tags = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}
    found = Axe().run(page, options=tags).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def fits(page: Page) -> bool:
    """Return whether nothing of the page, once all of it is there, is wider than its window."""
    page.wait_for_load_state()
    window = page.viewport_size
    assert window is not None
    return int(page.evaluate("document.documentElement.scrollWidth")) <= window["width"]


def is_bad(kind: str, text: str) -> bool:
    """A lost network and an answer of 4xx are written to the console by the browser itself; tests ask for both."""
    return kind == "error" and not text.startswith(("Failed to load resource", "WebSocket connection to"))


def is_ours(url: str, base: str) -> bool:
    return urlsplit(url).scheme in {"data", "blob"} or urlsplit(url).netloc == urlsplit(base).netloc
