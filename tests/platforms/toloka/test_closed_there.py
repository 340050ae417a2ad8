"""Pools that the platform closes by itself: our pool pauses and says what to do, and Resume goes on."""

import pytest

from crowd.clock import database_now
from crowd.models import Batch
from crowd.platforms.toloka import stops
from crowd.services import pulling
from crowd.services.reconcile import reconcile
from curation.models import Event, Pool
from tests.crowd import bench_toloka as bench
from tests.platforms.toloka import on_toloka

State = Pool.State
TOO_LOW = "Toloka closed this pool: the account's balance is too low. Pay in there, then press Resume."


@pytest.fixture
def pool(account) -> Pool:
    return on_toloka.opened(account)


def there(account, pool):
    return bench.emulator(account).market.pools.get(on_toloka.batch(pool).remote_id)


def shut(account, pool, reason: str) -> None:
    found = there(account, pool)
    found.status, found.last_close_reason = "CLOSED", reason


def broke(account) -> None:
    """The balance is used up, and the next worker finds the pool closed."""
    bench.control(account, "PUT", "/balance", {"balance": 0})


def test_a_pool_closed_for_want_of_money_pauses_and_says_what_to_do(account, pool):
    broke(account)
    with pytest.raises(AssertionError, match="NOT_ENOUGH_BALANCE"):
        bench.take(account, bench.worker(account), on_toloka.batch(pool).remote_id)
    on_toloka.pull(pool)
    assert (pool.state, pool.note) == (State.PAUSED, TOO_LOW)
    assert Event.objects.filter(kind="pool.paused", text__contains="Pay in there").count() == 1
    account.refresh_from_db()
    assert (account.is_well, account.note) == (False, TOO_LOW)


def test_it_goes_on_once_there_is_money_and_somebody_has_pressed_resume(account, pool):
    broke(account)
    shut(account, pool, "NOT_ENOUGH_BALANCE")
    on_toloka.pull(pool)
    on_toloka.settle(pool)
    bench.control(account, "PUT", "/balance", {"balance": 100})
    on_toloka.resume(pool)
    assert (pool.state, there(account, pool).status) == (State.OPEN, "OPEN")
    on_toloka.pull(pool)
    assert pool.state == State.OPEN


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("EXPIRED", "Give it a later one under Edit"),
        ("BLOCKED", "Ask its support why"),
        ("ASSIGNMENTS_LIMIT_EXCEEDED", "Go on in a new pool"),
        ("MANUAL", "Somebody closed this pool on Toloka itself"),
        ("A_NEW_ONE", "says only “A_NEW_ONE”"),
    ],
)
def test_every_other_end_pauses_the_pool_with_its_own_advice(account, pool, reason, advice):
    shut(account, pool, reason)
    on_toloka.pull(pool)
    assert pool.state == State.PAUSED
    assert advice in pool.note


@pytest.mark.parametrize("reason", sorted(stops.PASSING))
def test_what_opens_again_by_itself_pauses_nothing(account, pool, reason):
    shut(account, pool, reason)
    on_toloka.pull(pool)
    assert pool.state == State.OPEN
    assert reconcile(now=database_now(), account=account) == []


def test_a_pool_that_we_have_closed_is_not_told_as_stopped(account, pool):
    Batch.objects.filter(pool_id=pool.pk).update(state=Batch.State.PAUSED)
    shut(account, pool, "MANUAL")
    assert pulling.pull_batch(batch_id=on_toloka.batch(pool).pk, now=database_now()).stopped == ""


def test_reconciling_finds_a_pool_that_is_open_on_one_side_only(account, pool):
    assert reconcile(now=database_now(), account=account) == []
    shut(account, pool, "BLOCKED")
    (found,) = reconcile(now=database_now(), account=account)
    assert (found.kind, found.local, found.remote) == ("pool", "open", "not open")


def test_an_opening_without_money_says_what_is_true_and_resume_opens_it(account):
    broke(account)
    pool = on_toloka.opened(account)
    assert pool.state == State.PAUSED
    assert pool.note == "The balance of “Market” on Toloka does not cover this. Pay in there. Then press Resume."
    account.refresh_from_db()
    assert account.is_well is False
    bench.control(account, "PUT", "/balance", {"balance": 100})
    on_toloka.settle(pool)
    assert pool.state == State.PAUSED
    on_toloka.resume(pool)
    assert pool.state == State.OPEN
