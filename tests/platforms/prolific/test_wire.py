"""What goes wrong between us and Prolific is said in our words, and nothing is ever sent twice."""

import pytest

from crowd.clock import database_now
from crowd.errors import AuthFailed, Invalid, NotFound, Throttled, Unavailable, Unknown
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("fault", ["drop_reply", "error_500", "error_502", "not_json"])
def test_a_write_of_unknown_outcome_is_sent_once_and_found_afterwards(fault, adapter, account, spec, there):
    there.trouble.switch(fault, method="POST", path="/studies/", after=True)
    with pytest.raises(Unknown, match="may have happened"):
        adapter.ensure_batch(account, spec)
    assert there.posts("/studies/") == 1
    found = adapter.ensure_batch(account, spec)
    assert [one.id for one in there.market.studies.values() if one.form["metadata"] == spec.key][-1] == found
    assert there.posts("/studies/") == 1


@pytest.mark.parametrize("fault", ["drop_reply", "error_500", "error_502", "not_json"])
def test_a_read_that_failed_changed_nothing(fault, adapter, account, study, there):
    there.trouble.switch(fault, method="GET", path=f"/studies/{study}/")
    with pytest.raises(Unavailable):
        adapter.pull(account, study, "")


def test_too_many_requests_are_repeated_later(adapter, account, study, there):
    there.trouble.switch("throttle")
    with pytest.raises(Throttled) as refusal:
        adapter.pull(account, study, "")
    assert 50 < (refusal.value.retry_at - database_now()).total_seconds() <= 60


def test_nobody_at_the_address_means_that_nothing_happened(adapter, account, spec):
    account.base_url = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match=r"cannot be reached at http://127\.0\.0\.1:9"):
        adapter.ensure_batch(account, spec)


@pytest.mark.parametrize("token", ["wrong", "", " ", "тест", "two\nlines"])
def test_a_wrong_token_is_named_with_its_account_and_does_not_show(token, adapter, account):
    account.secrets = {"token": token}
    with pytest.raises(AuthFailed, match=r"does not accept the token of “Market”\. Make a new one") as refusal:
        adapter.check(account)
    assert not token.strip() or token not in str(refusal.value)


@pytest.mark.parametrize("trick", ["../users/me", "..%2f..", "a/b", "?x=1", "#", ".", ".."])
def test_an_id_never_leads_elsewhere(trick, adapter, account):
    with pytest.raises(NotFound):
        adapter.open(account, trick, NOON)
    with pytest.raises(NotFound):
        adapter.accept(account, trick, NOON)


def test_a_refusal_is_told_in_the_platforms_words(adapter, account, changed):
    with pytest.raises(Invalid, match="A str that is not empty is expected"):
        adapter.ensure_batch(account, changed(title=""))
