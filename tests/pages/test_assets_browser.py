"""The asset browser in a real Chromium: a window over many pages, choosing by keyboard, tokens by suggestion."""

import time
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from crowd.clock import database_now
from curation.models import Asset, LabelClass, Project
from curation.services import bulk_changes
from curation.services.bulk_changes import Which
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.engine.test_lookalikes import do_jobs
from tests.factories import make_answer, make_asset, make_consensus, make_pool, make_project, make_user, make_worker

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LIVE, MOST_NODES = ".window .page:not(.away)", 3_000
GIVEN_UP_AFTER = 120.0  # seconds


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project() -> Project:
    """A project with a doubtful picture, a dropped one and eight more over some days."""
    made = make_project(lead=make_user("Alice"))
    LabelClass.objects.create(project=made, index=5, name="palm")
    worker = make_worker()
    make_consensus(make_asset(made, worker=worker, answer=make_answer(make_pool(made), worker)), lowest_iou=0.6)
    make_asset(made, Asset.State.DROPPED, stage="checks", reason="blurred")
    for day in range(1, 9):
        asset = make_asset(made, brightness=10.0 * day)
        Asset.objects.filter(pk=asset.pk).update(created_at=f"2026-10-{day:02}T12:00:00Z")
    return made


@pytest.fixture
def session(project: Project) -> str:
    client = Client()
    client.force_login(project.memberships.get().user)
    return str(client.cookies["sessionid"].value)


@pytest.mark.parametrize("look", ["light desk", "dark phone"])
def test_grid_list_and_a_wrong_query_are_accessible(look, server, browser, session, project):
    theme, device = look.split()
    here, troubles = reverse("assets", args=[project.public_id]), []
    with watched(browser, server, cookie=session, **(PHONE if device == "phone" else DESK)) as page:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": server}])
        for query in ("", "?layout=list&q=state:published", "?q=colour:red"):
            page.goto(here + query)
            if device == "desk" and not query:
                page.locator("a[data-id]").first.focus()
                page.keyboard.press("Space")
                page.get_by_text("1 selected").wait_for()
            troubles += breaches(page)
            assert fits(page), f"{query} is too wide"
    assert troubles == []


def test_pictures_are_chosen_and_changed_by_keyboard_and_the_change_is_undone(server, browser, session, project):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]))
        grid = page.get_by_role("listbox", name="Assets, newest first")
        page.locator("a[data-id]").first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowRight")
        expect(grid.get_by_role("option", selected=True)).to_have_count(3)
        page.keyboard.press("KeyL")
        page.get_by_label("Class", exact=True).select_option("palm")
        page.get_by_role("button", name="Set the class").click()
        page.get_by_text("Class set to palm").wait_for()
        do_jobs(project, "bulk_change")
        page.get_by_text("3 assets: class set to palm.").wait_for()
        expect(page.locator('a[data-label="palm"]')).to_have_count(3)
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("Being taken back").wait_for()
        do_jobs(project, "bulk_change")
        page.get_by_text("3 assets: class set to palm, taken back.").wait_for()
        expect(page.locator('a[data-label="palm"]')).to_have_count(0)
    assert not Asset.objects.filter(label_class__name="palm").exists()


def test_all_that_match_are_chosen_by_the_query_and_no_id_is_sent(server, browser, session, project):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]) + "?q=state:published")
        page.locator("a[data-id]").first.focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Select all 9 that match").click()
        page.keyboard.press("KeyT")
        page.get_by_label("Tag, such as").fill("outdoors")
        with page.expect_request("**/assets/change/") as sent:
            page.get_by_role("button", name="Add", exact=True).click()
        body = sent.value.post_data_buffer.decode()
        assert 'name="picked"\r\n\r\n\r\n' in body
        assert "state:published" in body
        page.get_by_text("Tag “outdoors” added").wait_for()
        do_jobs(project, "bulk_change")
        page.get_by_text("9 assets: tag “outdoors” added.").wait_for()


def test_enter_in_a_field_of_the_bar_presses_the_button_of_that_field(server, browser, session, project):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]))
        page.locator("a[data-id]").first.focus()
        page.keyboard.press("Space")
        for key, label, action in (("KeyT", "Tag, such as", "tag"), ("KeyX", "Note, if you like", "drop")):
            page.keyboard.press(key)
            page.get_by_label(label).fill("outdoors")
            with page.expect_request("**/assets/change/") as sent:
                page.keyboard.press("Enter")
            assert f'name="do"\r\n\r\n{action}\r\n' in sent.value.post_data_buffer.decode()
        page.get_by_role("button", name="More changes").click()
        page.get_by_label("Hold out as the set").fill("outdoors")
        with page.expect_request("**/assets/change/") as sent:
            page.keyboard.press("Enter")
        assert 'name="do"\r\n\r\nhold_out\r\n' in sent.value.post_data_buffer.decode()


def test_an_undo_that_is_refused_says_why(server, browser, session, project):
    picked, alice = Which(picked=[Asset.objects.latest("pk").public_id]), project.memberships.get().user

    def add(tag: str) -> None:
        bulk_changes.start(project=project, action="tag", how={"tag": tag}, which=picked, by=alice, now=database_now())

    add("first")
    do_jobs(project, "bulk_change")
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]))
        add("second")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("alert")).to_contain_text("Another change of many assets is at work")


def test_suggestions_write_a_condition_and_backspace_takes_a_token_away(server, browser, session, project):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]))
        page.keyboard.press("Slash")
        page.keyboard.type("sta")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.type("dro")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Remove the filter state:dropped").wait_for()
        expect(page.locator("a[data-id]")).to_have_count(1)
        page.wait_for_load_state()  # keys are heard from then on
        page.get_by_label("Add a filter").focus()
        page.keyboard.press("Backspace")
        expect(page.locator("a[data-id]")).to_have_count(10)


def test_a_window_keeps_few_pages_of_many_and_shows_each_asset_once(server, browser, session, project):
    stage, label = project.stages.get(kind="publish"), project.classes.first()
    Asset.objects.bulk_create(
        Asset(
            project=project,
            stage=stage,
            label_class=label,
            state=Asset.State.PUBLISHED,
            sha256=number.to_bytes(32, "big"),
            storage_key=f"none/{number}",
        )
        for number in range(1200)
    )
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]))
        most, seen, until = 0, set(), time.monotonic() + GIVEN_UP_AFTER
        while len(seen) < 1210:
            assert time.monotonic() < until, f"{len(seen)} of 1210 came"
            page.mouse.wheel(0, 2_000)
            page.wait_for_timeout(80)
            seen |= set(page.eval_on_selector_all("a[data-id]", "all => all.map(one => one.dataset.id)"))
            most = max(most, page.locator(LIVE).count())
        assert most <= 7
        assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES
        ids = page.eval_on_selector_all("a[data-id]", "all => all.map(one => one.dataset.id)")
        assert len(ids) == len(set(ids))
        page.evaluate("scrollTo(0, 0)")
        newest = Asset.objects.latest("pk").public_id
        page.locator(f'a[data-id="{newest}"]').wait_for()


def test_a_jump_into_the_middle_grows_both_ways(server, browser, session, project):
    with watched(browser, server, cookie=session, **DESK) as page:
        page.goto(reverse("assets", args=[project.public_id]) + "?at=2026-10-04")
        expect(page.locator("a[data-id]")).to_have_count(10)
        days = page.evaluate(
            "[...document.querySelectorAll('.window .page')].map(one => one.querySelectorAll('a').length)"
        )
        assert sum(days) == 10
        assert len(days) == 2
