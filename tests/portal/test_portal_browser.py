"""Wanda's first five minutes, on a phone."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from crowd.models import AnswerRaw, Assignment, Batch, RemoteFile, Skill, SkillValue, Upload
from crowd.services import invitations
from tests import scenes
from tests.browsing import PHONE, breaches, chromium, fits, watched
from tests.portal.conftest import phone_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def photo() -> bytes:
    return scenes.jpeg()


@pytest.fixture
def world():
    return scenes.project()


@pytest.fixture
def phone(browser, live_server, world):
    """Wanda's phone; she has joined."""
    cookie = phone_of(scenes.worker("Wanda")).cookies["sessionid"].value
    with watched(browser, live_server.url, cookie=cookie, **PHONE) as page:
        yield page


def photo_work(world, photo: bytes):
    batch = scenes.batch(world, "photo", auto_accept=False, price_micro=40_000)
    for n in range(3):
        scenes.task(batch, f"slot-{n}", image=scenes.stored(photo))
    return batch


def start(page: Page, title: str) -> None:
    page.goto(reverse("w-home"))
    page.get_by_role("button", name=f"Start {title}").tap()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")


def test_she_joins_by_the_link_and_sees_the_work(browser, live_server, world, photo):
    photo_work(world, photo)
    token = invitations.invite(
        project_id=world.pk,
        account_id=invitations.inhouse_account().pk,
        label="",
        max_uses=1,
        expires_at=timezone.now() + timedelta(days=1),
        by_id=None,
    )
    with watched(browser, live_server.url, **PHONE) as page:
        page.goto(reverse("w-join", args=[token]))
        page.get_by_label("Name, any you like").fill("Wanda")
        page.get_by_label("I have read this and agree").check()
        page.get_by_label("I am 18 or older").check()
        page.get_by_role("button", name="Join").tap()
        expect(page.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
        expect(page.get_by_text("$0.04")).to_be_visible()


def test_she_sends_a_photo(phone, world, photo):
    photo_work(world, photo)
    start(phone, "Show this sign: peace")
    phone.locator("input[capture]").set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(phone.get_by_text("1920 by 1080 pixels. Is everything asked for in it?")).to_be_visible()
    page_url = phone.url
    phone.get_by_role("button", name="Send this photo").tap()
    phone.wait_for_url(lambda url: url != page_url)
    assert Upload.objects.get().state == "done"
    assert Assignment.objects.order_by("id").first().state == "submitted"


def test_a_photo_that_is_too_small_is_not_even_sent(phone, world, photo):
    photo_work(world, photo)
    start(phone, "Show this sign: peace")
    small = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": scenes.jpeg(size=(640, 360))}
    phone.locator("input[capture]").set_input_files(small)
    expect(phone.get_by_text("The photo is 640 by 360 pixels; at least 1920 by 1080 are needed.")).to_be_visible()
    assert not Upload.objects.exists()


def test_a_photo_goes_on_after_the_network_broke_and_the_page_was_reloaded(phone, world, photo):
    photo_work(world, photo)
    start(phone, "Show this sign: peace")
    pieces = []

    def only_the_first(route):
        pieces.append(route.request.url)
        route.continue_() if len(pieces) == 1 else route.abort()

    phone.route("**/w/uploads/*/?offset=*", only_the_first)
    big = photo + b"\0" * 300_000
    phone.locator("input[capture]").set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": big})
    phone.get_by_role("button", name="Send this photo").tap()
    expect(phone.get_by_text("the file is kept here")).to_be_visible()
    half = Upload.objects.get()
    assert 0 < half.received < half.size

    page_url, offsets = phone.url, []
    phone.goto("about:blank")  # what is tried again until then is broken off as well
    phone.unroute("**/w/uploads/*/?offset=*")
    phone.on("request", lambda request: offsets.append(request.url) if "?offset=" in request.url else None)
    phone.goto(page_url, wait_until="commit")
    phone.wait_for_url(lambda url: url != page_url)
    assert Upload.objects.get().state == "done"
    assert offsets[0].endswith(f"?offset={half.received}")


def test_she_judges_photos_and_hands_the_page_in(phone, world, photo):
    batch = scenes.batch(world, "choice", page_size=2)
    for key in ("one", "two"):
        scenes.task(batch, key, image=scenes.stored(photo))
    start(phone, "Is this the sign?")
    phone.locator("#task-1").get_by_role("button", name="Yes").tap()
    phone.locator("#task-2").get_by_role("button", name="Rotated").tap()
    expect(phone.get_by_role("heading", name="All 2 done")).to_be_visible()
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    assert sorted(raw.payload["answer"] for raw in AnswerRaw.objects.all()) == ["correct", "rotated"]
    expect(phone.locator(".w-money")).to_contain_text("$0.02")


def test_a_page_with_answers_is_not_given_back_by_one_tap(phone, world, photo):
    batch = scenes.batch(world, "choice", page_size=2)
    for key in ("one", "two"):
        scenes.task(batch, key, image=scenes.stored(photo))
    start(phone, "Is this the sign?")
    phone.locator("#task-1").get_by_role("button", name="Yes").tap()
    phone.get_by_role("button", name="Give this page back").tap()
    phone.get_by_role("button", name="Tap again to give it back").tap()
    expect(phone.get_by_text("You gave the page back.")).to_be_visible()
    assert Assignment.objects.get().state == Assignment.State.SKIPPED


def test_in_training_a_wrong_answer_explains_itself(phone, world, photo):
    skill = Skill.objects.create(account=invitations.inhouse_account(), name="Checking")
    batch = scenes.batch(world, "choice", kind=Batch.Kind.TRAINING, price_micro=0, page_size=1, grants_skill=skill)
    scenes.task(batch, "one", image=scenes.stored(photo), known="correct", hint="Two fingers are up.")
    start(phone, "Is this the sign?")
    phone.get_by_role("button", name="No", exact=True).tap()
    expect(phone.get_by_text("Two fingers are up.")).to_be_visible()
    phone.get_by_role("button", name="Yes").tap()
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_text("Training finished")).to_be_visible()
    assert SkillValue.objects.get().value == 0


def test_she_boxes_two_hands_by_taps(phone, world, photo):
    batch = scenes.batch(world, "boxes")
    scenes.task(batch, "one", image=scenes.stored(photo))
    start(phone, "Box every hand")
    done = phone.get_by_role("button", name="Done")
    expect(done).to_be_disabled()
    tap_box(phone, (0.2, 0.45), (0.4, 0.6))
    expect(done).to_be_disabled()
    phone.get_by_role("button", name="gesture", exact=True).tap()
    expect(done).to_be_enabled()
    tap_box(phone, (0.6, 0.45), (0.8, 0.6))
    phone.get_by_role("button", name="no gesture").tap()
    done.tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    boxes = AnswerRaw.objects.get().payload["boxes"]
    assert [box["label"] for box in boxes] == ["gesture", "no gesture"]
    assert boxes[0]["x"] == pytest.approx(0.2, abs=0.02)


def test_she_outlines_a_hand_by_taps_and_pulls_a_corner_back(phone, world, photo):
    scenes.task(scenes.batch(world, "outlines"), "one", image=scenes.stored(photo))
    start(phone, "Outline every hand")
    done = phone.get_by_role("button", name="Done")
    tap_box(phone, (0.2, 0.4), (0.5, 0.4), (0.5, 0.6))
    expect(phone.locator("#state")).to_have_text("Saved")
    expect(done).to_be_disabled()
    tap_box(phone, (0.9, 0.9))
    phone.get_by_role("button", name="Undo").tap()
    tap_box(phone, (0.2, 0.6), (0.2, 0.4))
    expect(phone.locator("[data-outline]")).to_have_count(1)
    phone.get_by_role("button", name="gesture", exact=True).tap()
    expect(done).to_be_enabled()
    assert breaches(phone) == []
    phone.reload()
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    (outline,) = AnswerRaw.objects.get().payload["outlines"]
    assert outline["label"] == "gesture"
    assert [pytest.approx(corner, abs=0.02) for corner in outline["points"]] == [
        [0.2, 0.4],
        [0.5, 0.4],
        [0.5, 0.6],
        [0.2, 0.6],
    ]


def test_an_outline_within_another_and_one_drawn_and_mended_by_keys(phone, world, photo):
    scenes.task(scenes.batch(world, "outlines"), "one", image=scenes.stored(photo))
    start(phone, "Outline every hand")
    outlines, mark = phone.locator("[data-outline]"), phone.locator(".be-mark")
    tap_box(phone, (0.1, 0.2), (0.9, 0.2), (0.9, 0.8), (0.1, 0.8), (0.1, 0.2))
    phone.get_by_role("button", name="gesture", exact=True).tap()
    tap_box(phone, (0.4, 0.4), (0.6, 0.4), (0.5, 0.6), (0.4, 0.4))
    expect(outlines).to_have_count(2)
    phone.get_by_role("button", name="gesture", exact=True).tap()
    phone.keyboard.press("n")
    expect(mark).to_have_attribute("visibility", "visible")
    phone.keyboard.press("Escape")
    expect(mark).to_have_attribute("visibility", "hidden")
    for key in ("BracketRight", "v", "v", "Delete", "v", "Shift+ArrowRight"):
        phone.keyboard.press(key)
    expect(outlines.first).to_have_attribute("aria-label", "Outline 1, gesture, 3 corners")
    phone.get_by_role("button", name="Done").tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    first, second = AnswerRaw.objects.get().payload["outlines"]
    assert len(second["points"]) == 3
    assert first["points"][0][0] == pytest.approx(0.1, abs=0.02)
    assert first["points"][1] == [pytest.approx(0.9, abs=0.02), pytest.approx(0.8, abs=0.02)]


def test_boxes_survive_a_reload_and_no_hands_removes_them(phone, world, photo):
    batch = scenes.batch(world, "boxes")
    scenes.task(batch, "one", image=scenes.stored(photo))
    start(phone, "Box every hand")
    tap_box(phone, (0.2, 0.45), (0.4, 0.6))
    expect(phone.locator("#state")).to_have_text("Saved")
    phone.reload()
    expect(phone.locator(".be-box")).to_have_count(1)
    phone.get_by_role("button", name="No hands").tap()
    expect(phone.locator(".be-box")).to_have_count(0)
    expect(phone.get_by_role("button", name="Done")).to_be_enabled()
    phone.get_by_role("button", name="Undo").tap()
    expect(phone.locator(".be-box")).to_have_count(1)


def test_answers_given_without_a_network_arrive_later(phone, world, photo):
    batch = scenes.batch(world, "choice", page_size=2)
    for key in ("one", "two"):
        scenes.task(batch, key, image=scenes.stored(photo))
    start(phone, "Is this the sign?")
    phone.context.set_offline(True)
    phone.locator("#task-1").get_by_role("button", name="Yes").tap()
    expect(phone.locator("#state")).to_contain_text("Waiting for the network")
    phone.context.set_offline(False)
    phone.locator("#task-2").get_by_role("button", name="Yes").tap()
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    assert AnswerRaw.objects.count() == 2


def test_no_page_is_wider_than_the_phone(phone, world, photo):
    photo_work(world, photo)
    phone.goto(reverse("w-home"))
    assert fits(phone)
    start(phone, "Show this sign: peace")
    assert fits(phone)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(phone, live_server, world, photo, theme):
    phone.context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    key = scenes.stored(photo)
    for interface in ("photo", "choice", "boxes"):
        scenes.task(scenes.batch(world, interface), "one", image=key)
    phone.goto(reverse("w-home"))
    assert breaches(phone) == []
    for title in ("Show this sign: peace", "Is this the sign?", "Box every hand"):
        start(phone, title)
        assert breaches(phone) == []


def test_the_own_digest_equals_the_browsers(phone, world):
    phone.goto(reverse("w-home"))
    same = phone.evaluate(
        """async () => {
          const { inSlices } = await import('/static/js/worker/sha256.js');
          const hex = (buffer) => [...new Uint8Array(buffer)].join();
          for (const length of [0, 1, 55, 56, 63, 64, 65, 1000, 70000]) {
            const bytes = Uint8Array.from({ length }, (_, at) => (at * 31) % 256);
            const own = await inSlices(new Blob([bytes]), 128);
            if (hex(own) !== hex(await crypto.subtle.digest('SHA-256', bytes))) return length;
          }
          return 'all';
        }"""
    )
    assert same == "all"


def tap_box(page: Page, *corners: tuple[float, float]) -> None:
    """Tap two corners, in fractions of the photo as it lies in its frame."""
    photo = page.locator(".be-image:visible").bounding_box()
    for x, y in corners:
        page.touchscreen.tap(photo["x"] + photo["width"] * x, photo["y"] + photo["height"] * y)


def test_she_sends_a_link(phone, world, photo):
    batch = scenes.batch(world, "link", auto_accept=False)
    scenes.task(batch, "one", image=scenes.stored(photo))
    start(phone, "Film this sign: peace")
    field = phone.get_by_label("Link to your file")
    field.fill("https://files.example:8080/me.mp4")
    phone.get_by_role("button", name="Take this link").tap()
    expect(phone.get_by_text("Port 8080 of files.example cannot be used")).to_be_visible()
    field.fill("https://files.example/me.mp4")
    assert breaches(phone) == []
    phone.get_by_role("button", name="Take this link").tap()
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    assert RemoteFile.objects.get().ref == "https://files.example/me.mp4"
