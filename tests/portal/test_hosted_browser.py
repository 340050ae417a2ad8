"""Wanda comes from another platform: our page in a frame of another origin, on a phone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from crowd.links import submission_of
from crowd.models import Account, AnswerRaw, Assignment, Batch, Upload
from tests import scenes
from tests.browsing import PHONE, breaches, chromium, fits, is_bad, let_the_server_finish
from tests.portal import hosting

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
FRAMED = (
    "<!doctype html><html lang=en><title>HIT</title><meta name=viewport content='width=device-width'>"
    "<style>body{margin:0}iframe{border:0}</style>"
)
FRAME = '<iframe src="{url}" title="HIT" width="390" height="800"></iframe>'


@dataclass
class Platform:
    """Another site, which shows our page in a frame and takes forms from it."""

    origin: str = ""
    shows: str = ""
    forms: list[dict[str, list[str]]] = field(default_factory=list)


@contextmanager
def another_site() -> Iterator[Platform]:
    platform = Platform()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(FRAMED + FRAME.format(url=escape(platform.shows)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            platform.forms.append({"path": [self.path], **parse_qs(body)})
            self._send("<p>Thank you, Wanda.</p>")

        def _send(self, html: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    platform.origin = f"http://localhost:{server.server_port}"  # another name than our own server's
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield platform
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def platform() -> Iterator[Platform]:
    with another_site() as site:
        yield site


@pytest.fixture
def phone(browser) -> Iterator[Page]:
    """A phone with nothing on it; at the end no script may have failed."""
    context = browser.new_context(reduced_motion="reduce", **PHONE)
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if is_bad(line.type, line.text) else None)
    yield page
    cookies = context.cookies()
    context.close()
    let_the_server_finish()
    assert (troubles, cookies) == ([], [])


def work(platform: Platform, interface: str, **fields: Any) -> Batch:
    world = scenes.project()
    account = hosting.account("mturk", base_url=platform.origin)
    key = scenes.stored(scenes.jpeg())
    return hosting.batch(world, interface, account, n=2, image=key, auto_accept=False, **fields)


def accept(phone: Page, platform: Platform, server: str, batch: Batch, *, agrees: bool = True) -> FrameLocator:
    """Open the HIT and agree."""
    platform.shows = server + hosting.hit(batch, turkSubmitTo=platform.origin)
    phone.goto(platform.origin)
    frame = phone.frame_locator("iframe")
    if agrees:
        frame.get_by_label("I have read this and agree").check()
        frame.get_by_label("I am 18 or older").check()
        frame.get_by_role("button", name="Begin").tap()
        expect(frame.locator("body")).to_have_attribute("data-ready", "yes")
    return frame


def test_she_looks_agrees_judges_and_hands_in_within_the_frame(phone, platform, live_server):
    batch = work(platform, "choice", page_size=2)
    platform.shows = live_server.url + hosting.address(batch, assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE")
    phone.goto(platform.origin)
    frame = phone.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Is this the sign?")).to_be_visible()
    expect(frame.get_by_text("Nothing has begun yet.")).to_be_visible()

    frame = accept(phone, platform, live_server.url, batch)
    frame.locator("#task-1").get_by_role("button", name="Yes").tap()
    frame.locator("#task-2").get_by_role("button", name="No", exact=True).tap()
    frame.get_by_role("button", name="Hand in").tap()
    expect(frame.get_by_text("Thank you, Wanda.")).to_be_visible()
    page = Assignment.objects.get()
    assert platform.forms == [
        {
            "path": ["/mturk/externalSubmit"],
            "assignmentId": ["ASSIGN1"],
            "winnow_submission": [submission_of(page.pk)],
        }
    ]
    assert sorted(raw.payload["answer"] for raw in AnswerRaw.objects.all()) == ["correct", "incorrect"]


def test_she_sends_a_photo_within_the_frame(phone, platform, live_server):
    batch = work(platform, "photo", price_micro=40_000)
    frame = accept(phone, platform, live_server.url, batch)
    photo = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": scenes.jpeg("another")}
    frame.locator("input[capture]").set_input_files(photo)
    frame.get_by_role("button", name="Send this photo").tap()
    expect(frame.get_by_text("Thank you, Wanda.")).to_be_visible()
    assert Upload.objects.get().state == "done"
    assert platform.forms[0]["assignmentId"] == ["ASSIGN1"]


def test_answers_survive_a_reload_of_the_platforms_page(phone, platform, live_server):
    batch = work(platform, "choice", page_size=2)
    frame = accept(phone, platform, live_server.url, batch)
    frame.locator("#task-1").get_by_role("button", name="Yes").tap()
    expect(frame.locator("#state")).to_have_text("Saved")
    phone.reload()
    expect(frame.locator("#task-2")).to_be_visible()
    expect(frame.locator("#task-1")).to_be_hidden()


@pytest.mark.parametrize("interface", ["photo", "choice", "boxes"])
def test_no_screen_is_wider_than_the_frame_and_everybody_can_use_it(phone, platform, live_server, interface):
    batch = work(platform, interface)
    frame = accept(phone, platform, live_server.url, batch)
    inner = phone.frames[1]
    assert inner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(frame.get_by_role("button", name="Give this page back")).to_be_visible()
    phone.goto(inner.url)
    expect(phone.locator("body")).to_have_attribute("data-ready", "yes")
    assert breaches(phone) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_steps_around_a_page_can_be_used_by_everybody(phone, platform, live_server, theme):
    phone.emulate_media(color_scheme=theme)
    batch = work(platform, "choice")
    hit = hosting.hit(batch, turkSubmitTo=platform.origin)
    for path in (hosting.preview(batch), hit, hosting.hit(batch, turkSubmitTo="https://evil.example")):
        phone.goto(live_server.url + path)
        assert breaches(phone) == []
        assert fits(phone)


def test_another_site_cannot_frame_it(platform, live_server, browser):
    batch = work(platform, "choice")
    Account.objects.filter(pk=batch.account_id).update(base_url="https://mturk.example")
    platform.shows = live_server.url + hosting.preview(batch)
    context = browser.new_context()
    page = context.new_page()
    page.goto(platform.origin)
    assert "Is this the sign?" not in page.frames[1].content()
    context.close()
