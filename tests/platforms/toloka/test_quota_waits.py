"""A day's quota of pools is used up: the opening waits for its end, and the page says why and until when."""

from datetime import datetime, time
from time import sleep

import pytest

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Account, Batch, OutboxCommand
from crowd.services import quotas
from curation.dashboard.pool_elsewhere import elsewhere_of
from curation.models import Pool
from curation.services import pools
from tests.platforms.toloka import on_toloka


def early_enough() -> datetime:
    """Return the moment; at the end of a day, which would end the quota under the test, wait for the next one."""
    while (now := database_now()).time() > time(23, 58):
        sleep(1)
    return now


def test_an_opening_that_waits_for_a_quota_says_why_and_asks_no_sooner(account):
    now = early_enough()
    tomorrow = quotas.note_full(account=account, name="pools", interval="DAY", now=now)
    pool = on_toloka.pool(account)
    pools.open_pool(pool_id=pool.pk, by=None, now=now, accept_differences=True)
    on_toloka.settle(pool)
    elsewhere = elsewhere_of(pool, Batch.objects.get(pool_id=pool.pk))
    (publishing,) = [one for one in elsewhere.held_up if one.what == "Publish a pool"]
    assert "pools: 100 a day are used" in publishing.said
    assert publishing.next_at == tomorrow
    assert OutboxCommand.objects.get(kind="open_batch").next_at == tomorrow


def test_a_pool_opens_nowhere_while_the_commission_is_not_known(account):
    pool = on_toloka.pool(account)
    Account.objects.filter(pk=account.pk).update(commission_percent=None)
    with pytest.raises(CrowdError, match="Enter the commission of “Market” under Platform accounts"):
        pools.open_pool(pool_id=pool.pk, by=None, now=database_now(), accept_differences=True)
    pool.refresh_from_db()
    assert (pool.state, OutboxCommand.objects.count()) == (Pool.State.DRAFT, 0)
    Account.objects.filter(pk=account.pk).update(commission_percent=0)
    on_toloka.resume(pool)
    assert pool.state == Pool.State.OPEN
