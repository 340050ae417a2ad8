"""An hour of Rita's work as she does it: by keys, two reviewers at once, and what the screen says meanwhile."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from crowd.models import Assignment, Batch
from curation.models import Asset, Review, ReviewControl, ReviewLease
from curation.services import reviews
from curation.services.reviews import Decided
from tests import scenes
from tests.browsing import DESK, PHONE, chromium, fits, watched
from tests.embedded.observe import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SMALL = """() => [...document.querySelectorAll('.rv-top .btn, .rv-modes a, .rv-float button, .rv-acts button')]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
  .map((one) => one.ariaLabel || one.innerText)"""
COVERED = """() => {
  const bars = [...document.querySelectorAll('.rv-float')].map((one) => one.getBoundingClientRect());
  return [...document.querySelectorAll('.rv-tag')].map((one) => one.getBoundingClientRect())
    .filter((tag) => bars.some((bar) => tag.top < bar.bottom && tag.left < bar.right && tag.right > bar.left)).length;
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def world():
    row = scenes.project(Rita="reviewer", Rob="reviewer")
    boxes, photo = scenes.batch(row, "boxes"), scenes.jpeg(size=(960, 540))
    for n in range(4):
        scenes.image_at_review(row, boxes, seed=f"image-{n}", confidence=0.5 + n / 20, data=photo, spread=0.06)
    return row


def session_of(name: str) -> str:
    client = Client()
    client.force_login(scenes.person(name))
    return client.cookies["sessionid"].value


def all_sent(page) -> None:
    expect(page.locator("body")).to_have_attribute("data-unsent", "0")


def test_rita_reviews_by_keys_until_nothing_is_left_and_is_told_what_waits_elsewhere(browser, live_server, world):
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.route_web_socket("**/ws/**", lambda socket: socket.close())  # the test server speaks HTTP alone
        page.goto(reverse("review", args=[world.public_id]))
        page.locator(".rv-tag").first.wait_for()
        assert page.evaluate(COVERED) == 0
        page.keyboard.press("1")
        expect(page.locator(".rv-tag")).to_have_count(0)  # of one annotator alone nothing agreed is named
        page.keyboard.press("1")
        page.locator(".rv-tag").first.wait_for()
        page.keyboard.press("m")
        page.keyboard.press("z")
        page.keyboard.press("a")
        page.keyboard.press("f")
        page.locator("#editor .be-box").first.wait_for()
        draw_a_box(page)
        page.keyboard.press("Enter")
        expect(page.locator("#toast")).to_have_text("One box has no label yet: press its digit.")
        page.keyboard.press("1")
        assert page.locator("#toast").inner_text() == ""
        page.keyboard.press("Enter")
        expect(page.locator("#done")).to_have_text("2")
        expect(page.locator("#toast")).to_have_text("")
        page.keyboard.press("l")
        expect(page.locator(".rv-recent li")).to_have_count(2)
        page.keyboard.press("Escape")
        for _ in range(2):
            page.keyboard.press("a")
        expect(page.get_by_role("heading", name="No boxes need a person")).to_be_visible()
        all_sent(page)
        a_submission_waits(world)
        page.reload()
        page.get_by_role("link", name="Submissions: 1").click()
        expect(page.get_by_role("heading", name="Submissions")).to_be_visible()
    assert Asset.objects.filter(state="held").count() == 0
    assert list(Review.objects.exclude(verdict="undo").filter(undone_by=None).values_list("verdict", flat=True)) == [
        "accept",
        "fix",
        "accept",
        "accept",
    ]


def draw_a_box(page) -> None:
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown") * 5:
        page.keyboard.press(key)
    page.keyboard.press("Enter")


def a_submission_waits(world) -> None:
    batch, wanda = scenes.batch(world, "photo", auto_accept=False), scenes.worker("Wanda")
    page = Assignment.objects.filter(worker=scenes.worker("Walt")).earliest("id")
    page.pk, page.batch, page.worker, page.ext_id, page.ext_digest = None, batch, wanda, "sub", b"s" * 32
    page.state, page.submitted_at = Assignment.State.SUBMITTED, page.issued_at
    page.save(force_insert=True)


def test_two_reviewers_at_once_never_see_the_same_image(browser, live_server, world):
    with (
        watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as rita,
        watched(browser, live_server.url, cookie=session_of("Rob"), **PHONE) as rob,
    ):
        rita.goto(reverse("review", args=[world.public_id]))
        rita.locator(".rv-thumb").first.wait_for()
        rob.goto(reverse("review", args=[world.public_id]))
        expect(rob.locator("#empty")).to_contain_text("4 are with other reviewers.")
        assert rob.evaluate(SMALL) == []
        assert fits(rob)


def test_sixty_decisions_a_control_among_them_are_taken_back_one_by_one(browser, live_server, world):
    """Fifty are remembered by the page; what was decided before them comes back from the server."""
    boxes, photo = Batch.objects.get(project_id=world.pk), scenes.jpeg(size=(320, 180))
    known = scenes.image_at_review(world, boxes, seed="known", data=photo)
    long_ago = Decided(uuid.uuid4(), known.public_id, Review.Verdict.REJECT, reason="missing_box")
    before = timezone.now() - timedelta(hours=2)
    assert reviews.record(project=world, user=scenes.person("Rob"), decisions=[long_ago], now=before).refused == []
    for n in range(56):
        scenes.image_at_review(world, boxes, seed=f"more-{n}", confidence=0.6, data=photo)
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.goto(reverse("review", args=[world.public_id]))
        page.locator(".rv-thumb[aria-current]").wait_for()
        for n in range(61):
            page.locator(".rv-thumb[aria-current]").wait_for()
            page.keyboard.press("x" if n % 7 == 3 else "a")
            if n % 7 == 3:
                page.keyboard.press("2")
            if n == 30:
                all_sent(page)  # the queue is filled up meanwhile
        expect(page.get_by_role("heading", name="No boxes need a person")).to_be_visible()
        all_sent(page)
        expect(page.locator("#agreement")).to_have_text("0 % of 1 controls")
        for _ in range(62):
            page.keyboard.press("z")
        expect(page.locator("#toast")).to_have_text("There is nothing to undo.")
        all_sent(page)
        expect(page.locator("#agreement")).to_be_hidden()
        assert ReviewLease.objects.count() == 60
        page.goto("about:blank")
        assert eventually(lambda: not ReviewLease.objects.exists())
    assert ReviewControl.objects.get().is_right is None
    assert Asset.objects.filter(state="held").count() == 60
    assert not Review.objects.filter(by=scenes.person("Rita"), undone_by=None).exclude(verdict="undo").exists()
