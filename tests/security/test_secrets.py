"""Planted secrets: not in the rows of any table, a log line, a page, an answer of the API, an export, an error page."""

import io
import json
import logging
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from crowd.errors import AuthFailed
from crowd.platforms.base import Health
from crowd.services import account_health, accounts
from crowd.services.accounts import Plan
from curation.logs import JsonLine
from curation.models import Export, Job, User
from curation.services import jobs, second_factor, webhooks
from curation.services.people import sign_in_link
from tests.api.conftest import Caller, token_of
from tests.api.conftest import world as api_world
from tests.api.test_access import ROUTES
from tests.api.test_strangers import addresses, url_of, world
from tests.security.test_matrix import roles

__all__ = ["api_world", "roles", "world"]
pytestmark = pytest.mark.django_db
PLATFORM = "planted-platform-token-5fd0"
PASSWORD = "planted-password-77aa"


@pytest.fixture
def planted(people: dict[str, User], project, api_world) -> dict[str, str]:
    """Put a secret of every kind where people would, and return them by name."""
    alice = people["Alice"]
    alice.set_password(PASSWORD)
    alice.save()
    plan = Plan(label="Planted", base_url="https://planted.example", secrets={"token": PLATFORM})
    account = accounts.connect(platform="toloka", plan=plan, by_id=alice.pk, resolve=lambda _: ["93.184.215.14"])
    accounts.rotate_webhook_secret(account_id=account.pk, now=timezone.now())
    account.refresh_from_db()
    _, signing = webhooks.make(
        project=project, url="https://team.example/x", topics=["pool.finished"], by=alice, now=timezone.now()
    )
    return {
        "platform token": PLATFORM,
        "webhook of a platform": account.secrets["webhook"],
        "webhook": signing.removeprefix("whsec_"),
        "password": PASSWORD,
        "API token": token_of(alice).split("_", 2)[2],
        "sign-in link": sign_in_link(user=alice, base_url="http://t").rstrip("/").rpartition("/")[2],
        "second factor": second_factor.begin(user=alice).secrets["totp"],
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_KEYS": settings.FIELD_KEYS[0],
    }


@pytest.fixture
def log() -> Any:
    """Everything that is logged, as the lines that an operator keeps."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLine())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def told(text: str, planted: dict[str, str]) -> list[str]:
    return [name for name, secret in planted.items() if secret in text]


def test_no_table_holds_one_in_the_clear(planted):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        assert len(tables) > 80
        for table in tables:
            cursor.execute(f"SELECT string_agg(row::text, E'\\n') FROM \"{table}\" row")  # noqa: S608  from pg_tables
            assert told(cursor.fetchone()[0] or "", planted) == [], table


def test_no_page_tells_one(planted, world, roles, log):
    for name, place, _ in addresses():
        answer = roles["lead"].get(url_of(place, world))
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if name != "two-factor":  # shows the person's own new secret, once, to be scanned
            assert told(body.decode(errors="replace"), planted) == [], name
    assert told(log.getvalue(), planted) == []


def test_no_answer_of_the_api_tells_one(planted, api_world, alice: Caller, log):
    for route in ROUTES:
        if route.method == "GET":
            answer = alice.get("/api/v1/" + route.path.format(**api_world))
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert told(body.decode(errors="replace"), planted) == [], route.path
    assert told(log.getvalue(), planted) == []


def test_no_export_holds_one(planted, api_world, roles, world):
    for job in Job.objects.filter(kind="export"):
        jobs.run(job_id=job.pk, now=timezone.now())
    for export in Export.objects.exclude(storage_key=""):
        answer = roles["lead"].get(f"/p/{api_world['project']}/exports/{export.public_id}/")
        assert answer.status_code == 200
        assert told(b"".join(answer.streaming_content).decode("latin-1"), planted) == []


def test_what_a_platform_repeats_of_its_token_is_not_kept_or_shown(planted, monkeypatch, log):
    class Repeating:
        def check(self, _: Any) -> Health:
            raise AuthFailed(f"Authorization: OAuth {PLATFORM} is wrong")

    from crowd.models import Account

    account = Account.objects.get(label="Planted")
    monkeypatch.setattr(account_health, "platform", lambda _: Repeating())
    checked = account_health.check(account_id=account.pk, now=timezone.now(), resolve=lambda _: ["93.184.215.14"])
    assert checked.is_well is False
    assert told(checked.note + log.getvalue(), planted) == []


def test_an_error_page_and_its_log_tell_none(planted, people, project, monkeypatch, log):
    """A view that breaks while it holds secrets: 500, no local values, no settings, no form."""

    def breaks(**_: Any) -> None:
        secret = PLATFORM
        raise ValueError(f"broken after {len(secret)} letters")

    monkeypatch.setattr("curation.dashboard.account.people.rename", breaks)
    browser = Client(raise_request_exception=False)
    browser.force_login(people["Alice"])
    answer = browser.post("/account/", {"name": "x", "current": PASSWORD})
    assert answer.status_code == 500
    assert told(answer.content.decode(), planted) == []
    assert "broken after" in log.getvalue()
    assert told(log.getvalue(), planted) == []
    bad = Client().post("/sign-in/", {"email": people["Alice"].email, "password": PASSWORD + "x"})
    assert told(bad.content.decode() + log.getvalue(), planted) == []


def test_what_is_written_of_secrets_says_their_names_only(planted):
    from crowd.models import Account

    account = Account.objects.get(label="Planted")
    assert told(repr(account.secrets) + str(account.secrets) + repr(account.__dict__), planted) == []
    assert PLATFORM not in repr(Plan(label="x", secrets={"token": PLATFORM}))
    assert PLATFORM[-4:] in json.dumps(accounts.hints(account))
