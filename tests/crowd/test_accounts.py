"""Accounts on platforms: secrets go in and stay in, addresses stay outside, a test says what to do."""

import logging
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Account, Batch, OutboxCommand, PlatformEvent
from crowd.platforms import connecting, registry
from crowd.services import account_health, accounts, quotas
from crowd.services.accounts import Plan
from curation.embedded.checkup_accounts import account_findings
from tests.crowd import farside, market
from tests.crowd.farside import GOOD, nowhere, private, public
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _farside(monkeypatch: pytest.MonkeyPatch):
    farside.set_up(monkeypatch)


def plan(token: str = GOOD, **changed: Any) -> Plan:
    entered = {"label": "Our account", "currency": "eur", "commission": "30", "settings": {"workspace": "w1"}}
    return Plan(**{**entered, "secrets": {"token": token} if token else {}, **changed})


def connect(token: str = GOOD, resolve=public, **changed: Any) -> Account:
    return accounts.connect(platform="farside", plan=plan(token, **changed), by_id=7, resolve=resolve)


def test_an_account_is_kept_as_it_was_entered():
    row = Account.objects.get(pk=connect().pk)
    assert (row.slug, row.currency, row.commission_percent) == ("our-account", "EUR", Decimal(30))
    assert row.settings == {"workspace": "w1", "yandex": False}
    assert dict(row.secrets) == {"token": GOOD}


def test_two_accounts_of_one_name_get_two_addresses_and_none_is_called_new():
    assert [connect().slug for _ in range(3)] == ["our-account", "our-account-2", "our-account-3"]
    assert connect(label="New").slug == "new-2"
    assert connect(label="本").slug == "account"


def test_the_database_holds_no_secret_in_plain():
    row = connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT crowd_account::text FROM crowd_account WHERE id = %s", [row.pk])
        assert GOOD not in cursor.fetchone()[0]


def test_no_word_about_an_account_shows_its_secret():
    row = connect()
    told = plan()
    for thing in (row, row.secrets, told, vars(row)):
        assert GOOD not in repr(thing)
        assert GOOD not in str(thing)
    assert accounts.hints(row) == {"token": "…4711"}


def test_of_a_short_secret_not_even_the_end_is_shown():
    assert accounts.hints(connect("abc1234")) == {"token": "set"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"label": "  "}, "name of 1 to 120 letters"),
        ({"label": "x" * 121}, "name of 1 to 120 letters"),
        ({"currency": "EURO"}, "three letters, such as USD, not 'EURO'"),
        ({"commission": "101"}, "from 0 to 100"),
        ({"commission": "NaN"}, "from 0 to 100"),
        ({"commission": "1.005"}, "at most two decimals"),
        ({"commission": "much"}, "not 'much'"),
        ({"settings": {}}, "Workspace is missing"),
        ({"token": ""}, "Access token is missing"),
        ({"token": "two words"}, "Access token holds a space"),
        ({"token": "tok\u200ben-with-zero-width"}, "Access token holds a space or a character"),
        ({"token": "x" * 4_001}, "Access token holds"),
        ({"base_url": "http://far.example"}, "must start with https"),
        ({"base_url": "https://far.example:8443"}, "Port 8443 of far.example cannot be used"),
        ({"base_url": "https://user:pw@far.example"}, "must look like"),
        ({"base_url": "https://" + "a" * 300 + ".example"}, "at most 300"),
    ],
)
def test_what_is_entered_wrongly_is_refused_with_a_sentence(changed, sentence):
    with pytest.raises(CrowdError, match=sentence) as refused:
        connect(**changed)
    assert GOOD not in str(refused.value)
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    "address", ["https://127.0.0.1", "https://[::1]", "https://169.254.169.254", "https://0.0.0.0"]
)
def test_an_address_inside_our_own_network_is_refused(address):
    with pytest.raises(CrowdError, match=r"not on the public internet.*ALLOW_PRIVATE_HOSTS"):
        accounts.connect(platform="farside", plan=plan(base_url=address), by_id=1)


def test_a_public_name_that_leads_inside_is_refused():
    with pytest.raises(CrowdError, match=r"intern\.example is not on the public internet"):
        connect(base_url="https://intern.example", resolve=private)


def test_the_operator_can_allow_an_emulator(settings):
    settings.ALLOWED_PRIVATE_HOSTS = frozenset({"127.0.0.1:8100"})
    row = accounts.connect(platform="farside", plan=plan(base_url="http://127.0.0.1:8100/toloka/"), by_id=1)
    assert row.base_url == "http://127.0.0.1:8100/toloka"
    with pytest.raises(CrowdError, match="must start with https"):
        accounts.connect(platform="farside", plan=plan(base_url="http://127.0.0.1:8101"), by_id=1)


def test_an_address_that_is_down_can_be_entered_and_the_test_says_so():
    row = connect(base_url="https://down.example", resolve=nowhere)
    health = account_health.examine(row, resolve=nowhere)
    assert not health.ok
    assert "no server called down.example" in health.sentence
    assert "https://down.example is the right address" in health.sentence


def test_an_address_is_looked_at_again_before_each_test():
    row = connect(base_url="https://moves.example")
    health = account_health.examine(row, resolve=private)
    assert "moves.example is not on the public internet" in health.sentence


def test_only_platforms_that_can_be_connected_are():
    for slug in ("inhouse", "rehearsal"):
        with pytest.raises(CrowdError):
            accounts.connect(platform=slug, plan=plan(), by_id=1)
    with pytest.raises(CrowdError, match="'yahoo' is not a platform"):
        accounts.connect(platform="yahoo", plan=plan(), by_id=1)


def test_a_change_without_secrets_keeps_them():
    row = accounts.change(account_id=connect().pk, plan=plan("", label="Renamed"), resolve=public)
    assert Account.objects.get(pk=row.pk).secrets == {"token": GOOD}
    assert row.slug == "our-account"


def test_nobody_can_send_a_kept_secret_to_a_server_of_his_own():
    row = connect()
    with pytest.raises(CrowdError, match="entered again: Access token"):
        accounts.change(account_id=row.pk, plan=plan("", base_url="https://mine.example"), resolve=public)
    assert Account.objects.get(pk=row.pk).base_url == ""
    accounts.change(account_id=row.pk, plan=plan("another-one-99", base_url="https://mine.example"), resolve=public)
    assert Account.objects.get(pk=row.pk).secrets == {"token": "another-one-99"}


def test_the_currency_stays_once_there_are_pools():
    row = connect()
    accounts.change(account_id=row.pk, plan=plan(currency="USD"), resolve=public)
    market.batch(at=row)
    with pytest.raises(CrowdError, match="in USD"):
        accounts.change(account_id=row.pk, plan=plan(currency="EUR"), resolve=public)


def test_a_key_that_is_gone_locks_nobody_out(settings):
    row = connect()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    again = Account.objects.defer("secrets").get(pk=row.pk)
    assert accounts.hints(again) == {}
    assert "cannot be decrypted" in account_health.check(account_id=row.pk, now=NOON).note
    accounts.change(account_id=row.pk, plan=plan("fresh-token-0815"), resolve=public)
    assert Account.objects.get(pk=row.pk).secrets == {"token": "fresh-token-0815"}


def test_a_new_webhook_secret_is_told_with_every_batch_that_is_there():
    row = connect()
    there = market.batch(at=row, published_at=NOON)
    market.batch(at=row, published_at=NOON, state=Batch.State.ARCHIVED)
    market.batch(at=row)
    accounts.rotate_webhook_secret(account_id=row.pk, now=NOON)
    first = Account.objects.get(pk=row.pk).secrets
    accounts.rotate_webhook_secret(account_id=row.pk, now=NOON + market.MINUTE)
    second = Account.objects.get(pk=row.pk).secrets
    assert first["webhook"] != second["webhook"]
    assert second["token"] == GOOD
    told = OutboxCommand.objects.filter(kind="publish_batch")
    assert set(told.values_list("batch_id", flat=True)) == {there.pk}
    assert told.count() == 2


def test_where_the_platform_makes_the_webhook_secret_ours_is_forgotten_and_a_pool_asks_for_one(monkeypatch):
    row = connect()
    terms = replace(connecting.TERMS["farside"], makes_own_webhook_secret=True)
    monkeypatch.setitem(connecting.TERMS, "farside", terms)
    Account.objects.filter(pk=row.pk).update(secrets={**row.secrets, "webhook": "replaced-there"})
    there = market.batch(at=row, published_at=NOON)
    accounts.rotate_webhook_secret(account_id=row.pk, now=NOON)
    assert Account.objects.get(pk=row.pk).secrets == {"token": GOOD}
    assert OutboxCommand.objects.get().batch_id == there.pk


def test_every_registered_platform_says_what_it_wants_to_know():
    assert set(connecting.TERMS) - {"farside"} == set(registry.PLATFORMS) - {"farside"}


def test_an_account_with_open_pools_stays_in_use():
    row = connect()
    batch = market.batch(at=row)
    with pytest.raises(CrowdError, match="1 pool is open on Our account"):
        accounts.set_active(account_id=row.pk, active=False)
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.PAUSED)
    assert not accounts.set_active(account_id=row.pk, active=False).is_active
    assert accounts.set_active(account_id=row.pk, active=True).is_active


def test_a_good_test_is_remembered_with_its_balance():
    row = account_health.check(account_id=connect().pk, now=NOON)
    kept = Account.objects.get(pk=row.pk)
    assert (kept.is_well, kept.checked_at, kept.balance_micro) == (True, NOON, 12_500_000)
    assert kept.note == "Signed in as Alice with …."


@pytest.mark.parametrize(
    ("token", "sentences"),
    [
        ("wrong-token", ["does not accept the token …", "Make a new token or key on the platform"]),
        ("poor-token", ["There is 0.00 left", "Top the account up"]),
        ("busy-token", ["pools: 100 a day are used", "Nothing has to be done"]),
        ("lost-token", ["does not answer", "See whether https://far.example is the right address"]),
        ("odd-token", ["was no JSON", "Test again in a minute"]),
        ("rude-token", ["broke off (ZeroDivisionError)", "The log of this server"]),
    ],
)
def test_a_bad_test_says_what_is_wrong_and_what_to_do(token, sentences, caplog):
    caplog.set_level(logging.DEBUG)
    row = account_health.check(account_id=connect(token).pk, now=NOON)
    assert row.is_well is False
    for sentence in sentences:
        assert sentence in row.note
    assert token not in row.note
    assert token not in caplog.text


def test_a_webhook_that_fell_silent_is_noticed():
    row = connect(currency="USD")
    batch = market.batch(at=row)
    assert "There is no secret yet" in account_health.about_webhook(row)
    row = accounts.rotate_webhook_secret(account_id=row.pk, now=NOON)
    assert account_health.about_webhook(row) == "No notification has come yet."
    PlatformEvent.objects.create(account=row, event_id="1", kind="page", received_at=NOON)
    assert account_health.about_webhook(row) == "The last notification came on 4 May at 12:00 UTC."
    market.tasks(batch)
    market.sent(batch, market.worker(row), NOON + market.MINUTE)
    assert "may have revoked the webhook: make a new secret" in account_health.about_webhook(row)


def test_the_doctor_asks_every_account_and_says_how_to_mend_it(monkeypatch):
    monkeypatch.setattr(registry, "elsewhere", lambda: frozenset({"farside"}))
    good, bad, tired = connect(label="Good"), connect("wrong-token", label="Bad"), connect(label="Tired")
    accounts.set_active(account_id=tired.pk, active=False)
    market.account()
    Account.objects.filter(pk=good.pk).update(commission_percent=None)
    quotas.take(account=good, name="overlap_changes", n=9, now=database_now())
    found = [(one.name, one.level) for one in account_findings()]
    assert found == [
        ("account bad", "fail"),
        ("account good", "ok"),
        ("account good", "warn"),
        ("account good", "warn"),
    ]
    lines = "\n".join(one.line() for one in account_findings())
    assert "see /accounts/bad/" in lines
    assert "9 of 10 overlap_changes an hour are used" in lines
    assert "wrong-token" not in lines
    assert not Account.objects.filter(checked_at__isnull=False).exists()
    assert bad.is_well is None
