"""What goes wrong on the wire: the right error, a POST sent exactly once, and nothing doubled when it is done again."""

import socket
from datetime import timedelta

import pytest

from crowd.errors import AuthFailed, Invalid, NotFound, OutOfFunds, StateConflict, Throttled, Unavailable, Unknown
from crowd.platforms.base import BonusSpec
from crowd.platforms.toloka import client, refusals
from crowd.services import quotas
from tests.crowd import bench_toloka as bench
from tests.crowd.market import NOON
from tests.platforms.toloka.plans import spec, tasks

TIMEOUT, HANGS = 1.0, 1.5  # what is asked besides must be answered in that time on a busy machine too
BROKEN = {
    "a lost answer": {"drop_reply": {}},
    "500 before": {"error_500": {}},
    "500 after": {"error_500": {"after": True}},
    "502 in plain text": {"error_502": {"after": True}},
    "503 as a page": {"error_503": {}},
    "no answer in time": {"hang": {"seconds": HANGS}},
}


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """The same policy, with shorter waits."""
    monkeypatch.setattr(client, "TIMEOUT", TIMEOUT)
    monkeypatch.setattr(client, "BACKOFF", 0)


@pytest.fixture
def sent(account, opened):
    """An open pool, and a page in it that was handed in."""
    remote_id = opened()
    who = bench.worker(account)
    page = bench.hand_in(account, bench.take(account, who, remote_id))
    return remote_id, who, page["id"]


def break_wire(account, faults, method, path, times=1):
    narrow = {"rate": 1, "times": times, "method": method, "path": path}
    bench.control(account, "PUT", "/faults", {name: {**narrow, **more} for name, more in faults.items()})


def bonus(who, page):
    return BonusSpec(key="thanks-1", worker_ext_id=who, assignment_ext_id=page, amount_micro=500_000, message="Thanks!")


WRITES = {
    "project": ("POST", "/projects", lambda on, to, _it: on.ensure_batch(to, spec(title="Another", key="b2"))),
    "pool": ("POST", "/pools", lambda on, to, _it: on.ensure_batch(to, spec(key="b3"))),
    "training": ("POST", "/trainings", lambda on, to, _it: on.ensure_batch(to, spec(key="t1", kind="training"))),
    "skill": ("POST", "/skills", lambda on, to, it: on.set_skill(to, it[1], "Eyes", 70)),
    "tasks": ("POST", "/tasks", lambda on, to, it: on.push_tasks(to, it[0], tasks(9)[5:], "push-2")),
    "accept": ("PATCH", "/assignments", lambda on, to, it: on.accept(to, it[2], NOON)),
    "reject": ("PATCH", "/assignments", lambda on, to, it: on.reject(to, it[2], "cut off", NOON)),
    "bonus": ("POST", "/user-bonuses", lambda on, to, it: on.pay_bonus(to, bonus(it[1], it[2]))),
    "message": ("POST", "/message-threads", lambda on, to, it: on.message(to, [it[1]], "Hello", "Thank you")),
    "close": ("POST", "/close", lambda on, to, it: on.close(to, it[0], NOON)),
    "priority": ("PATCH", "/pools", lambda on, to, it: on.set_priority(to, it[0], 9)),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_may_have_happened_is_sent_once_and_unknown(adapter, account, sent, write, fault):
    method, path, call = WRITES[write]
    before = len(bench.requests(account, method, path))
    break_wire(account, BROKEN[fault], method, path)
    with pytest.raises(Unknown, match="Nobody knows whether Toloka has done it"):
        call(adapter, account, sent)
    assert len(bench.requests(account, method, path)) == before + 1


COUNTED = {
    "project": lambda market: len(market.projects),
    "pool": lambda market: len(market.pools),
    "training": lambda market: len(market.trainings),
    "skill": lambda market: sum(not skill.is_global for skill in market.skills),
    "tasks": lambda market: len(market.tasks),
    "accept": lambda market: market.books.spent_micro["REWARD"],
    "bonus": lambda market: market.books.spent_micro["BONUS"],
}
AFTERWARDS = {
    "project": 2, "pool": 2, "training": 1, "skill": 1, "tasks": 9, "accept": 30_000, "bonus": 500_000,
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("write", COUNTED)
def test_done_again_after_such_an_end_it_is_there_once(adapter, account, sent, write, fault):
    method, path, call = WRITES[write]
    break_wire(account, BROKEN[fault], method, path)
    with pytest.raises(Unknown):
        call(adapter, account, sent)
    for _ in range(2):
        call(adapter, account, sent)
    assert COUNTED[write](bench.emulator(account).market) == AFTERWARDS[write]
    assert bench.emulator(account).market.books.adds_up()


INTERVALS = {"MIN": "a minute", "HOUR": "an hour", "DAY": "a day"}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("interval", INTERVALS)
def test_a_quota_is_waited_for_not_repeated(adapter, account, sent, write, interval):
    method, path, call = WRITES[write]
    before = len(bench.requests(account, method, path))
    break_wire(account, {"throttle": {"interval": interval}}, method, path)
    with pytest.raises(Throttled, match=INTERVALS[interval]) as refused:
        call(adapter, account, sent)
    assert len(bench.requests(account, method, path)) == before + 1
    assert refused.value.retry_at.second == 0


@pytest.mark.parametrize("write", WRITES)
def test_too_many_calls_in_a_moment_are_no_full_quota(adapter, account, sent, write, monkeypatch):
    for module in (client, refusals):
        monkeypatch.setattr(module, "database_now", lambda: NOON)
    method, path, call = WRITES[write]
    break_wire(account, {"throttle": {"interval": ""}}, method, path)
    with pytest.raises(Throttled, match="fewer requests at once") as refused:
        call(adapter, account, sent)
    assert NOON < refused.value.retry_at < NOON + timedelta(seconds=10)
    assert not any(left.used == left.most for left in quotas.left(account=account, now=NOON))


def test_a_full_quota_is_not_even_tried(adapter, account):
    break_wire(account, {"throttle": {"interval": "DAY"}}, "POST", "/projects")
    with pytest.raises(Throttled):
        adapter.ensure_batch(account, spec())
    with pytest.raises(Throttled, match="projects: 100 a day are used"):
        adapter.ensure_batch(account, spec())
    assert len(bench.requests(account, "POST", "/projects")) == 1
    spent = {(left.name, left.window_seconds): left.used for left in adapter.check(account).quotas}
    assert spent["projects", 86_400] == 100


def test_the_twenty_first_pool_of_a_minute_waits(adapter, account, monkeypatch):
    monkeypatch.setattr(client, "database_now", lambda: NOON)
    for number in range(20):
        adapter.ensure_batch(account, spec(key=f"batch-{number}"))
    with pytest.raises(Throttled, match="pools: 20 a minute are used"):
        adapter.ensure_batch(account, spec(key="batch-20"))
    assert len(bench.requests(account, "POST", "/pools")) == 20


READS = {
    "check": ("/requester", lambda on, to, _it: on.check(to)),
    "pull": ("/assignments", lambda on, to, it: on.pull(to, it, "")),
    "books": ("/tasks", lambda on, to, it: on.books(to, it)),
}


@pytest.mark.parametrize("fault", ["error_502", "error_503", "drop_reply", "hang"])
@pytest.mark.parametrize("read", READS)
def test_a_read_that_fails_is_unavailable_and_nothing_has_happened(adapter, account, opened, read, fault):
    path, call = READS[read]
    remote_id = opened()
    break_wire(account, {fault: {"seconds": HANGS} if fault == "hang" else {}}, "GET", path, times=10)
    with pytest.raises(Unavailable, match="Toloka did not answer"):
        call(adapter, account, remote_id)


@pytest.mark.parametrize("fault", ["error_500", "drop_reply"])
def test_a_read_is_repeated(adapter, account, fault):
    break_wire(account, {fault: {}}, "GET", "/requester", times=2)
    assert adapter.check(account).ok
    assert len(bench.requests(account, "GET", "/requester")) == 3


def test_nobody_there_means_that_nothing_has_happened(adapter, account):
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        account.base_url = f"http://127.0.0.1:{door.getsockname()[1]}"
    for call in (lambda: adapter.accept(account, "0000000001--1", NOON), lambda: adapter.check(account)):
        with pytest.raises(Unavailable, match="cannot be reached at http://127"):
            call()


@pytest.mark.parametrize("token", ["", "wrong", "with\nnewline", "gültig"])
def test_a_wrong_token_says_what_to_do(adapter, account, token):
    account.secrets = {"token": token}
    with pytest.raises(AuthFailed, match=r"does not accept the token of “Market”\. Make a new one there"):
        adapter.check(account)


def test_a_token_never_stands_in_an_error(adapter, account):
    account.secrets = {"token": "very-secret-token"}
    with pytest.raises(AuthFailed) as refused:
        adapter.check(account)
    assert "very-secret" not in f"{refused.value!r} {refused.value} {refused.value.__cause__}"


def test_an_api_key_goes_by_its_own_scheme_but_yandex_tasks_knows_one(account):
    key = "a" * 22 + ".b.c"
    account.secrets = {"token": key}
    with client.connected(account) as plain:
        assert plain._kit._headers["Authorization"] == f"ApiKey {key}"
    account.settings = {"yandex": True}
    with client.connected(account) as yandex:
        assert yandex._kit._headers["Authorization"] == f"OAuth {key}"


def test_an_empty_balance_opens_no_pool_and_says_what_to_do(adapter, account):
    remote_id = adapter.ensure_batch(account, spec())
    adapter.push_tasks(account, remote_id, tasks(2), "push-1")
    bench.control(account, "PUT", "/balance", {"balance": 0})
    with pytest.raises(OutOfFunds, match=r"The balance of “Market” on Toloka does not cover this\. Pay in there"):
        adapter.open(account, remote_id, NOON)
    health = adapter.check(account)
    assert (health.ok, health.balance_micro) == (False, 0)
    assert "Pay in there before a pool is opened." in health.sentence


def test_an_unknown_commission_is_said(adapter, account):
    account.commission_percent = None
    health = adapter.check(account)
    assert health.ok
    assert health.sentence == (
        "Toloka knows this account as Emulated requester; $1,000.00 are free. "
        "The commission is not known; set it, 0 if there is none: no pool opens before."
    )


def test_a_pool_without_tasks_says_what_to_do(adapter, account):
    remote_id = adapter.ensure_batch(account, spec())
    with pytest.raises(StateConflict, match=r"The pool has no tasks on Toloka yet\. Add tasks, then open it\."):
        adapter.open(account, remote_id, NOON)


def test_an_archived_pool_says_what_to_do(adapter, account, opened):
    remote_id = opened()
    for _ in range(2):
        adapter.archive(account, remote_id, NOON)
    with pytest.raises(StateConflict, match=r"archived on Toloka and stays closed there\. Go on in a new pool\."):
        adapter.open(account, remote_id, NOON)


def test_an_expired_page_cannot_be_accepted_and_nothing_has_to_be_done(adapter, account, opened):
    remote_id = opened()
    page = bench.take(account, bench.worker(account), remote_id)["assignment_id"]
    bench.control(account, "POST", f"/assignments/{page}/expire")
    with pytest.raises(StateConflict, match=r"expired before it was handed in\. Nothing has to be done"):
        adapter.accept(account, page, NOON)


def test_a_wrong_field_is_named(adapter, account):
    with pytest.raises(Invalid, match="reward_per_assignment"):
        adapter.ensure_batch(account, spec(price_micro=-1))


def test_a_page_of_another_market_is_not_found(adapter, account, sent):
    with pytest.raises(NotFound):
        adapter.accept(bench.account(), sent[2], NOON)
