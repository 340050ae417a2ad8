"""Palette and keys by hand: no mouse, any layout, silent while somebody types, off when somebody wants them off."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, Route, expect

from curation.models import Project
from tests.browsing import DESK, breaches, chromium, watched
from tests.factories import make_pool, make_project, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def project() -> Project:
    return make_project(lead=make_user("Alice"))


@pytest.fixture
def tab(server: str, browser: Browser, project: Project) -> Iterator[Page]:
    client = Client()
    client.force_login(project.memberships.get().user)
    with watched(browser, server, cookie=client.cookies["sessionid"].value, **DESK) as page:
        page.goto(reverse("settings", args=[project.public_id]))
        page.wait_for_load_state("networkidle")
        yield page


def chosen(tab: Page) -> Locator:
    """Return what Enter would go to."""
    return tab.get_by_role("listbox", name="Found").get_by_role("option", selected=True)


def press(tab: Page, *keys: tuple[str, str]) -> None:
    """Press keys one right after the other as a keyboard of another layout sends them: place and letter differ."""
    tab.evaluate(
        "keys => keys.forEach(([code, key]) => (document.activeElement ?? document.body).dispatchEvent("
        "new KeyboardEvent('keydown', {code, key, bubbles: true, cancelable: true})))",
        keys,
    )


def test_a_pool_is_reached_from_the_keyboard_and_is_first_next_time(tab: Page, project: Project):
    pool = make_pool(project, "THUMB UP")
    tab.keyboard.press("Control+k")
    box = tab.get_by_role("combobox", name="Go to")
    expect(box).to_be_focused()
    expect(chosen(tab)).to_contain_text("Overview")
    box.fill("thumb up")
    expect(chosen(tab)).to_contain_text("THUMB UP")
    assert breaches(tab) == []
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**{reverse('pool', args=[project.public_id, pool.pk])}")
    tab.get_by_role("button", name="Search or go to").click()
    expect(chosen(tab)).to_contain_text("THUMB UP")
    box.fill("no such thing")
    expect(tab.get_by_role("dialog")).to_contain_text("Search the assets")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_enter_before_the_answer_goes_where_the_answer_says(tab: Page, project: Project):
    pool = make_pool(project, "THUMB UP")
    tab.keyboard.press("Control+k")
    expect(chosen(tab)).to_contain_text("Overview")
    tab.evaluate(
        """() => {
          const box = document.querySelector(".palette-input");
          box.value = "thumb up";
          box.dispatchEvent(new Event("input", { bubbles: true }));
          box.dispatchEvent(new KeyboardEvent("keydown", { code: "Enter", key: "Enter", bubbles: true }));
        }"""
    )
    tab.wait_for_url(f"**{reverse('pool', args=[project.public_id, pool.pk])}")


def test_screens_stand_at_the_first_letter_while_the_server_still_looks_and_what_is_chosen_stays(tab: Page, project):
    make_pool(project, "MONKEY")
    held: list[Route] = []
    tab.keyboard.press("Control+k")
    expect(chosen(tab)).to_contain_text("Overview")
    tab.route("**/palette/?q=*", lambda route: route.continue_() if held else held.append(route))
    tab.keyboard.type("mo")
    expect(chosen(tab)).to_contain_text("Money")
    tab.keyboard.press("ArrowDown")
    expect(chosen(tab)).to_contain_text("Models")
    for _ in range(600):
        if held:
            break
        tab.wait_for_timeout(50)  # the browser has its question out a moment before we are told of it
    held[0].continue_()
    expect(tab.get_by_role("option", name="MONKEY")).to_be_visible()
    expect(chosen(tab)).to_contain_text("Models")


def test_a_key_of_ones_own_is_no_tab_and_no_bare_modifier(tab: Page):
    tab.keyboard.press("Shift+Slash")
    row = tab.get_by_role("dialog").locator("li", has_text="Workers")
    row.get_by_role("button").click()
    tab.keyboard.press("Shift")
    expect(row.locator("kbd")).to_have_text("press a key")
    tab.keyboard.press("Tab")
    expect(row.locator("kbd")).to_have_text("W")
    expect(row).to_contain_text("That key is taken: moving about the page.")


def test_a_part_that_somebody_was_in_is_fetched_when_they_leave_it(tab: Page, project: Project):
    told = {"version": 9, "fields": {"published": "77"}, "stale": ["pipeline"]}
    tab.route("**/live/**", lambda route: route.fulfill(json=told))
    tab.clock.install()
    tab.goto(reverse("project", args=[project.public_id]))
    part = tab.locator('[data-fragment="pipeline"]')
    source = part.get_attribute("data-src")
    fetched = []
    tab.on("request", lambda request: fetched.append(request.url) if source in request.url else None)
    part.locator("a").first.focus()
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.clock.run_for(2_000)
    expect(tab.locator('[data-live="published"]').first).to_have_text("77")
    tab.clock.run_for(6_000)
    assert fetched == []
    with tab.expect_request(f"**{source}*"):
        part.locator("a").first.blur()
        tab.clock.run_for(6_000)


def test_a_command_changes_the_theme(tab: Page):
    tab.keyboard.press("Control+k")
    tab.get_by_role("combobox", name="Go to").fill("dark")
    expect(chosen(tab)).to_contain_text("Switch to the dark theme")
    tab.keyboard.press("Enter")
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")


def test_go_to_keys_are_places_on_the_keyboard_and_silent_while_typing(tab: Page, project: Project):
    here = tab.url
    tab.get_by_label("E-mail").focus()
    tab.keyboard.type("gw?/")
    assert tab.get_by_label("E-mail").input_value() == "gw?/"
    assert tab.url == here
    tab.get_by_label("E-mail").blur()
    press(tab, ("KeyG", "п"), ("KeyW", "ц"))  # the letter counts for two seconds
    tab.wait_for_url(f"**{reverse('workers', args=[project.public_id])}")


def test_the_help_sheet_tells_the_keys_and_switches_them_off_for_good(tab: Page, project: Project):
    tab.keyboard.press("Shift+Slash")
    sheet = tab.get_by_role("dialog")
    expect(sheet).to_contain_text("search, or go anywhere")
    expect(sheet.locator("li", has_text="Workers").locator("kbd")).to_have_text("W")
    assert breaches(tab) == []
    with tab.expect_response("**/account/keys/"):
        sheet.get_by_label("Switch single letters").check()
    sheet.get_by_role("button", name="Close").click()
    tab.reload()
    tab.wait_for_load_state("networkidle")
    here = tab.url
    press(tab, ("KeyG", "g"), ("KeyW", "w"), ("Slash", "/"))
    tab.wait_for_timeout(300)
    assert tab.url == here
    expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.keyboard.press("Control+k")
    expect(tab.get_by_role("combobox", name="Go to")).to_be_focused()
