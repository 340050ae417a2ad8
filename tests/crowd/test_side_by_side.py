"""Commands sent side by side: several lanes at once, each lane in its order, each command once."""

import threading
import time

import pytest

from crowd.errors import Unavailable
from crowd.models import OutboxCommand
from crowd.services import dispatch, effects, outbox
from tests.crowd import market

pytestmark = pytest.mark.django_db(transaction=True)
LANES, IN_A_LANE = 8, 3


class Far:
    """A platform that takes its time over a call and remembers who asked when."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, command: OutboxCommand, _now: object) -> dict[str, str]:
        with self._lock:
            self.calls.append(command.key)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.01)
        with self._lock:
            self.at_once -= 1
        if command.payload.get("fails"):
            raise Unavailable("It does not answer.")
        return {}


@pytest.fixture
def far(monkeypatch):
    effect = Far()
    monkeypatch.setitem(dispatch.KINDS, "test", effects.Kind(effect, side_by_side=True))
    monkeypatch.setitem(dispatch.KINDS, "alone", effects.Kind(effect))
    return effect


def plan(account, lane: str, key: str, kind: str = "test", **payload: bool) -> None:
    outbox.enqueue(kind=kind, key=key, account=account, lane=lane, payload=payload)


def test_lanes_go_side_by_side_and_each_keeps_its_order(far):
    account = market.account()
    for number in range(IN_A_LANE):
        for lane in range(LANES):
            plan(account, f"lane-{lane}", f"{lane}-{number}")
    assert dispatch.drain_for(account_id=account.pk, seconds=30) is False
    assert far.most_at_once > 1
    assert len(far.calls) == len(set(far.calls)) == LANES * IN_A_LANE
    for lane in range(LANES):
        mine = [key for key in far.calls if key.startswith(f"{lane}-")]
        assert mine == [f"{lane}-{number}" for number in range(IN_A_LANE)]


def test_one_that_fails_holds_up_its_own_lane_alone(far):
    account = market.account()
    for lane in range(LANES):
        plan(account, f"lane-{lane}", f"{lane}-first", fails=lane == 0)
        plan(account, f"lane-{lane}", f"{lane}-second")
    dispatch.drain_for(account_id=account.pk, seconds=30)
    assert "0-second" not in far.calls
    assert OutboxCommand.objects.filter(state="done").count() == 2 * LANES - 2


def test_when_the_time_is_up_the_rest_waits(far):
    account = market.account()
    for lane in range(LANES):
        plan(account, f"lane-{lane}", f"{lane}")
    assert dispatch.drain_for(account_id=account.pk, seconds=0) is True
    assert far.calls == []


def test_what_makes_something_there_is_sent_alone(far):
    account = market.account()
    for lane in range(LANES):
        plan(account, f"lane-{lane}", f"{lane}", kind="alone")
    assert dispatch.drain_for(account_id=account.pk, seconds=30) is False
    assert (len(far.calls), far.most_at_once) == (LANES, 1)
