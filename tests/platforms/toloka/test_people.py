"""Skills, bans, bonuses, messages, and being told without asking."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from crowd.errors import Invalid, NotFound, OutOfFunds, StillRunning
from crowd.models import Skill
from crowd.platforms.base import Ban, BonusSpec
from crowd.platforms.toloka.people import MOST_RECIPIENTS
from tests.crowd import bench_toloka as bench
from tests.crowd.market import NOON
from tests.platforms.toloka.plans import spec, tasks


def offered(account, who):
    return {offer["pool_id"] for offer in bench.control(account, "GET", f"/workers/{who}/offers")}


def sent(account, remote_id):
    who = bench.worker(account)
    return who, bench.hand_in(account, bench.take(account, who, remote_id))["id"]


def test_a_skill_is_made_once_and_its_id_kept_on_our_row(adapter, account):
    who = bench.worker(account)
    for value in (70, 80):
        adapter.set_skill(account, who, "Eyes", value)
    row = Skill.objects.get(account=account, name="Eyes")
    skills = bench.emulator(account).market.workers.get(who).skills
    assert {ident: skill.value for ident, skill in skills.items()} == {row.remote_id: 80}
    assert len(bench.requests(account, "POST", "/skills")) == 1


def test_a_skill_that_is_there_already_is_taken_over(adapter, account):
    who = bench.worker(account)
    adapter.set_skill(account, who, "Eyes", 70)
    Skill.objects.filter(account=account).update(remote_id="")
    adapter.set_skill(account, who, "Eyes", 90)
    assert len(bench.requests(account, "POST", "/skills")) == 1


def test_a_skill_that_was_removed_there_is_made_anew(adapter, account):
    who = bench.worker(account)
    Skill.objects.create(account=account, name="Eyes", remote_id="999")
    adapter.set_skill(account, who, "Eyes", 70)
    assert Skill.objects.get(account=account, name="Eyes").remote_id not in ("", "999")


def test_a_skill_of_somebody_unknown_is_refused_and_the_skill_kept(adapter, account):
    with pytest.raises((Invalid, NotFound)):
        adapter.set_skill(account, "nobody", "Eyes", 70)
    assert Skill.objects.get(account=account, name="Eyes").remote_id


@pytest.fixture
def three(opened):
    """Two pools of one project and one of another."""
    plans = spec(key="a"), spec(key="b"), spec(key="c", title="Another sign")
    return [opened(plan, tasks(5)) for plan in plans]


@pytest.mark.parametrize(("scope", "left"), [("batch", {1, 2}), ("project", {2}), ("account", set())])
def test_a_ban_holds_in_its_scope_until_it_is_lifted(adapter, account, three, scope, left):
    who = bench.worker(account)
    ban = Ban(who, scope, "sent the example")
    for _ in range(2):
        adapter.restrict(account, three[0], ban)
    assert offered(account, who) == {three[number] for number in left}
    for _ in range(2):
        adapter.unrestrict(account, three[0], ban, NOON)
    assert offered(account, who) == set(three)


def test_a_ban_ends_by_itself(adapter, account, three):
    who = bench.worker(account)
    adapter.restrict(account, three[0], Ban(who, "account", "x" * 2_000, until=NOON + timedelta(days=10)))
    assert offered(account, who) == set()
    bench.control(account, "POST", "/clock/advance", {"days": 11})
    assert offered(account, who) == set(three)


def bonus(who, page="", **changed: Any):
    usual = {"key": "thanks", "worker_ext_id": who, "assignment_ext_id": page, "amount_micro": 500_000}
    return BonusSpec(**{**usual, "message": "Excellent photos. Thank you!", **changed})


def test_a_bonus_is_paid_once_for_each_key_and_person(adapter, account, opened):
    remote_id = opened()
    (one, page), (two, _) = sent(account, remote_id), sent(account, remote_id)
    paid = [adapter.pay_bonus(account, bonus(one, page)) for _ in range(3)]
    assert len(set(paid)) == 1
    assert adapter.pay_bonus(account, bonus(two)) not in paid
    assert adapter.pay_bonus(account, bonus(one, key="more")) not in paid
    assert bench.emulator(account).market.books.spent_micro["BONUS"] == 1_500_000
    assert adapter.books(account, remote_id).bonuses == {paid[0]: 500_000}


def test_a_bonus_that_takes_time_is_asked_about_and_paid_once(adapter, account):
    who = bench.worker(account)
    bench.control(account, "PUT", "/settings", {"operation_delay": 60})
    for again in (False, True, True):
        with pytest.raises(StillRunning, match="it pays a bonus"):
            adapter.pay_bonus(account, bonus(who, again=again))
    bench.control(account, "POST", "/clock/advance", {"minutes": 2})
    assert adapter.pay_bonus(account, bonus(who, again=True))
    assert len(bench.requests(account, "POST", "/user-bonuses")) == 1


def test_a_bonus_without_money_is_paid_when_there_is_some(adapter, account):
    who = bench.worker(account)
    bench.control(account, "PUT", "/balance", {"balance": "0.1"})
    for _ in range(3):
        with pytest.raises(OutOfFunds, match="Pay in there"):
            adapter.pay_bonus(account, bonus(who))
    assert len(bench.requests(account, "POST", "/user-bonuses")) == 1
    bench.control(account, "PUT", "/balance", {"balance": 10})
    assert adapter.pay_bonus(account, bonus(who)) == adapter.pay_bonus(account, bonus(who))
    assert bench.emulator(account).market.books.spent_micro["BONUS"] == 500_000


def test_a_bonus_whose_log_is_gone_is_found_by_its_key(adapter, account):
    who = bench.worker(account)
    paid = adapter.pay_bonus(account, bonus(who))
    bench.control(account, "PUT", "/faults", {"log_archived": 1})
    assert adapter.pay_bonus(account, bonus(who, again=True)) == paid


def test_a_bonus_toloka_does_not_take_says_why(adapter, account):
    who = bench.worker(account)
    for _ in range(2):
        with pytest.raises(Invalid, match="amount"):
            adapter.pay_bonus(account, bonus(who, amount_micro=1_000))
    with pytest.raises(Invalid, match="user_id"):
        adapter.pay_bonus(account, bonus("nobody"))


def test_a_bonus_may_go_without_words(adapter, account):
    assert adapter.pay_bonus(account, bonus(bench.worker(account), message=""))


def test_a_message_reaches_who_it_is_for(adapter, account):
    who = [bench.worker(account) for _ in range(2)]
    account.settings = {"language": "de"}
    adapter.message(account, who, "Neue Bilder", "Danke!")
    (thread,) = bench.emulator(account).market.threads
    assert thread.form["compose_details"]["recipients_ids"] == who
    assert thread.form["topic"] == {"DE": "Neue Bilder"}


def test_a_message_is_one_request_or_none(adapter, account):
    adapter.message(account, [], "Nobody", "is there")
    with pytest.raises(Invalid, match="101 are more than the 100"):
        adapter.message(account, [f"w{number}" for number in range(MOST_RECIPIENTS + 1)], "Hello", "all")
    assert bench.requests(account, "POST", "/message-threads") == []


@contextmanager
def letter_box() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A server that keeps what is posted to it."""
    letters: list[tuple[dict[str, str], bytes]] = []

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            letters.append((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Box)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x/events/toloka/", letters
    finally:
        server.shutdown()
        server.server_close()


def test_what_happens_in_a_pool_is_told_signed_and_only_points_to_it(adapter, account, db):
    from crowd.emulators.toloka.courier import Courier

    courier = Courier(bench.emulator(account).market.mailbox)
    with letter_box() as (url, letters):
        courier.start()
        for _ in range(2):
            remote_id = adapter.ensure_batch(account, spec(webhook_url=url))
        adapter.push_tasks(account, remote_id, tasks(2), "push-1")
        adapter.open(account, remote_id, NOON)
        sent(account, remote_id)
        assert bench.control(account, "POST", "/webhooks/wait")["is_empty"]
        courier.stop()
    notes = [
        note for headers, body in letters for note in adapter.parse_event(account, headers, body, _signed_at(headers))
    ]
    assert [(note.kind, note.remote_id) for note in notes] == [("ASSIGNMENT_SUBMITTED", remote_id)]


def _signed_at(headers):
    stamp = headers["Toloka-Signature"].partition("ts=")[2].partition(",")[0]
    return datetime.fromtimestamp(int(stamp) / 1000, UTC)


def test_without_a_secret_nobody_subscribes_and_polling_has_to_do(adapter, account):
    account.secrets = {"token": account.secrets["token"]}
    adapter.ensure_batch(account, spec(webhook_url="http://127.0.0.1:9/x/"))
    assert bench.requests(account, "PUT", "/webhook-subscriptions") == []


def test_an_address_toloka_does_not_take_is_no_reason_not_to_publish(adapter, account, caplog):
    remote_id = adapter.ensure_batch(account, spec(webhook_url="nowhere"))
    assert bench.emulator(account).market.pools.find(remote_id) is not None
    assert "the pools are asked all the same" in caplog.text
