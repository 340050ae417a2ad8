"""What a platform allows in a minute, an hour, a day: counted exactly, by however many at once."""

from datetime import timedelta

import pytest

from crowd.errors import Invalid, Throttled
from crowd.models import Account, QuotaCounter
from crowd.platforms import inhouse
from crowd.platforms.base import QuotaLeft
from crowd.services import quotas
from tests.crowd import market
from tests.crowd.market import NOON

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch):
    """Let the in-house platform declare limits, as remote ones do."""

    def declare(**names: list[tuple[int, int]]) -> None:
        monkeypatch.setattr(inhouse, "quotas", names, raising=False)

    return declare


@pytest.fixture
def account(db) -> Account:
    return market.account()


def take(account: Account, n: int = 1, *, name: str = "pools", now=NOON) -> None:
    quotas.take(account=account, name=name, n=n, now=now)


def used(account: Account) -> dict[int, int]:
    return dict(QuotaCounter.objects.filter(account=account).values_list("window_seconds", "used"))


def test_a_full_window_asks_to_wait_until_its_end(account, limits):
    limits(pools=[(MINUTE, 2)])
    take(account, now=NOON + timedelta(seconds=50))
    take(account, now=NOON + timedelta(seconds=55))
    with pytest.raises(Throttled, match="pools: 2 a minute") as refused:
        take(account, now=NOON + timedelta(seconds=58))
    assert refused.value.retry_at == NOON + timedelta(minutes=1)
    take(account, now=NOON + timedelta(minutes=1))


def test_all_windows_of_a_name_count_or_none(account, limits):
    limits(pools=[(MINUTE, 2), (DAY, 100)])
    take(account, 2)
    with pytest.raises(Throttled):
        take(account)
    assert used(account) == {MINUTE: 2, DAY: 2}


def test_a_spent_day_is_waited_for_although_the_minute_is_spent_too(account, limits):
    limits(pools=[(MINUTE, 2), (DAY, 2)])
    take(account, 2)
    with pytest.raises(Throttled) as refused:
        take(account)
    assert refused.value.retry_at == NOON + timedelta(hours=12)


def test_more_than_a_window_ever_holds_is_refused_for_good(account, limits):
    limits(tasks=[(MINUTE, 200), (DAY, 1_000)])
    with pytest.raises(Invalid, match="201 at once are more than the 200 a minute"):
        take(account, 201, name="tasks")
    assert used(account) == {}


def test_what_nobody_has_limited_is_never_counted(account, limits):
    limits(pools=[(MINUTE, 1)])
    take(account, 1_000_000, name="tasks")
    assert used(account) == {}


def test_accounts_do_not_use_up_each_others_quota(account, limits):
    limits(pools=[(DAY, 1)])
    take(account)
    take(market.account())


def test_old_windows_are_forgotten_when_a_new_one_begins(account, limits):
    limits(pools=[(MINUTE, 5), (DAY, 100)])
    for minute in range(10):
        take(account, now=NOON + minute * market.MINUTE)
    assert used(account) == {MINUTE: 1, DAY: 10}


def test_what_is_left_names_every_declared_window(account, limits):
    limits(pools=[(MINUTE, 20), (DAY, 100)], overlaps=[(HOUR, 10)])
    take(account, 3)
    later = NOON + market.MINUTE
    assert quotas.left(account=account, now=later) == [
        QuotaLeft("pools", MINUTE, 0, 20),
        QuotaLeft("pools", DAY, 3, 100),
        QuotaLeft("overlaps", HOUR, 0, 10),
    ]


def test_what_is_left_of_several_accounts_is_asked_once(account, limits, django_assert_num_queries):
    limits(pools=[(DAY, 100)])
    other = market.account()
    take(account, 3)
    with django_assert_num_queries(1):
        found = quotas.left_of(accounts=[account, other], now=NOON)
    assert {pk: [one.used for one in left] for pk, left in found.items()} == {account.pk: [3], other.pk: [0]}


@pytest.mark.parametrize(("interval", "until"), [("HOUR", 1), (HOUR, 1), ("DAY", 12)])
def test_the_platforms_own_refusal_fills_the_window(interval, until, account, limits):
    limits(overlaps=[(HOUR, 10), (DAY, 50)])
    take(account, 4, name="overlaps")
    retry_at = quotas.note_full(account=account, name="overlaps", interval=interval, now=NOON)
    assert retry_at == NOON + timedelta(hours=until)
    with pytest.raises(Throttled):
        take(account, name="overlaps", now=NOON + timedelta(minutes=59))
    take(account, name="overlaps", now=retry_at)


def test_a_refusal_for_an_interval_nobody_declared_still_says_when_to_come_back(account, limits):
    limits(pools=[(DAY, 100)])
    assert quotas.note_full(account=account, name="pools", interval="MIN", now=NOON) == NOON + market.MINUTE
    assert used(account) == {}


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_never_take_more_than_there_is(limits):
    limits(pools=[(MINUTE, 37), (DAY, 1_000)])
    account = market.account()

    def grab(_: int) -> int:
        taken = 0
        for _ in range(20):
            try:
                take(account)
            except Throttled:
                continue
            taken += 1
        return taken

    assert sum(market.at_once(grab, range(8))) == 37
    assert used(account) == {MINUTE: 37, DAY: 37}


@pytest.mark.django_db(transaction=True)
def test_eight_at_the_turn_of_a_minute_neither_lose_nor_block(limits):
    limits(pools=[(MINUTE, 100), (DAY, 1_000)])
    account = market.account()

    def grab(number: int) -> None:
        for turn in range(10):
            take(account, now=NOON + timedelta(minutes=turn + number % 2))

    assert market.at_once(grab, range(8)) == [None] * 8
    assert used(account)[DAY] == 80
