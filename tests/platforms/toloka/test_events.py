"""Notifications: the published signature, and everything that is not one."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from crowd.errors import AuthFailed, Invalid
from crowd.models import Account
from crowd.platforms.base import EventNote
from crowd.platforms.toloka.events import parse, signature

SIGN = "609af3eefd4c12b6afad30ab456efcd21fe82f4247d3340151a3ca0c97a6cbcb"
TS = 946728000000
AT = datetime(2000, 1, 1, 12, tzinfo=UTC)
EVENT = {
    "event_time": "2000-01-01T12:00:00", "project_id": "project-1", "pool_id": "pool-1",
    "uuid": "00000000-0000-0000-0000-000000000000", "task_suite_id": "task-suite-1", "assignment_id": "assignment-1",
    "webhook_subscription_id": "subscription-1", "type": "ASSIGNMENT_APPROVED",
}  # fmt: skip
SECRET = "12345"
BODY = json.dumps({"events": [EVENT]}, separators=(",", ":")).encode()


def account(secret=SECRET):
    row = Account(slug="a", label="Ours", platform="toloka")
    row.secrets = {"webhook": secret} if secret else {}
    return row


def header(ts=TS, sign=SIGN):
    return {"Toloka-Signature": f"{{v=1, ts={ts}, sign={sign}}}"}


def signed(body, ts=TS):
    return header(ts, signature(SECRET, str(ts), "1", body))


def test_the_published_vector_is_accepted():
    note = EventNote("00000000-0000-0000-0000-000000000000", "ASSIGNMENT_APPROVED", "pool-1")
    assert parse(account(), header(), BODY, AT) == [note]


@pytest.mark.parametrize("name", ["toloka-signature", "TOLOKA-SIGNATURE"])
def test_the_name_of_a_header_may_be_written_in_any_case(name):
    assert parse(account(), {name: header()["Toloka-Signature"]}, BODY, AT)


@pytest.mark.parametrize(
    ("secret", "headers", "body", "sentence"),
    [
        ("", header(), BODY, "no webhook secret"),
        ("54321", header(), BODY, "revoked, or its secret changed"),
        ("12345", header(sign="0" * 64), BODY, "is wrong"),
        ("12345", header(), BODY + b" ", "is wrong"),
        ("12345", header(ts=TS + 1), BODY, "is wrong"),
        ("12345", {}, BODY, "carries no signature"),
        ("12345", {"Toloka-Signature": '{"v": 1, "ts": 1, "sign": ""}'}, BODY, "carries no signature"),
        ("12345", header(ts="never"), BODY, "carries no signature"),
    ],
)
def test_what_is_not_signed_by_toloka_is_refused_with_what_to_do(secret, headers, body, sentence):
    with pytest.raises(AuthFailed, match=sentence):
        parse(account(secret), headers, body, AT)


@pytest.mark.parametrize("off", [timedelta(minutes=11), timedelta(minutes=-11)])
def test_an_old_signature_is_refused(off):
    with pytest.raises(AuthFailed, match="12:00:00 UTC"):
        parse(account(), header(), BODY, AT + off)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": [{}]}', b'{"events": [7]}', b"\xff"])
def test_a_signed_body_that_is_no_list_of_events_is_invalid(body):
    with pytest.raises(Invalid, match="no list of events"):
        parse(account(), signed(body), body, AT)


def test_a_test_event_is_about_no_pool():
    body = json.dumps({"events": [{"uuid": "u", "type": "TEST_EVENT"}]}).encode()
    assert parse(account(), signed(body), body, AT) == [EventNote("u", "TEST_EVENT", "")]
