"""Where a person is signed in: listed on the own account page, and ended there."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from crowd.clock import database_now
from curation.engine.housekeeping import clear_old_rows
from curation.models import Event, Session
from curation.services.sessions import browser_of
from tests.factories import make_user

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TELEPHONE = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
PASSWORD = "Alice-likes-winnow"

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("Alice")


def signed_in(user, agent: str) -> Client:
    browser = Client(headers={"User-Agent": agent})
    answer = browser.post(reverse("sign-in"), {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(reverse("account")).status_code == 200


def listed(browser: Client) -> list[tuple[str, bool]]:
    return [(one.browser, one.is_this) for one in browser.get(reverse("account")).context["sessions"]]


def test_the_account_page_lists_the_own_browsers_and_no_one_elses(alice):
    desk, _ = signed_in(alice, FIREFOX), signed_in(alice, TELEPHONE)
    bob = make_user("Bob")
    Client(headers={"User-Agent": EDGE}).force_login(bob)
    assert listed(desk) == [("Firefox on Linux", True), ("Chrome on Android", False)]


def test_one_session_is_ended_and_the_others_stay(alice):
    desk, telephone, other = (signed_in(alice, agent) for agent in (FIREFOX, TELEPHONE, EDGE))
    page = desk.get(reverse("account"))
    (name,) = [one.name for one in page.context["sessions"] if one.browser == "Chrome on Android"]
    assert desk.post(reverse("own-session-end", args=[name])).status_code == 302
    assert [is_in(browser) for browser in (desk, telephone, other)] == [True, False, True]
    told = Event.objects.get(kind="person.sessions_ended")
    assert told.by == alice


def test_all_others_are_ended_at_once(alice):
    desk, telephone, other = (signed_in(alice, agent) for agent in (FIREFOX, TELEPHONE, EDGE))
    desk.post(reverse("own-sessions-end"))
    assert [is_in(browser) for browser in (desk, telephone, other)] == [True, False, False]
    desk.post(reverse("own-sessions-end"))
    assert Event.objects.filter(kind="person.sessions_ended").count() == 1, "nothing was left to end"


def test_nobody_ends_the_session_of_somebody_else(alice):
    desk, bob = signed_in(alice, FIREFOX), make_user("Bob")
    name = desk.get(reverse("account")).context["sessions"][0].name
    his = Client()
    his.force_login(bob)
    assert his.post(reverse("own-session-end", args=[name])).status_code == 404
    assert is_in(desk)


def test_the_page_gives_no_session_away(alice):
    desk, _ = signed_in(alice, FIREFOX), signed_in(alice, TELEPHONE)
    page = desk.get(reverse("account")).content.decode()
    keys = list(Session.objects.filter(user=alice).values_list("session_key", flat=True))
    assert len(keys) == 2
    assert not [key for key in keys if key in page]


def test_sessions_from_before_the_column_are_found_too(alice):
    desk = signed_in(alice, FIREFOX)
    Client().get(reverse("sign-in"))
    Session.objects.create(session_key="of-nobody", session_data="not signed", expire_date="2099-01-01T00:00Z")
    Session.objects.update(user=None)
    assert listed(desk) == []
    import_module("curation.migrations.0039_sessions_of_people").say_whose(apps, None)
    assert listed(desk) == [("Firefox on Linux", True)]
    assert Session.objects.get(session_key="of-nobody").user is None


def test_signing_out_leaves_no_session_of_the_person(alice):
    desk = signed_in(alice, FIREFOX)
    desk.post(reverse("sign-out"))
    assert not Session.objects.filter(user=alice).exists()


def test_a_browser_may_sign_itself_out_by_its_name(alice):
    desk = signed_in(alice, FIREFOX)
    name = desk.get(reverse("account")).context["sessions"][0].name
    assert desk.post(reverse("own-session-end", args=[name])).status_code == 302
    assert desk.get(reverse("account")).status_code == 302


def test_sessions_that_are_over_do_not_stay(alice):
    desk, telephone = signed_in(alice, FIREFOX), signed_in(alice, TELEPHONE)
    now = database_now()
    Session.objects.filter(pk=telephone.session.session_key).update(expire_date=now - timedelta(seconds=1))
    clear_old_rows(now=now)
    assert [row.pk for row in Session.objects.all()] == [desk.session.session_key]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (TELEPHONE, "Chrome on Android"),
        (EDGE, "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.9", "A browser on an unknown system"),
        ("<script>alert(1)</script>", "A browser on an unknown system"),
    ],
)
def test_browsers_are_named_in_words_of_our_own(agent, words):
    assert browser_of(agent) == words
