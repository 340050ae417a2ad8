"""A page learns in one statement whose session it is, who that is and which keys are theirs; nobody stays by that."""

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from curation.models import OwnKeys, Session
from curation.services.own_keys import keep_keys
from curation.sessions import SessionStore
from tests.factories import make_user

PASSWORD = "Alice-likes-winnow"

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("Alice")


@pytest.fixture
def browser(alice):
    browser = Client()
    browser.post(reverse("sign-in"), {"email": alice.email, "password": PASSWORD})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(reverse("account")).status_code == 200


def test_session_person_and_keys_are_one_statement(alice, browser):
    keep_keys(user=alice, keys={"review": {"accept": "KeyQ"}})
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(reverse("help"))
    assert page.context["shell"].start["keys"] == {"review": {"accept": "KeyQ"}}
    tables = [Session._meta.db_table, alice._meta.db_table, OwnKeys._meta.db_table]
    about = [one["sql"] for one in asked if any(f'FROM "{table}"' in one["sql"] for table in tables)]
    assert len(about) == 1


def test_who_is_no_longer_active_is_out_at_the_next_page(alice, browser):
    assert is_in(browser)
    alice.is_active = False
    alice.save(update_fields=["is_active"])
    assert not is_in(browser)


def test_a_new_password_ends_the_sessions_of_the_old_one(alice, browser):
    assert is_in(browser)
    alice.set_password("Another-one-entirely")
    alice.save(update_fields=["password"])
    assert not is_in(browser)
    assert not Session.objects.filter(user=alice).exists()


def test_a_session_whose_row_names_somebody_else_belongs_to_whom_it_was_signed_for(alice, browser):
    bob = make_user("Bob")
    Session.objects.filter(user=alice).update(user=bob)
    assert browser.get(reverse("account")).context["user"] == alice


def test_a_session_that_an_earlier_release_wrote_is_still_good(alice, browser):
    Session.objects.update(user=None)
    assert browser.get(reverse("account")).context["user"] == alice


def test_a_session_signed_in_by_a_way_that_is_no_more_is_nobodys(browser, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert not is_in(browser)


def test_a_person_named_by_the_row_alone_is_not_signed_in(alice, browser):
    session = browser.session
    del session[SESSION_KEY]
    session.save()
    Session.objects.update(user=alice)
    assert not is_in(browser)


def test_nobody_chooses_the_key_of_a_session():
    store = SessionStore("k" * 32)
    assert store.load() == {}
    assert store.session_key is None
