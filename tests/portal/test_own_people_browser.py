"""A lead invites by a code; a worker paid by the hour works, appeals and reads her earnings on a phone."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from crowd.models import Appeal, Assignment
from crowd.services import claims, teams
from crowd.services.teams import Terms
from tests import scenes
from tests.browsing import DESK, PHONE, breaches, chromium, fits, let_the_server_finish, watched
from tests.portal.conftest import phone_of
from tests.portal.test_own_people import rejected, work

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def world():
    return scenes.project()


@pytest.fixture
def wanda():
    return scenes.worker("Wanda")


@pytest.fixture
def phone(browser, live_server, wanda):
    cookie = phone_of(wanda).cookies["sessionid"].value
    with watched(browser, live_server.url, cookie=cookie, **PHONE) as page:
        yield page


def test_she_sees_what_her_time_is_worth_while_she_works(phone, world, wanda):
    team = teams.make(account=wanda.account, name="Students", terms=Terms("hour", 36_000_000))
    teams.move(worker_id=wanda.pk, team=team)
    batch = work(world, assignment_seconds=600)
    begun = timezone.now() - timedelta(seconds=100)
    claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=begun)
    phone.goto(reverse("w-home"))
    expect(phone.get_by_text("$36.00 an hour")).to_be_visible()
    phone.get_by_role("link", name="Go on").tap()
    expect(phone.get_by_text("This page so far $1.")).to_be_visible()
    assert fits(phone)
    assert breaches(phone) == []
    phone.get_by_role("button", name="Yes").tap()
    here = phone.url
    phone.get_by_role("button", name="Hand in").tap()
    phone.wait_for_url(lambda url: url.split("?")[0] != here.split("?")[0])
    paid = Assignment.objects.get(state=Assignment.State.ACCEPTED)
    assert 1_000_000 <= paid.price_micro < 2_000_000


def test_she_appeals_on_her_phone_and_looks_at_her_earnings(phone, world, wanda):
    rejected(world, wanda)
    phone.goto(reverse("w-home"))
    phone.get_by_role("link", name="Appeal").tap()
    expect(phone.get_by_label("Why is it right?")).to_be_visible()
    assert fits(phone)
    assert breaches(phone) == []
    phone.get_by_label("Why is it right?").fill("I know these signs well.")
    phone.get_by_role("button", name="Send the appeal").tap()
    expect(phone.get_by_text("Your appeal is being looked at.")).to_be_visible()
    assert Appeal.objects.get().text == "I know these signs well."
    phone.get_by_role("link", name="Earnings, day by day").tap()
    expect(phone.get_by_text("1 page not accepted")).to_be_visible()
    assert fits(phone)
    assert breaches(phone) == []


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_lead_invites_by_a_code(browser, live_server, world, device):
    desk = Client()
    desk.force_login(scenes.person("Alice"))
    context = browser.new_context(base_url=live_server.url, **device)
    context.add_cookies([{"name": "sessionid", "value": desk.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(reverse("inhouse", args=[world.public_id]))
    page.get_by_role("button", name="Make a link").click()
    code = page.locator(".qr svg")
    expect(code).to_be_visible()
    page.wait_for_load_state()
    box = code.bounding_box()
    assert box is not None
    assert abs(box["width"] - box["height"]) < 2
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name=re.compile("Copied|Selected"))).to_be_visible()
    assert fits(page)
    assert breaches(page) == []
    context.close()
    let_the_server_finish()
