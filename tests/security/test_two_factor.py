"""Two-factor sign-in: a code beside the password, each good once, five guesses; asked again before harm."""

import re
import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from urllib.parse import urlsplit

import pyotp
import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse

from crowd.errors import CrowdError
from curation.dashboard import proving, two_factor
from curation.dashboard.proving import FRESH_SECONDS, PROVED
from curation.models import Event, Project, RecoveryCode, SecondFactor, User
from curation.services import second_factor
from curation.services.people import sign_in_link
from tests.factories import make_project

pytestmark = pytest.mark.django_db
PASSWORD = "Alice-likes-winnow"
PAGE, DOOR, ASKED = reverse("two-factor"), reverse("sign-in"), reverse("sign-in-code")

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (two_factor, proving):
        monkeypatch.setattr(module, "database_now", lambda: NOW)


@pytest.fixture
def alice(people: dict[str, User]) -> User:
    user = people["Alice"]
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def codes(alice: User) -> list[str]:
    """Switch two-factor sign-in on, a while ago, and return the recovery codes."""
    second_factor.begin(user=alice)
    found = second_factor.confirm(user=alice, code=code_of(alice, -10), now=NOW - timedelta(minutes=5))
    assert found is not None
    return found


def code_of(user: User, steps: int = 0) -> str:
    """Return what the telephone shows now, or showed so many half-minutes ago."""
    secret = SecondFactor.objects.get(user=user).secrets["totp"]
    return pyotp.TOTP(secret).at(NOW, counter_offset=steps)


def half_in(alice: User) -> Client:
    client = Client()
    answer = client.post(DOOR, {"email": alice.email, "password": PASSWORD, "next": "/account/"})
    assert answer["Location"] == ASKED
    return client


def test_it_is_set_up_with_a_code_to_scan_and_ten_recovery_codes(browser: Client, alice: User):
    assert browser.post(PAGE, {"act": "begin"})["Location"] == PAGE
    page = browser.get(PAGE).content.decode()
    assert "<svg" in page
    key = re.search(r'class="otp-key">([^<]+)<', page).group(1).replace(" ", "")
    assert "data-take-along" in page
    assert browser.post(PAGE, {"act": "confirm", "code": "000000"}).status_code == 400
    page = browser.post(PAGE, {"act": "confirm", "code": pyotp.TOTP(key).at(NOW)}).content.decode()
    shown = re.findall(r"<li><code>([a-z2-7-]{19})</code>", page)
    assert len(set(shown)) == 10
    assert '<ul class="recovery" data-take-along>' in page
    stored = b"".join(bytes(one) for one in RecoveryCode.objects.values_list("code_hash", flat=True))
    assert not any(one.replace("-", "").encode() in stored for one in shown)
    assert shown[0] not in browser.get(PAGE).content.decode()


def test_the_secret_is_ciphertext_in_the_database(alice: User):
    key = second_factor.begin(user=alice).secrets["totp"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM curation_secondfactor")
        assert key not in cursor.fetchone()[0]


def test_a_password_alone_opens_nothing(alice: User, codes: list[str]):
    client = half_in(alice)
    assert client.get("/")["Location"].startswith(DOOR)
    assert client.get("/api/v1/projects").status_code == 401
    assert client.post(ASKED, {"code": code_of(alice)})["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_a_sign_in_link_alone_opens_nothing_either(alice: User, codes: list[str]):
    client = Client()
    assert client.post(urlsplit(sign_in_link(user=alice, base_url="http://t")).path)["Location"] == ASKED
    assert client.get("/").status_code == 302


def test_a_code_counts_once_even_within_its_half_minute(alice: User, codes: list[str]):
    code = code_of(alice)
    assert half_in(alice).post(ASKED, {"code": code}).status_code == 302
    assert half_in(alice).post(ASKED, {"code": code}).status_code == 400


def test_a_code_of_two_minutes_ago_is_too_old(alice: User, codes: list[str]):
    assert half_in(alice).post(ASKED, {"code": code_of(alice, -4)}).status_code == 400


def test_a_recovery_code_opens_once(alice: User, codes: list[str]):
    assert half_in(alice).post(ASKED, {"code": codes[3].upper()}).status_code == 302
    assert half_in(alice).post(ASKED, {"code": codes[3]}).status_code == 400
    assert second_factor.codes_left(alice) == 9


def test_five_wrong_codes_close_it_even_for_the_right_one_and_from_everywhere(alice: User, codes: list[str]):
    client = half_in(alice)
    assert [client.post(ASKED, {"code": f"00000{n}"}).status_code for n in range(5)] == [400] * 5
    refused = client.post(ASKED, {"code": code_of(alice)})
    assert refused.status_code == 429
    assert "ask your operator to reset two-factor sign-in" in refused.content.decode()
    assert half_in(alice).post(ASKED, {"code": codes[0]}).status_code == 429


def test_whoever_waits_too_long_at_the_code_begins_again(alice: User, codes: list[str]):
    client = half_in(alice)
    session = client.session
    session["half_in"] = {**session["half_in"], "at": time.time() - 301}
    session.save()
    assert client.post(ASKED, {"code": code_of(alice)})["Location"] == DOOR


def test_the_session_gets_a_new_name_at_each_step(alice: User, codes: list[str]):
    client = Client()
    client.get(DOOR)
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    client.post(DOOR, {"email": alice.email, "password": PASSWORD})
    between = client.cookies["sessionid"].value
    client.post(ASKED, {"code": code_of(alice)})
    assert len({planted, between, client.cookies["sessionid"].value}) == 3


def test_it_is_switched_off_only_with_a_code_and_each_change_is_on_record(browser: Client, alice: User, codes):
    assert browser.post(PAGE, {"act": "off", "code": "123456"}).status_code == 400
    assert second_factor.is_on(alice)
    assert browser.post(PAGE, {"act": "codes", "code": codes[0]}).status_code == 200
    assert browser.post(PAGE, {"act": "off", "code": code_of(alice)}).status_code == 302
    assert not second_factor.is_on(alice)
    kinds = Event.objects.filter(kind__startswith="two_factor.").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["two_factor.on", "two_factor.codes", "two_factor.off"]


def test_the_operator_resets_it_with_a_new_link(alice: User, codes: list[str]):
    told = StringIO()
    call_command("sign_in_link", alice.email, "--reset-two-factor", stdout=told)
    client = Client()
    assert client.post(urlsplit(told.getvalue().strip()).path)["Location"] == "/"
    assert client.get("/account/").status_code == 200
    assert Event.objects.filter(kind="two_factor.reset").count() == 1


@pytest.fixture
def other_keys(settings, codes: list[str]) -> None:
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]


def test_where_the_keys_are_lost_a_recovery_code_still_opens_and_switches_off(alice: User, codes, other_keys):
    client = half_in(alice)
    assert client.post(ASKED, {"code": "123456"}).status_code == 400
    assert client.post(ASKED, {"code": codes[0]})["Location"] == "/account/"
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, {"act": "off", "code": codes[1]}).status_code == 302
    assert client.post(PAGE, {"act": "begin"})["Location"] == PAGE
    assert 'class="otp-key"' in client.get(PAGE).content.decode()


def test_where_the_keys_are_lost_the_operator_resets_it(alice: User, codes: list[str], other_keys):
    call_command("sign_in_link", alice.email, "--reset-two-factor", stdout=StringIO())
    assert not second_factor.is_on(alice)


def test_an_old_key_can_go_after_the_next_code(settings, alice: User, codes: list[str]):
    new = Fernet.generate_key().decode()
    settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]
    assert second_factor.accept(user=alice, code=code_of(alice), now=NOW)
    settings.FIELD_KEYS = [new]
    assert second_factor.accept(user=alice, code=code_of(alice, 1), now=NOW)


def test_a_set_up_that_was_begun_with_lost_keys_begins_anew(browser: Client, alice: User, settings):
    second_factor.begin(user=alice)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    assert "Set it up" in browser.get(PAGE).content.decode()
    assert browser.post(PAGE, {"act": "confirm", "code": "123456"}).status_code == 400
    assert browser.post(PAGE, {"act": "begin"}).status_code == 302


def test_a_reset_ends_the_sessions_of_whoever_found_the_telephone(alice: User, codes: list[str], people):
    found, other = half_in(alice), Client()
    found.post(ASKED, {"code": codes[0]})
    other.force_login(people["Vera"])
    second_factor.reset(user=alice)
    assert found.get("/account/").status_code == 302
    assert other.get("/account/").status_code == 200


def test_a_session_with_the_code_of_an_older_telephone_is_asked_for_the_new_one(settings, alice: User, codes):
    make_project(lead=alice)
    client = half_in(alice)
    client.post(ASKED, {"code": codes[0]})
    second_factor.switch_off(user=alice, code=codes[1], now=NOW)
    settings.REQUIRE_TWO_FACTOR = "leads"
    assert client.get("/")["Location"] == PAGE
    second_factor.begin(user=alice)
    second_factor.confirm(user=alice, code=code_of(alice), now=NOW)
    assert client.get("/")["Location"].startswith("/account/confirm/")


def test_a_server_that_requires_it_shows_leads_nothing_before(settings, browser: Client, alice: User, people):
    make_project(lead=alice, viewer=people["Vera"])
    settings.REQUIRE_TWO_FACTOR = "leads"
    assert browser.get("/")["Location"] == PAGE
    problem = browser.get("/api/v1/projects").json()
    assert problem["code"] == "two_factor_required"
    assert set(problem) == {"type", "title", "status", "code", "detail"}
    assert browser.get(PAGE).status_code == 200
    browser.post(PAGE, {"act": "begin"})
    browser.post(PAGE, {"act": "confirm", "code": code_of(alice)})
    assert browser.get("/").status_code == 200
    vera = Client()
    vera.force_login(people["Vera"])
    assert vera.get("/").status_code == 200


def test_a_session_from_before_is_asked_for_the_code(settings, browser: Client, alice: User, codes: list[str]):
    make_project(lead=alice)
    settings.REQUIRE_TWO_FACTOR = "leads"
    assert browser.get("/?a=1")["Location"] == "/account/confirm/?next=%2F%3Fa%3D1"
    browser.post("/account/confirm/", {"code": code_of(alice), "next": "/"})
    assert browser.get("/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_second_tab_does_not_change_the_secret_that_is_just_being_confirmed(alice: User):
    key = second_factor.begin(user=alice).secrets["totp"]
    said: list[str] = []

    def second_tab() -> None:
        try:
            second_factor.begin(user=alice)
        except CrowdError as error:
            said.append(str(error))
        connections.close_all()

    tab = threading.Thread(target=second_tab)
    with transaction.atomic():
        assert second_factor.confirm(user=alice, code=code_of(alice), now=NOW)
        tab.start()
        wait_until_somebody_waits()
    tab.join()
    assert SecondFactor.objects.get().secrets["totp"] == key
    assert said[0].startswith("Two-factor sign-in is on already")


def wait_until_somebody_waits() -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the lock")


# --- asked again before what cannot be taken back ------------------------------------------------------------------
def grow_stale(client: Client) -> None:
    session = client.session
    session[PROVED] = int(time.time()) - FRESH_SECONDS - 5
    session.save()


@pytest.fixture
def stale(browser: Client) -> Client:
    grow_stale(browser)
    return browser


DOORS = ["settings-trash", "member-add", "settings-tokens", "budget", "budget-set", "budget-remove", "by-hand"]


@pytest.mark.parametrize("name", DOORS)
def test_what_opens_doors_or_destroys_asks_again_after_a_quarter_of_an_hour(name, stale, alice, project: Project):
    place = reverse(name, args=[project.public_id])
    form = {"name": project.name, "email": "new@example.org", "role": "lead", "scopes": "read", "limit": "900"}
    form |= {"place": "project", "what": "refund", "book": "charge", "amount": "1", "token": "0" * 16}
    before = Event.objects.count()
    answer = stale.post(place, form, headers={"Referer": f"http://testserver/p/{project.public_id}/settings/"})
    assert urlsplit(answer["Location"]).path == "/account/confirm/"
    assert Event.objects.count() == before
    back = f"/p/{project.public_id}/settings/"
    assert stale.post(answer["Location"], {"password": "wrong", "next": back}).status_code == 400
    assert stale.post(answer["Location"], {"password": PASSWORD, "next": back})["Location"] == back
    assert urlsplit(stale.post(place, form).headers.get("Location", "")).path != "/account/confirm/"


def test_whoever_came_by_a_link_long_ago_sets_it_up_where_it_is_required(settings, browser: Client, alice: User):
    make_project(lead=alice)
    alice.set_unusable_password()
    alice.save()
    browser.force_login(alice)
    grow_stale(browser)
    settings.REQUIRE_TWO_FACTOR = "leads"
    assert browser.get("/")["Location"] == PAGE
    assert browser.post(PAGE, {"act": "begin"})["Location"] == PAGE
    assert browser.post(PAGE, {"act": "confirm", "code": code_of(alice)}).status_code == 200
    assert browser.get("/").status_code == 200


def test_an_unfinished_set_up_is_neither_shown_nor_finished_without_asking(stale: Client, alice: User):
    second_factor.begin(user=alice)
    assert "otp-key" not in stale.get(PAGE).content.decode()
    answer = stale.post(PAGE, {"act": "confirm", "code": code_of(alice)})
    assert answer["Location"].startswith("/account/confirm/")
    assert not second_factor.is_on(alice)


def test_asking_again_never_leads_to_another_site(stale: Client, alice: User):
    answer = stale.post("/account/confirm/", {"password": PASSWORD, "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_the_password_cannot_be_guessed_at_the_page_that_asks_again(stale: Client, alice: User):
    for _ in range(5):
        stale.post("/account/confirm/", {"password": "wrong"})
    assert stale.post("/account/confirm/", {"password": PASSWORD}).status_code == 429
    change = {"current": PASSWORD, "password": "another long password"}
    assert stale.post("/account/", change).status_code == 429


@pytest.mark.parametrize("has_password", [True, False])
def test_a_new_password_proves_nothing_where_a_code_is_asked(browser, alice: User, codes, has_password: bool):
    if not has_password:
        alice.set_unusable_password()
        alice.save()
        browser.force_login(alice)
    grow_stale(browser)
    new = {"current": PASSWORD, "password": "another long password"}
    assert browser.post("/account/", new)["Location"].startswith("/account/confirm/")
    assert User.objects.get(pk=alice.pk).password == alice.password
    browser.post("/account/confirm/", {"code": codes[0]})
    assert browser.post("/account/", new)["Location"] == "/account/"
    assert User.objects.get(pk=alice.pk).check_password("another long password")
