"""Workers: bans, bonuses, messages, keys, notifications."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crowd.clock import database_now
from crowd.emulators.mturk.nouns.notices import Notice
from crowd.errors import AuthFailed, Invalid, NotFound, Unknown
from crowd.models import Batch
from crowd.platforms.base import Ban, BonusSpec
from crowd.services import dispatch, hosting, messages
from tests.crowd import market
from tests.platforms.mturk.conftest import BENCH, NOW, SPEC

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_batch(turk, account, batch):
    turk.offer_pages(account, batch, 18, "k")
    turk.open(account, batch, NOW)
    return batch


# --- bans -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scope", ["batch", "project", "account"])
def test_a_banned_worker_sees_no_work_until_it_is_lifted_and_is_not_written_to(turk, account, open_batch, there, scope):
    worker = there.worker()
    for _ in range(2):
        turk.restrict(account, open_batch, Ban(worker, scope, "sent the example"))
    assert there.sees(worker) == []
    for _ in range(2):
        turk.unrestrict(account, open_batch, Ban(worker, scope, ""), NOW)
    assert len(there.sees(worker)) == 2


REACH = {"batch": (1, 1), "project": (0, 1), "account": (0, 0)}  # how much is seen: same project, another one


@pytest.mark.parametrize("scope", REACH)
def test_a_ban_reaches_as_far_as_it_says(turk, account, open_batch, there, scope):
    worker = there.worker()
    turk.restrict(account, open_batch, Ban(worker, scope, ""))
    elsewhere = ({"key": "b"}, {"key": "c", "project_id": 8})
    for changes, seen in zip(elsewhere, REACH[scope], strict=True):
        other = turk.ensure_batch(account, replace(SPEC, **changes))
        turk.open(account, other, NOW)
        turk.offer_pages(account, other, 3, "k")
        assert len([hit for hit in there.sees(worker) if hit.type.requires(other)]) == seen


def test_only_a_ban_from_everything_blocks(turk, account, open_batch, there):
    worker = there.worker()
    turk.restrict(account, open_batch, Ban(worker, "project", ""))
    assert not there.house.market.blocks
    turk.restrict(account, open_batch, Ban(worker, "account", ""))
    assert list(there.house.market.blocks) == [worker]


# --- bonuses ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def page(open_batch, there):
    return there.sends()


def bonus(page, **changes: Any) -> BonusSpec:
    usual = {"key": "b1", "amount_micro": 500_000, "message": "Well done."}
    return BonusSpec(worker_ext_id=page.worker_id, assignment_ext_id=page.id, **{**usual, **changes})


def paid(there) -> int:
    return there.house.market.books.sum_of("bonus")


def test_a_bonus_is_paid_once_within_the_day_of_its_token(turk, account, page, there):
    first = turk.pay_bonus(account, bonus(page))
    assert turk.pay_bonus(account, bonus(page)) == first
    assert paid(there) == 500_000


def test_a_bonus_whose_answer_was_lost_is_found_among_the_payments_when_its_token_is_forgotten(
    turk, account, page, there
):
    there.breaks("drop_reply", "SendBonus")
    with pytest.raises(Unknown):
        turk.pay_bonus(account, bonus(page))
    there.later(hours=25)
    turk.pay_bonus(account, bonus(page, again=True))
    assert paid(there) == 500_000


def test_a_bonus_that_was_not_paid_is_paid_when_it_is_sent_again(turk, account, page, there):
    turk.pay_bonus(account, bonus(page, key="another"))
    turk.pay_bonus(account, bonus(page, again=True))
    assert paid(there) == 1_000_000


def test_the_books_name_bonuses_as_they_were_named_when_paid(turk, account, open_batch, page):
    remote_id = turk.pay_bonus(account, bonus(page))
    assert turk.books(account, open_batch).bonuses == {remote_id: 500_000}


@pytest.mark.parametrize("amount", [0, 5_000, 15_000])
def test_a_bonus_of_part_of_a_cent_is_refused(turk, account, page, there, amount):
    with pytest.raises(Invalid, match="whole number of cents"):
        turk.pay_bonus(account, bonus(page, amount_micro=amount))
    assert paid(there) == 0


def test_a_bonus_needs_a_page(turk, account, page):
    with pytest.raises(NotFound):
        turk.pay_bonus(account, BonusSpec("k", page.worker_id, "", 500_000, ""))


# --- messages, balance, keys ------------------------------------------------------------------------------------------
def test_people_are_written_to_and_those_who_cannot_be_are_named(turk, account, page, there):
    turk.accept(account, page.id, NOW)
    turk.message(account, [page.worker_id], "Hello", "Thank you")
    assert [one.subject for one in there.house.market.worker(page.worker_id).messages][-1] == "Hello"
    stranger = there.worker()
    with pytest.raises(Invalid, match=f"1 of 2 could not be written to: {stranger}"):
        turk.message(account, [page.worker_id, stranger], "Hello", "Thank you")


def test_a_message_of_a_lead_is_sent_once_through_the_outbox(turk, account, page, there):
    turk.accept(account, page.id, NOW)
    worker = hosting.arrive(account=account, worker_ext_id=page.worker_id)
    for _ in range(2):
        messages.send(worker=worker, project_id=7, topic="Hello", text="Thank you", key="form-1")
    dispatch.drain(now=database_now())
    assert [one.subject for one in there.house.market.worker(page.worker_id).messages].count("Hello") == 1
    assert messages.written_to(worker).get().state == "done"


@pytest.mark.parametrize(("topic", "text"), [("t" * 201, "x"), ("t", "x" * 4_097)])
def test_a_message_that_is_too_long_is_not_sent(turk, account, page, topic, text):
    with pytest.raises(Invalid, match="at most 200 characters, the text 4,096"):
        turk.message(account, [page.worker_id], topic, text)


def test_a_check_tells_the_balance(turk, account):
    health = turk.check(account)
    assert (health.ok, health.balance_micro, health.sentence) == (
        True,
        10_000_000_000,
        "$10000.00 are available, $0.00 on hold.",
    )


def test_an_empty_account_is_not_well(turk):
    health = turk.check(BENCH.account(balance=0))
    assert not health.ok


def test_keys_that_are_not_accepted_say_so(turk):
    account = BENCH.account(access_key="AKIASOMEBODY")
    with pytest.raises(AuthFailed, match="does not accept the keys of “Market”") as refused:
        turk.check(account)
    assert str(refused.value).endswith(".")
    assert ".." not in str(refused.value)


@pytest.mark.parametrize("keys", [{}, {"access_key": "AKIA"}, {"access_key": "é", "secret_key": "x"}])
def test_an_account_without_keys_asks_for_them(turk, account, keys):
    account.secrets = keys
    with pytest.raises(AuthFailed, match="Enter them on its page"):
        turk.check(account)


def test_the_official_client_is_loaded_only_when_it_is_used():
    code = (
        "import os, sys, django; django.setup(); from crowd.platforms.registry import elsewhere; elsewhere(); "
        "print('boto3' in sys.modules, 'botocore' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert told.stdout.split() == ["False", "False"]


# --- notifications ----------------------------------------------------------------------------------------------------
@pytest.fixture
def told(account, open_batch, there) -> str:
    """What SNS would post about the first HIT of a batch that we know."""
    market.batch(at=account, remote_id=open_batch)
    account.secrets = {**account.secrets, "webhook": "our-secret"}
    account.save()
    hit = there.hits[0]
    notice = Notice("doc1", NOW, "AssignmentSubmitted", "SNS", "arn:x", "2014-08-15", "A1", hit.type.id, hit.id)
    return notice.body()


def signed(body: str, key: str = "our-secret") -> dict[str, str]:
    return {"X-Winnow-Signature": hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()}


def test_a_notification_names_the_batch(turk, account, told):
    (note,) = turk.parse_event(account, signed(told), told.encode(), NOW)
    batch = Batch.objects.get(account=account)
    assert (note.event_id, note.kind, note.remote_id) == ("doc1:0", "AssignmentSubmitted", batch.remote_id)


def test_a_notification_without_the_envelope_is_read_too(turk, account, told):
    bare = json.loads(told)["Message"]
    assert len(turk.parse_event(account, signed(bare), bare.encode(), NOW)) == 1


@pytest.mark.parametrize("headers", [{}, {"X-Winnow-Signature": "00"}])
def test_a_notification_that_is_not_signed_is_refused(turk, account, told, headers):
    with pytest.raises(AuthFailed):
        turk.parse_event(account, headers, told.encode(), NOW)


def test_a_changed_notification_is_refused(turk, account, told):
    with pytest.raises(AuthFailed):
        turk.parse_event(account, signed(told), told.replace("doc1", "doc2").encode(), NOW)


def test_without_a_secret_nothing_is_believed(turk, account, told):
    account.secrets = {}
    with pytest.raises(AuthFailed):
        turk.parse_event(account, signed(told, ""), told.encode(), NOW)


def test_while_the_secret_changes_the_one_before_counts(turk, account, told):
    account.secrets = {**account.secrets, "webhook": "new", "webhook_before": "our-secret"}
    assert len(turk.parse_event(account, signed(told), told.encode(), NOW)) == 1


def test_what_is_signed_and_no_document_is_refused(turk, account, told):
    for body in ("{}", "[]", "x", '{"Message": "no"}'):
        with pytest.raises(Invalid):
            turk.parse_event(account, signed(body), body.encode(), NOW)


def test_an_old_event_is_let_go(turk, account, told, there):
    assert turk.parse_event(account, signed(told), told.encode(), NOW + timedelta(minutes=11)) == []
