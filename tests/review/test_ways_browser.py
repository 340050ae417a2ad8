"""The other ways to review, in a browser: the grid and disputed checks; and what survives a reload."""

import gzip

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from crowd.models import Assignment
from curation.models import Asset, AssetPreview, Consensus, Project, Review
from tests import factories, scenes
from tests.browsing import DESK, breaches, chromium, watched

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
OPTIONS = [
    {"value": "correct", "label": "Yes", "tone": "good", "keeps": True},
    {"value": "incorrect", "label": "No", "tone": "bad"},
]
LOADED = """() => [location.href, ...performance.getEntriesByType("resource")
  .filter((one) => one.initiatorType !== "img" && !one.name.includes("/m/")).map((one) => one.name)]"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def world() -> Project:
    row = scenes.project(Rita="reviewer")
    boxes, photo = scenes.batch(row, "boxes"), scenes.jpeg(size=(640, 360))
    for n in range(5):
        scenes.image_at_review(row, boxes, seed=f"image-{n}", confidence=0.5 + n / 20, data=photo)
    return row


@pytest.fixture
def disputed() -> Project:
    """A project with two photos whose votes tie, each sent for a page that waits to be paid."""
    row = factories.make_project(lead=scenes.person("Alice"), reviewer=scenes.person("Rita"))
    row.stages.filter(kind="validate").update(settings={"options": OPTIONS, "title": "Is this the sign?"})
    pool, key = factories.make_pool(row), scenes.stored(scenes.jpeg(size=(640, 360)))
    for _ in range(2):
        worker = factories.make_worker()
        answer = factories.make_answer(pool, worker, Assignment.State.SUBMITTED)
        fields = {"stage": "validate", "reason": "undecided", "worker": worker, "answer": answer}
        asset = factories.make_asset(row, Asset.State.HELD, **fields)
        AssetPreview.objects.create(asset=asset, thumb_key=key, screen_key=key, grey_key=key)
    return row


def at(browser, live_server, project: Project, name: str, **device: object):
    client = Client()
    client.force_login(scenes.person("Rita"))
    context = watched(browser, live_server.url, cookie=client.cookies["sessionid"].value, **device)
    return context, reverse(name, args=[project.public_id])


def weight(page: Page) -> int:
    """Return the bytes of a page without its pictures, as a server sends them: static files compressed."""
    bodies = {url: page.request.get(url).body() for url in page.evaluate(LOADED)}
    return sum(len(gzip.compress(body) if "/static/" in url else body) for url, body in bodies.items())


def all_sent(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-unsent", "0")


def test_a_decision_is_taken_back_after_a_reload_and_the_place_is_kept(browser, live_server, world):
    context, address = at(browser, live_server, world, "review", **DESK)
    with context as page:
        page.goto(address)
        page.locator(".rv-thumb[aria-current]").wait_for()
        for key in ("a", "a", "k", "k"):
            page.keyboard.press(key)
        all_sent(page)
        page.reload()
        expect(page.locator(".rv-thumb[aria-current]")).to_have_attribute("aria-label", "3: Open, lowest IoU 0.70")
        page.keyboard.press("z")
        expect(page.locator("#done")).to_have_text("1")
        all_sent(page)
        assert [row.verdict for row in Review.objects.order_by("id")] == ["accept", "accept", "undo"]
        page.keyboard.press("l")
        page.get_by_role("button", name="Open again").click()
        expect(page.locator("#done")).to_have_text("0")
        all_sent(page)
    assert Asset.objects.filter(state="held").count() == 5


def test_of_a_whole_image_she_says_that_there_is_nothing_to_box(browser, live_server, world):
    context, address = at(browser, live_server, world, "review", **DESK)
    with context as page:
        page.goto(address)
        page.locator(".rv-thumb[aria-current]").wait_for()
        page.keyboard.press("s")
        expect(page.get_by_role("heading", name="Similar images")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("f")
        page.locator("#editor .be-box").first.wait_for()
        page.keyboard.press("Shift+Digit1")
        all_sent(page)
        assert weight(page) <= 120 * 1024
        assert page.evaluate("document.querySelectorAll('*').length") <= 3_000
    review = Review.objects.get()
    assert (review.verdict, review.boxes, review.reason) == ("fix", [], "no_hands")
    assert Consensus.objects.get(method="person").boxes.count() == 0


def test_in_the_grid_what_is_marked_is_put_aside_and_the_rest_accepted(browser, live_server, world):
    context, address = at(browser, live_server, world, "review-grid", **DESK)
    with context as page:
        page.goto(address)
        expect(page.locator(".rg-cell")).to_have_count(5)
        assert breaches(page) == []
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        expect(page.locator("#accept-words")).to_have_text("Accept 4")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Nothing of this class needs a person")).to_be_visible()
        all_sent(page)
    verdicts = list(Review.objects.order_by("id").values_list("verdict", flat=True))
    assert verdicts == ["accept", "hold", "accept", "accept", "accept"]


def test_a_grid_with_nothing_to_look_at_says_so(browser, live_server):
    context, address = at(browser, live_server, scenes.project(Rita="reviewer"), "review-grid", **DESK)
    with context as page:
        page.goto(address)
        expect(page.get_by_role("heading", name="Nothing of this class needs a person")).to_be_visible()


def test_a_disputed_check_is_answered_by_a_key_and_can_be_taken_back_for_a_while(browser, live_server, disputed):
    context, address = at(browser, live_server, disputed, "review-checks", **DESK)
    with context as page:
        page.goto(address)
        page.get_by_role("button", name="Yes").wait_for()
        assert breaches(page) == []
        page.keyboard.press("1")
        expect(page.locator("#left")).to_have_text("1")
        page.keyboard.press("z")
        expect(page.locator("#left")).to_have_text("2")
        page.keyboard.press("2")
        page.goto("about:blank")
        page.goto(address)
        expect(page.locator("#left")).to_have_text("1")
        all_sent(page)
    states = Assignment.objects.order_by("state").values_list("state", flat=True)
    assert list(states) == ["rejected", "submitted"]
