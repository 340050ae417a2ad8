"""Rita reviews by keyboard alone."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from curation.models import Annotation, Asset, Box, Consensus, OwnKeys, Review
from tests import scenes
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def photo() -> bytes:
    return scenes.jpeg(size=(1600, 900))


@pytest.fixture
def world(photo):
    row = scenes.project(Rita="reviewer")
    boxes = scenes.batch(row, "boxes")
    for n in range(5):
        scenes.image_at_review(row, boxes, seed=f"image-{n}", confidence=0.5 + n / 20, data=photo, spread=0.02)
    return row


@pytest.fixture
def desk(browser, live_server, world):
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.goto(reverse("review", args=[world.public_id]))
        expect(page.locator(".rv-thumb[aria-current]")).to_be_visible()
        yield page


def session_of(name: str) -> str:
    client = Client()
    client.force_login(scenes.person(name))
    return client.cookies["sessionid"].value


def sent(page: Page) -> list[Review]:
    """Return what has been stored, once nothing is on its way any more."""
    expect(page.locator("body")).to_have_attribute("data-unsent", "0")
    return list(Review.objects.order_by("id"))


def test_she_accepts_three_fixes_one_and_takes_the_last_back(desk):
    expect(desk.locator("#left")).to_have_text("5")
    for _ in range(3):
        desk.keyboard.press("a")
    expect(desk.locator("#done")).to_have_text("3")

    desk.keyboard.press("f")
    desk.locator("#editor .be-box").first.wait_for()
    desk.keyboard.press("Shift+ArrowRight")
    desk.keyboard.press("Enter")
    expect(desk.locator("#done")).to_have_text("4")
    assert [row.verdict for row in sent(desk)] == ["accept", "accept", "accept", "fix"]
    fixed = Consensus.objects.get(method="person")
    assert fixed.boxes.first().x == pytest.approx(0.6 + 10 / 1920, abs=1e-4)

    desk.keyboard.press("z")
    expect(desk.locator("#done")).to_have_text("3")
    assert sent(desk)[-1].verdict == "undo"
    assert Asset.objects.filter(state="held").count() == 2


def test_an_undo_before_the_decision_has_left_leaves_no_trace(desk):
    desk.context.set_offline(True)
    desk.keyboard.press("a")
    desk.keyboard.press("z")
    expect(desk.locator("#done")).to_have_text("0")
    desk.context.set_offline(False)
    desk.keyboard.press("h")
    (only,) = sent(desk)
    assert only.verdict == "hold"


def test_keys_are_places_so_a_cyrillic_layout_works(desk):
    desk.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyA', key: 'ф', bubbles: true}))")
    (only,) = sent(desk)
    assert only.verdict == "accept"


def test_a_rejection_asks_for_its_reason(desk):
    desk.keyboard.press("x")
    expect(desk.locator("#reasons")).to_be_visible()
    desk.keyboard.press("5")
    (only,) = sent(desk)
    assert (only.verdict, only.reason) == ("reject", "cut_off")


def test_decisions_made_without_a_network_survive_a_reload(desk, world):
    desk.route("**/decisions/", lambda route: route.abort())
    desk.keyboard.press("a")
    desk.keyboard.press("a")
    expect(desk.locator("#unsent")).to_contain_text("2 decisions wait for the network")
    desk.unroute("**/decisions/")
    desk.goto("about:blank")
    desk.goto(reverse("review", args=[world.public_id]))
    assert len(sent(desk)) == 2


def test_an_image_whose_boxes_changed_meanwhile_is_shown_anew(desk, world):
    before = Consensus.objects.filter(is_current=True).earliest("confidence")
    Consensus.objects.filter(pk=before.pk).update(is_current=False)
    after = Consensus.objects.create(
        project_id=world.pk,
        asset=before.asset,
        stage=before.stage,
        version=2,
        method="hard",
        status="hard",
        n_answers=3,
        confidence=0.1,
        expected_loss=0.9,
    )
    desk.keyboard.press("a")
    expect(desk.locator("#toast")).to_contain_text("have changed since they were shown")
    expect(desk.locator("#left")).to_have_text("5")
    expect(desk.locator(".rv-thumb")).to_have_count(5)
    for _ in range(5):
        desk.keyboard.press("a")
    assert len(sent(desk)) == 5
    assert Review.objects.get(asset=before.asset).consensus == after


def test_boxes_hide_while_space_is_held(desk):
    lines = desk.locator("#stage .rv-boxes rect")
    before = lines.count()
    assert before > 0
    desk.keyboard.down("Space")
    expect(lines).to_have_count(0)
    desk.keyboard.up("Space")
    expect(lines).to_have_count(before)


def test_a_box_is_drawn_by_two_clicks_named_and_undone(desk):
    desk.keyboard.press("f")
    frame = desk.locator("#editor").bounding_box()
    for x, y in ((0.4, 0.3), (0.5, 0.5)):
        desk.mouse.click(frame["x"] + frame["width"] * x, frame["y"] + frame["height"] * y)
    boxes = desk.locator("#editor .be-box")
    expect(boxes).to_have_count(3)
    desk.keyboard.press("Enter")
    expect(desk.locator("#toast")).to_contain_text("no label")
    desk.keyboard.press("2")
    expect(boxes.last.locator("text")).to_have_text("no gesture")
    desk.keyboard.press("Control+z")
    desk.keyboard.press("Control+z")
    expect(boxes).to_have_count(2)


def test_a_box_is_drawn_by_keys_alone(desk):
    desk.keyboard.press("f")
    desk.keyboard.press("n")
    desk.keyboard.press("Enter")
    for _ in range(4):
        desk.keyboard.press("Shift+ArrowRight")
        desk.keyboard.press("Shift+ArrowDown")
    desk.keyboard.press("Enter")
    expect(desk.locator("#editor .be-box")).to_have_count(3)


def test_enter_on_a_button_of_the_list_presses_it_and_keeps_its_place(desk):
    desk.keyboard.press("f")
    other = desk.locator("#fix-list").get_by_role("button", name="no gesture 2")
    other.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("#editor .be-box.sel text")).to_have_text("no gesture")
    expect(other).to_be_focused()
    other.click()
    desk.keyboard.press("Enter")
    (only,) = sent(desk)
    assert (only.verdict, {box["label"] for box in only.boxes}) == ("fix", {"no gesture"})


def test_outlines_are_seen_and_one_person_alone_is_what_a_fix_begins_with(browser, live_server, photo):
    world = scenes.project(Rita="reviewer")
    image = scenes.image_at_review(world, scenes.batch(world, "boxes"), data=photo)
    before, corners = image.consensus.get(), [[1 / 3, 0.25], [0.75, 0.25], [0.5, 0.75]]
    hers = Annotation.objects.filter(asset=image).earliest("pk")
    Box.objects.create(annotation=hers, seq=8, label="gesture", points=corners, x=1 / 3, y=0.25, w=5 / 12, h=0.5)
    Consensus.objects.filter(pk=before.pk).update(is_current=False)
    Consensus.objects.create(
        project_id=world.pk,
        asset=image,
        stage=before.stage,
        version=2,
        method="hard",
        status="drop",
        n_answers=3,
        confidence=0,
    )
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.goto(reverse("review", args=[world.public_id]))
        expect(page.locator("#stage polygon.an")).to_have_count(1)
        page.keyboard.press("1")
        page.keyboard.press("f")
        expect(page.locator("#editor .be-box")).to_have_count(3)
        page.keyboard.press("Enter")
        sent(page)
    kept = [box.points for box in image.consensus.get(is_current=True).boxes.all()]
    assert kept == [[], [], [pytest.approx(corner, abs=1e-5) for corner in corners]]


def test_an_outline_is_fixed_by_keys_and_by_pointer(browser, live_server, photo):
    world = scenes.project(Rita="reviewer")
    image = scenes.image_at_review(world, scenes.batch(world, "outlines"), data=photo)
    agreed, corners = image.consensus.get(), [[0.25, 0.25], [0.75, 0.25], [0.5, 0.75]]
    agreed.boxes.all().delete()
    agreed.boxes.create(seq=0, label="gesture", confidence=0.9, points=corners, x=0.25, y=0.25, w=0.5, h=0.5)
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.goto(reverse("review-grid", args=[world.public_id]))
        expect(page.locator(".rg-cell polygon.cons")).to_have_css("fill", "none")
        page.goto(reverse("review", args=[world.public_id]))
        page.locator(".rv-thumb[aria-current]").wait_for()
        page.keyboard.press("f")
        expect(page.get_by_role("heading", name="Fix the outlines")).to_be_visible()
        grips = page.locator("#editor .oe-corners g:not(.oe-middle) .be-grip")
        expect(grips).to_have_count(3)
        page.keyboard.press("v")
        page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press("i")
        expect(grips).to_have_count(4)
        page.keyboard.press("Delete")
        expect(grips).to_have_count(3)

        pull_up(page, page.locator('#editor [data-edge="0"]').bounding_box())
        expect(grips).to_have_count(4)
        page.keyboard.press("Control+z")
        expect(grips).to_have_count(3)
        page.keyboard.press("Control+Shift+z")
        expect(grips).to_have_count(4)

        page.locator('#editor [data-corner="3"]').click()
        page.get_by_label("from top").fill("900")
        page.get_by_label("from top").press("Enter")
        page.locator('#editor [data-corner="2"]').click()
        assert breaches(page) == []
        page.get_by_role("button", name="Remove").click()
        expect(grips).to_have_count(3)
        page.keyboard.press("Enter")
        (only,) = sent(page)
    assert only.verdict == "fix"
    (box,) = image.consensus.get(is_current=True).boxes.all()
    assert box.points[0] == pytest.approx([0.25 - 10 / 1920, 0.25], abs=1e-5)
    assert box.points[1][1] < 0.25 < box.points[2][1] == pytest.approx(900 / 1080, abs=1e-5)


def test_an_outline_that_becomes_a_rectangle_stays_an_outline(browser, live_server, photo):
    world = scenes.project(Rita="reviewer")
    image = scenes.image_at_review(world, scenes.batch(world, "outlines"), data=photo)
    agreed, corners = image.consensus.get(), [[0.25, 0.25], [0.75, 0.25], [0.75, 0.9], [0.25, 0.75]]
    agreed.boxes.all().delete()
    agreed.boxes.create(seq=0, label="gesture", confidence=0.9, points=corners, x=0.25, y=0.25, w=0.5, h=0.65)
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.goto(reverse("review", args=[world.public_id]))
        page.locator(".rv-thumb[aria-current]").wait_for()
        page.keyboard.press("f")
        page.locator('#editor [data-corner="2"]').click()
        page.get_by_label("from top").fill("810")
        page.get_by_label("from top").press("Enter")
        page.locator('#editor [data-corner="1"]').click()
        page.keyboard.press("Enter")
        sent(page)
    (box,) = image.consensus.get(is_current=True).boxes.all()
    assert box.points == [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]


def pull_up(page: Page, middle: dict[str, float]) -> None:
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 40, steps=4)
    page.mouse.up()


def test_the_help_sheet_lists_the_keys_and_changes_one(desk):
    desk.keyboard.press("Shift+Slash")
    sheet = desk.locator("dialog.keys-help")
    expect(sheet).to_contain_text("one more annotator")
    sheet.get_by_role("button", name="Change the key for: accept").click()
    desk.keyboard.press("f")
    expect(sheet).to_contain_text("That key is taken: fix the boxes")
    sheet.get_by_role("button", name="Change the key for: accept").click()
    with desk.expect_response("**/account/keys/"):
        desk.keyboard.press("q")
    desk.keyboard.press("Escape")
    desk.reload()
    expect(desk.locator('[data-act="accept"] kbd')).to_have_text("Q")
    desk.locator(".rv-thumb[aria-current]").wait_for()
    desk.keyboard.press("a")
    desk.keyboard.press("q")
    (only,) = sent(desk)
    assert only.verdict == "accept"
    assert OwnKeys.objects.get().keys == {"review": {"accept": "KeyQ"}}


def test_when_nothing_needs_a_person_the_screen_says_so(browser, live_server):
    row = scenes.project(Rita="reviewer")
    with watched(browser, live_server.url, cookie=session_of("Rita"), **DESK) as page:
        page.goto(reverse("review", args=[row.public_id]))
        expect(page.get_by_role("heading", name="No boxes need a person")).to_be_visible()
        expect(page.get_by_role("link", name="See the data sets")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_everybody_can_use_it(browser, live_server, world, device, theme):
    with watched(browser, live_server.url, cookie=session_of("Rita"), **device) as page:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
        page.goto(reverse("review", args=[world.public_id]))
        page.locator(".rv-crop").first.wait_for()
        assert breaches(page) == []
        page.keyboard.press("f")
        page.locator("#editor .be-box").first.wait_for()
        assert breaches(page) == []


def test_it_works_on_a_phone(browser, live_server, world):
    with watched(browser, live_server.url, cookie=session_of("Rita"), **PHONE) as page:
        page.goto(reverse("review", args=[world.public_id]))
        page.locator(".rv-thumb[aria-current]").wait_for()
        assert fits(page)
        page.get_by_role("button", name="Accept").tap()
        assert sent(page)[0].verdict == "accept"
