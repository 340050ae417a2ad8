"""What an account costs and has, and what the platform tells us by itself."""

import pytest

from crowd.errors import AuthFailed, Invalid, NotFound
from crowd.models import Account, Assignment
from crowd.models.worker import digest_of
from crowd.services import accounts
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
URL = "https://winnow.example/x/events/ours/"


def test_a_check_says_what_is_left_and_what_the_platform_takes(adapter, account):
    health = adapter.check(account)
    assert (health.ok, health.balance_micro) == (True, 1_000_000_000)
    assert health.sentence == "1,000.00 USD are available; fee and tax come to 40.0 % of a reward."


def test_an_account_in_another_currency_is_not_well(adapter, account):
    account.currency = "GBP"
    health = adapter.check(account)
    assert not health.ok
    assert "pays in USD, but this account is set to GBP" in health.sentence


def test_an_empty_account_is_not_well(adapter, account, there):
    there.workspace.deposit = 0
    assert not adapter.check(account).ok


def test_a_workspace_of_somebody_else_is_not_found(adapter, account):
    account.settings = {"workspace": "5f0c"}
    with pytest.raises(NotFound):
        adapter.check(account)


def test_the_fee_of_a_price_is_asked_once_and_kept(adapter, account, study, there, changed):
    adapter.ensure_batch(account, changed(key="another"))
    assert there.posts("study-cost-calculator") == 1
    kept = Account.objects.get(pk=account.pk)
    assert adapter.fee(kept, price_micro=900_000, overlap=1) == 360_000
    assert adapter.quote(kept, pages=10, price_micro=900_000) == 12_600_000


def test_an_unasked_price_is_quoted_in_proportion_and_never_too_low(adapter, account, study):
    assert adapter.fee(account, price_micro=450_000, overlap=1) == 180_000
    assert adapter.fee(account, price_micro=450_001, overlap=1) == 180_001


def test_before_the_platform_was_asked_the_entered_commission_counts(adapter, account):
    assert adapter.fee(account, price_micro=900_000, overlap=1) == 0
    account.commission_percent = 33
    assert adapter.fee(account, price_micro=900_000, overlap=1) == 297_000
    assert adapter.fee(account, price_micro=0, overlap=1) == 0


def test_keeping_a_fee_does_not_undo_what_a_person_changes_meanwhile(adapter, account, spec):
    Account.objects.filter(pk=account.pk).update(settings={**account.settings, "project": "", "note": "ours"})
    adapter.ensure_batch(account, spec)
    assert Account.objects.get(pk=account.pk).settings["note"] == "ours"


# --- notifications ---
@pytest.fixture
def told(adapter, account, changed, there):
    """A study whose notifications are subscribed to; gives the letters so far."""
    study = adapter.ensure_batch(account, changed(webhook_url=URL))
    adapter.offer_pages(account, study, 10, "pages-0")
    adapter.open(account, study, NOON)
    return study


def notes(adapter, account, letter, now=NOON):
    return adapter.parse_event(account, letter.headers, letter.body, now)


def test_a_change_of_a_study_names_the_study(adapter, account, told, there):
    (letter,) = there.market.letters
    (note,) = notes(adapter, account, letter)
    assert (note.kind, note.remote_id, note.event_id) == ("study.status.change", told, letter.headers["X-Event-ID"])
    assert letter.url == URL


def test_a_change_of_a_submission_is_traced_to_its_study(adapter, account, told, there):
    taken = there.takes(told)
    letter = there.market.letters[-1]
    assert notes(adapter, account, letter)[0].remote_id == ""
    batch = market.batch(at=account, remote_id=told)
    Assignment.objects.create(
        account=account,
        ext_id=taken.id,
        ext_digest=digest_of(taken.id),
        batch=batch,
        project_id=batch.project_id,
        worker=market.worker(account),
        issued_at=NOON,
        lease_until=NOON,
    )
    assert notes(adapter, account, letter)[0].remote_id == told


@pytest.mark.parametrize("value", ["", "tampered", "1", "ß", "bmFu", "nan", "inf"])
def test_a_notification_with_a_wrong_header_is_refused(value, adapter, account, told, there):
    (letter,) = there.market.letters
    for header in ("X-Prolific-Request-Signature", "X-Prolific-Request-Timestamp"):
        with pytest.raises(AuthFailed):
            adapter.parse_event(account, {**letter.headers, header: value}, letter.body, NOON)


def test_a_changed_body_is_refused(adapter, account, told, there):
    letter = there.market.letters[0]
    with pytest.raises(AuthFailed, match="signature"):
        adapter.parse_event(account, letter.headers, letter.body + b" ", NOON)


@pytest.mark.parametrize("minutes", [-11, 11])
def test_an_old_notification_is_refused(minutes, adapter, account, told, there):
    with pytest.raises(AuthFailed, match="ten minutes"):
        notes(adapter, account, there.market.letters[0], NOON + minutes * MINUTE)


def test_without_a_secret_nothing_is_believed(adapter, account, told, there):
    account.secrets = {"token": account.secrets["token"]}
    with pytest.raises(AuthFailed):
        notes(adapter, account, there.market.letters[0])


def test_headers_are_read_in_any_case(adapter, account, told, there):
    letter = there.market.letters[0]
    headers = {name.lower(): value for name, value in letter.headers.items()}
    assert adapter.parse_event(account, headers, letter.body, NOON)


def test_something_signed_that_is_no_event_is_invalid(adapter, account, told, there, monkeypatch):
    monkeypatch.setattr("crowd.platforms.prolific.events._require_signature", lambda *_: None)
    for body in (b"[]", b"{}", b"\xff", b"null"):
        with pytest.raises(Invalid):
            adapter.parse_event(account, there.market.letters[0].headers, body, NOON)


def test_a_second_pool_neither_subscribes_again_nor_replaces_the_secret(adapter, account, told, changed, there):
    adapter.ensure_batch(account, changed(key="another", webhook_url=URL))
    held = there.market
    workspace = held.workspaces[account.settings["workspace"]]
    mine = [one for one in held.subscriptions.values() if one.workspace == workspace.id]
    assert (workspace.secrets_made, len(mine), all(one.is_enabled for one in mine)) == (1, 2, True)
    assert Account.objects.get(pk=account.pk).secrets["webhook"] == workspace.hook_secret


def test_a_secret_that_was_replaced_there_is_replaced_here_and_what_was_ended_is_subscribed_again(
    adapter, account, told, changed, there
):
    held = there.market
    workspace = held.workspaces[account.settings["workspace"]]
    mine = [one for one in held.subscriptions.values() if one.workspace == workspace.id]
    workspace.hook_secret = "made-by-somebody-else"
    next(one for one in mine if one.event_type.startswith("study")).is_enabled = False
    there.sends(told)
    with pytest.raises(AuthFailed, match="was replaced on Prolific, make a new one on the account"):
        notes(adapter, account, held.letters[-1])
    account = accounts.rotate_webhook_secret(account_id=account.pk, now=NOON)
    adapter.ensure_batch(account, changed(webhook_url=URL))
    assert Account.objects.get(pk=account.pk).secrets["webhook"] == workspace.hook_secret != "made-by-somebody-else"
    live = [one.event_type for one in held.subscriptions.values() if one.workspace == workspace.id and one.is_enabled]
    assert sorted(live) == ["study.status.change", "submission.status.change"]
    there.sends(told)
    assert notes(adapter, account, held.letters[-1])


def test_an_address_the_platform_would_refuse_is_not_subscribed(adapter, account, changed, there):
    adapter.ensure_batch(account, changed(webhook_url="http://127.0.0.1:8000/x/events/ours/"))
    assert there.posts("hooks") == 0
