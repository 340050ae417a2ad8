"""A worker's phone, 390 pixels wide: from the invitation to the appeal, videos over a bad network, weight and reach."""

import gzip
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from crowd.models import Answer, AnswerRaw, Appeal, Assignment, Batch, Skill, Upload, Worker
from crowd.services import claims, invitations, judging
from tests import scenes
from tests.browsing import PHONE, breaches, chromium, fits, watched
from tests.portal.conftest import phone_of
from tests.preprocessing.clips import clip, steady

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
MOST_BYTES = 60_000
LEAST_TARGET = 48
HTML = "performance.getEntriesByType('navigation')[0].encodedBodySize"
SMALL_TARGETS = """(least) => [...document.querySelectorAll('a[href], button, summary, label:has(input), textarea')]
  .filter((one) => one.checkVisibility() && !one.disabled)
  .map((one) => [one.getBoundingClientRect(), one.innerText.trim() || one.ariaLabel])
  .filter(([box]) => Math.min(box.height, Math.max(box.width, 1)) + 0.5 < least && box.height > 1)
  .map(([box, words]) => `${words}: ${Math.round(box.width)} by ${Math.round(box.height)}`)"""

TOO_LONG = """() => [...document.querySelectorAll('.w-three .b')]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"""


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
    cookie = phone_of(scenes.worker("Wanda")).cookies["sessionid"].value
    with watched(browser, live_server.url, cookie=cookie, locale="en-US", **PHONE) as page:
        yield page


def ready(page: Page) -> None:
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")


def qualified(world, key: str) -> Batch:
    """A training, an exam behind it, and work behind that."""
    account = invitations.inhouse_account()
    skills = [Skill.objects.create(account=account, name=f"Checking static gestures: {kind}") for kind in KINDS]
    needs: dict[str, object] = {}
    for kind, skill in zip(KINDS, skills, strict=True):
        batch = scenes.batch(world, "choice", kind=kind, price_micro=0, page_size=2, grants_skill=skill, **needs)
        for name, known in (("a", "correct"), ("b", "incorrect")):
            scenes.task(batch, name, image=key, known=known, hint="The photo lies on its side.")
        needs = {"needs_skill": skill, "needs_value": 50}
    work = scenes.batch(world, "choice", auto_accept=False, page_size=2, **needs)
    for name in ("one", "two"):
        scenes.task(work, name, image=key)
    return work


KINDS = ("training", "exam")


def test_from_the_invitation_to_the_appeal_in_russian(browser, live_server, world, photo):
    qualified(world, scenes.stored(photo))
    expires = timezone.now() + timedelta(days=1)
    account = invitations.inhouse_account()
    token = invitations.invite(
        project_id=world.pk, account_id=account.pk, label="", max_uses=1, expires_at=expires, by_id=None
    )
    with watched(browser, live_server.url, locale="en-US", **PHONE) as page:
        page.goto(reverse("w-join", args=[token]))
        page.get_by_role("link", name="Русский").tap()
        page.get_by_label("Имя, любое").fill("Ольга")
        page.get_by_label("Прочитано, согласие даю").check()
        page.get_by_label("Мне есть 18 лет").check()
        page.get_by_role("button", name="Присоединиться").tap()
        expect(page.get_by_role("heading", name="Здравствуйте, Ольга")).to_be_visible()
        expect(page.get_by_text("Сначала нужно пройти «Проверка жестов: обучение».")).to_be_visible()
        learn(page)
        examine(page)
        earn(page)
        judging.reject(assignment_id=of_kind("main").pk, reason="The photo is turned.", now=timezone.now())
        appeal(page)
    worker = Worker.objects.get()
    assert (worker.page_language, worker.language) == ("en", "ru")
    assert Appeal.objects.get().text == "Снимок не повёрнут."


def of_kind(kind: str) -> Assignment:
    return Assignment.objects.filter(batch__kind=kind).latest("id")


def learn(page: Page) -> None:
    """A wrong answer explains itself; the first try counts."""
    page.get_by_role("button", name="Начать").tap()
    ready(page)
    page.locator("#task-1").get_by_role("button", name="Нет", exact=True).tap()
    expect(
        page.get_by_text("The photo lies on its side.").or_(page.get_by_text("Снимок лежит на боку."))
    ).to_be_visible()
    page.locator("#task-1").get_by_role("button", name="Да").tap()
    page.locator("#task-2").get_by_role("button", name="Нет", exact=True).tap()
    page.get_by_role("button", name="Сдать").tap()
    expect(page.get_by_role("heading", name="50 из 100")).to_be_visible()
    expect(page.get_by_text("Нужно было 50: вы справились.")).to_be_visible()
    assert breaches(page) == []


def examine(page: Page) -> None:
    page.get_by_role("button", name="Дальше: Экзамен").tap()
    ready(page)
    page.locator("#task-1").get_by_role("button", name="Да").tap()
    page.locator("#task-2").get_by_role("button", name="Нет", exact=True).tap()
    page.get_by_role("button", name="Сдать").tap()
    expect(page.get_by_role("heading", name="100 из 100")).to_be_visible()


def earn(page: Page) -> None:
    page.get_by_role("button", name="Дальше: Это тот знак?").tap()
    ready(page)
    expect(page.locator(".w-top .w-price")).to_have_text(re.compile(r"0,02\s\$"))
    page.locator("#task-1").get_by_role("button", name="Да").tap()
    page.locator("#task-2").get_by_role("button", name="Да").tap()
    page.get_by_role("button", name="Сдать").tap()
    expect(page.get_by_role("heading", name="Здравствуйте, Ольга")).to_be_visible()
    page.get_by_role("link", name="Заработок по дням").tap()
    expect(page.get_by_text("на проверке 1 страница")).to_be_visible()
    expect(page.get_by_text("проверят до")).to_be_visible()


def appeal(page: Page) -> None:
    page.reload()
    expect(page.get_by_text("Снимок повёрнут.")).to_be_visible()
    page.get_by_role("link", name="Обжаловать").tap()
    page.get_by_label("Почему страница верна?").fill("Снимок не повёрнут.")
    page.get_by_role("button", name="Отправить жалобу").tap()
    expect(page.get_by_text("Жалобу рассматривают.")).to_be_visible()
    page.get_by_role("button", name="English").tap()
    expect(page.get_by_text("Your appeal is being looked at.")).to_be_visible()


# --- files ------------------------------------------------------------------------------------------------------------
def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (240, 320, 3)).astype(np.uint8)


def test_a_video_goes_on_after_the_network_was_away(phone, world, photo, tmp_path):
    batch = scenes.batch(world, "photo", auto_accept=False)
    batch.spec |= {"media": "video", "seconds": [1, 20], "least_pixels": [320, 240]}
    batch.save(update_fields=["spec"])
    for name in ("one", "two"):
        scenes.task(batch, name, image=scenes.stored(photo))
    data = clip(tmp_path / "me.mp4", times=steady(40), draw=noise).read_bytes()
    assert len(data) > 600_000
    phone.goto(reverse("w-home"))
    phone.get_by_role("button", name="Start").tap()
    ready(phone)
    short = clip(tmp_path / "short.mp4", times=steady(6)).read_bytes()
    phone.locator("input[capture]").set_input_files({"name": "s.mp4", "mimeType": "video/mp4", "buffer": short})
    expect(phone.get_by_text("The video lasts 0.2 s; at least 1 s are needed.")).to_be_visible(timeout=40_000)

    phone.locator("input[capture]").set_input_files({"name": "me.mp4", "mimeType": "video/mp4", "buffer": data})
    expect(phone.get_by_text("1.3 s, 320 by 240 pixels. Is everything asked for in it?")).to_be_visible(timeout=40_000)
    page_url, seen = phone.url, []

    def cut(route):
        seen.append(route.request.url)
        if len(seen) == 2:
            phone.context.set_offline(True)
        route.continue_() if len(seen) != 2 else route.abort()

    phone.route("**/w/uploads/*/?offset=*", cut)
    phone.get_by_role("button", name="Send this video").tap()
    expect(phone.get_by_text("the file is kept here")).to_be_visible(timeout=40_000)
    half = Upload.objects.get()
    assert 0 < half.received < half.size == len(data)
    phone.context.set_offline(False)
    phone.wait_for_url(lambda url: url != page_url)
    done = Upload.objects.get()
    assert (done.state, done.received) == ("done", len(data))
    assert AnswerRaw.objects.get().payload["file"]["bytes"] == len(data)


def test_photos_are_sent_behind_ones_back_and_counted(phone, world, photo):
    batch = scenes.batch(world, "photo", auto_accept=False, page_size=3)
    for n in range(3):
        scenes.task(batch, f"slot-{n}", image=scenes.stored(photo))
    phone.goto(reverse("w-home"))
    phone.get_by_role("button", name="Start").tap()
    ready(phone)
    phone.route("**/w/uploads/*/?offset=*", lambda route: route.abort())
    for n, seed in enumerate(("a", "b", "c"), start=1):
        task = phone.locator(f"#task-{n}")
        file = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": scenes.jpeg(seed)}
        task.locator("input[capture]").set_input_files(file)
        task.get_by_role("button", name="Send this photo").tap()
    expect(phone.locator("#state")).to_have_text("0 of 3 sent, 3 waiting")
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_text("Some files are still on their way")).to_be_visible()
    page_url = phone.url
    phone.unroute("**/w/uploads/*/?offset=*")
    phone.wait_for_url(lambda url: url != page_url)
    assert sorted(Upload.objects.values_list("state", flat=True)) == ["done"] * 3
    assert Assignment.objects.get().state == "submitted"


def test_a_blurred_photo_is_noticed_before_it_is_sent(phone, world, photo):
    phone.goto(reverse("w-home"))
    ratio = """async (url) => {
      const { detail } = await import('/static/js/worker/media-check.js');
      const picture = await createImageBitmap(await (await fetch(url)).blob());
      const soft = new OffscreenCanvas(picture.width, picture.height);
      const context = soft.getContext('2d');
      context.filter = 'blur(14px)';
      context.drawImage(picture, 0, 0);
      return [detail(picture, picture.width, picture.height), detail(soft, picture.width, picture.height)];
    }"""
    batch = scenes.batch(world, "choice")
    scenes.task(batch, "one", image=scenes.stored(photo))
    page = claims.claim_page(batch_id=batch.pk, worker_id=scenes.worker("Wanda").pk, now=timezone.now())
    url = reverse("w-media", args=[Answer.objects.get(assignment=page).pk, "image"])
    sharp, blurred = phone.evaluate(ratio, url)
    assert sharp > 2.1 > blurred


# --- weight and reach -------------------------------------------------------------------------------------------------
def pages(world, photo: bytes) -> dict[str, str]:
    """One page of ten tasks of each kind, as large as they usually are."""
    key, wanda, found = scenes.stored(photo), scenes.worker("Wanda"), {}
    for interface in ("choice", "pair", "text", "boxes", "outlines", "photo", "link"):
        batch = scenes.batch(world, interface, page_size=10, auto_accept=False)
        for n in range(10):
            scenes.task(batch, f"task-{n}", image=key)
        page = claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now())
        found[interface] = reverse("w-page", args=[page.pk])
    return {"home": reverse("w-home"), "earnings": reverse("w-earnings"), **found}


def packed_files(page: Page) -> dict[str, int]:
    """Count styles and modules as they are stored for browsers: the test server sends them unpacked."""
    found: dict[str, int] = {}

    def note(response):
        name = urlsplit(response.url).path
        if name.startswith("/static/") and not name.endswith(".svg"):
            found[name] = len(gzip.compress(Path("static", name.removeprefix("/static/")).read_bytes()))

    page.on("response", note)
    return found


def test_pages_are_light_and_everything_can_be_hit_with_a_thumb(browser, live_server, world, photo):
    urls = pages(world, photo)
    cookie = phone_of(scenes.worker("Wanda")).cookies["sessionid"].value
    weights, small = {}, {}
    with watched(browser, live_server.url, cookie=cookie, locale="ru-RU", **PHONE) as page:
        packed = packed_files(page)
        for name, url in urls.items():
            packed.clear()
            page.goto(url)
            if "/pages/" in url:
                ready(page)
                assert page.locator(".w-top .w-price").is_visible()
                assert page.locator(".w-task:visible").count() == 1
                last = page.locator(".w-bottom:visible .b:visible").last.bounding_box()
                assert last["y"] + last["height"] / 2 > PHONE["viewport"]["height"] / 2
            weights[name] = page.evaluate(HTML) + sum(packed.values())
            small[name] = page.evaluate(SMALL_TARGETS, LEAST_TARGET)
            assert fits(page)
    assert {name: found for name, found in small.items() if found} == {}
    assert {name: weight for name, weight in weights.items() if weight > MOST_BYTES} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_new_kinds_of_pages_are_for_everybody(browser, live_server, world, photo, theme):
    urls = pages(world, photo)
    cookie = phone_of(scenes.worker("Wanda")).cookies["sessionid"].value
    with watched(browser, live_server.url, cookie=cookie, color_scheme=theme, **PHONE) as page:
        for name in ("pair", "text", "earnings"):
            page.goto(urls[name])
            assert breaches(page) == []


def test_pairs_and_sets_are_answered_by_digits(browser, live_server, world, photo):
    key, wanda = scenes.stored(photo), scenes.worker("Wanda")
    pair = scenes.batch(world, "pair")
    scenes.task(pair, "one", image=key)
    many = scenes.batch(world, "choice")
    many.spec |= {"multiple": True}
    many.save(update_fields=["spec"])
    scenes.task(many, "one", image=key)
    cookie = phone_of(wanda).cookies["sessionid"].value
    with watched(
        browser, live_server.url, cookie=cookie, locale="en-US", viewport={"width": 1000, "height": 800}
    ) as page:
        for batch, keys in ((pair, ["3"]), (many, ["1", "3", "Enter"])):
            row = claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now())
            page.goto(reverse("w-page", args=[row.pk]))
            ready(page)
            for one in keys:
                page.keyboard.press(one)
            expect(page.get_by_role("heading", name="All 1 done")).to_be_visible()
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url, row=row: f"/{row.pk}/" not in url)
    assert sorted(raw.payload["answer"] for raw in AnswerRaw.objects.all()) == ["correct+rotated", "same"]


def test_enter_on_a_link_is_no_answer_where_several_are_chosen(browser, live_server, world, photo):
    many = scenes.batch(world, "choice")
    many.spec |= {"multiple": True}
    many.save(update_fields=["spec"])
    scenes.task(many, "one", image=scenes.stored(photo))
    wanda = scenes.worker("Wanda")
    row = claims.claim_page(batch_id=many.pk, worker_id=wanda.pk, now=timezone.now())
    with watched(browser, live_server.url, cookie=phone_of(wanda).cookies["sessionid"].value, **PHONE) as page:
        page.goto(reverse("w-page", args=[row.pk]))
        ready(page)
        page.keyboard.press("1")
        page.get_by_role("link", name="Your work").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    assert not AnswerRaw.objects.exists()


@pytest.mark.parametrize("width", [320, 390])
def test_the_tools_for_outlines_have_room_for_russian_words(browser, live_server, world, photo, width):
    batch, wanda = scenes.batch(world, "outlines"), scenes.worker("Wanda")
    scenes.task(batch, "one", image=scenes.stored(photo))
    row = claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now())
    cookie = phone_of(wanda).cookies["sessionid"].value
    screen = PHONE | {"viewport": {"width": width, "height": 700}}
    with watched(browser, live_server.url, cookie=cookie, locale="ru", **screen) as page:
        page.goto(reverse("w-page", args=[row.pk]))
        ready(page)
        expect(page.get_by_role("button", name="Замкнуть")).to_be_visible()
        assert page.evaluate(TOO_LONG) == []
        assert fits(page)


def test_words_are_kept_while_they_are_written(phone, world, photo):
    batch = scenes.batch(world, "text", auto_accept=False)
    scenes.task(batch, "one", image=scenes.stored(photo))
    row = claims.claim_page(batch_id=batch.pk, worker_id=scenes.worker("Wanda").pk, now=timezone.now())
    phone.goto(reverse("w-page", args=[row.pk]))
    ready(phone)
    phone.get_by_role("textbox").type("Two hand", delay=5)
    with phone.expect_navigation():  # the page goes in the same moment as the last letter comes
        last = "field.value += 's'; field.dispatchEvent(new Event('input', { bubbles: true }))"
        phone.get_by_role("textbox").evaluate(f"field => {{ {last}; location.reload() }}")
    ready(phone)
    expect(phone.get_by_role("textbox")).to_have_value("Two hands")
    phone.get_by_role("button", name="Done").tap()
    phone.get_by_role("button", name="Hand in").tap()
    expect(phone.get_by_role("heading", name="Hello, Wanda")).to_be_visible()
    assert AnswerRaw.objects.get().payload["text"] == "Two hands"
