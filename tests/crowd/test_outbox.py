"""Effects on a platform: each happens once, whatever dies between the intention and the record."""

from datetime import timedelta

import pytest

from crowd.errors import Invalid, StateConflict, Throttled, Unavailable, Unknown
from crowd.models import Batch, OutboxCommand
from crowd.services import dispatch, effects, outbox
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
State = OutboxCommand.State


class Effect:
    """A platform that answers as told."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self, _command: OutboxCommand, _now: object) -> dict[str, str]:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return {"remote_id": "7"}


@pytest.fixture
def kind(monkeypatch):
    """Make a kind of command whose effect is the test's own."""

    def make(*answers: Exception | None, repeat_safe: bool = True) -> Effect:
        effect = Effect(*answers)
        monkeypatch.setitem(dispatch.KINDS, "test", effects.Kind(effect, repeat_safe=repeat_safe))
        return effect

    return make


def planned(kind: str = "test", key: str = "one", batch: Batch | None = None) -> OutboxCommand:
    row = outbox.enqueue(
        kind=kind, key=key, account=batch.account if batch else market.account(), batch_id=batch.pk if batch else None
    )
    OutboxCommand.objects.filter(pk=row.pk).update(next_at=NOON)
    return row


def state_of(command: OutboxCommand) -> str:
    command.refresh_from_db()
    return command.state


def test_the_same_intention_is_written_once(kind):
    assert planned() == planned()
    assert OutboxCommand.objects.count() == 1


def test_a_command_is_carried_out_once(kind):
    effect, command = kind(), planned()
    assert [dispatch.drain(now=NOON), dispatch.drain(now=NOON)] == [1, 0]
    assert effect.calls == 1
    assert state_of(command) == State.DONE
    assert command.result == {"remote_id": "7"}


@pytest.mark.django_db(transaction=True)
def test_of_six_who_want_it_one_gets_it(kind):
    command = planned()
    taken = market.at_once(lambda who: dispatch.claim(command_id=command.pk, now=NOON, who=str(who)), range(6))
    assert sum(one is not None for one in taken) == 1


def test_nothing_is_sent_before_its_time(kind):
    effect, command = kind(), planned()
    assert not dispatch.dispatch(command_id=command.pk, now=NOON - MINUTE)
    assert effect.calls == 0


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Invalid({"price": "too low"}), State.REFUSED),
        (StateConflict("archived"), State.REFUSED),
        (Unavailable("no route"), State.PLANNED),
        (Unknown("timed out"), State.UNKNOWN),
        (Throttled(NOON + MINUTE, "10 a second"), State.PLANNED),
        (KeyError("a bug of ours"), State.PLANNED),
    ],
)
def test_an_error_decides_what_comes_next(kind, error, state):
    kind(error)
    command = planned()
    dispatch.drain(now=NOON)
    assert state_of(command) == state
    assert command.last_error
    assert command.lease_until is None


def test_a_throttled_command_waits_as_long_as_asked(kind):
    effect, command = kind(Throttled(NOON + MINUTE, "10 a second")), planned()
    dispatch.drain(now=NOON)
    assert dispatch.drain(now=NOON + MINUTE / 2) == 0
    assert dispatch.drain(now=NOON + MINUTE) == 1
    assert effect.calls == 2
    assert state_of(command) == State.DONE


def test_what_never_works_is_given_up(kind):
    kind(*[Unavailable("no route")] * 99)
    command, now = planned(), NOON
    for _ in range(dispatch.MOST_FAILURES):
        now += timedelta(hours=1)
        dispatch.drain(now=now)
    assert state_of(command) == State.DEAD


def test_a_command_that_fails_oddly_does_not_stop_those_behind_it(kind):
    kind(KeyError("a bug of ours"))
    first, second = planned(key="first"), planned(key="second")
    assert dispatch.drain(now=NOON) == 2
    assert [state_of(first), state_of(second)] == [State.PLANNED, State.DONE]


def test_opening_an_archived_batch_is_refused_with_the_reason():
    archived = market.batch(state=Batch.State.ARCHIVED)
    Batch.objects.filter(pk=archived.pk).update(remote_id=str(archived.pk))
    command = planned("open_batch", batch=archived)
    dispatch.drain(now=NOON)
    assert state_of(command) == State.REFUSED
    assert "archived" in command.last_error


def test_who_died_while_sending_is_repeated_when_that_is_safe(kind):
    effect, command = kind(), planned()
    dispatch.claim(command_id=command.pk, now=NOON, who="the dead")
    assert dispatch.sweep(now=NOON + dispatch.LEASE) == 0
    assert dispatch.sweep(now=NOON + MINUTE) == 1
    assert state_of(command) == State.PLANNED
    dispatch.drain(now=NOON + MINUTE)
    assert (effect.calls, state_of(command)) == (1, State.DONE)


def test_who_is_known_to_be_gone_is_followed_as_soon_as_its_call_cannot_be_under_way(kind, monkeypatch):
    kind()
    command = planned()
    dispatch.claim(command_id=command.pk, now=NOON, who="the dead")
    monkeypatch.setattr(dispatch.holders, "is_gone", {"the dead"}.__contains__)
    assert dispatch.sweep(now=NOON + dispatch.IN_FLIGHT) == 0
    assert dispatch.sweep(now=NOON + dispatch.IN_FLIGHT + timedelta(seconds=1)) == 1
    assert state_of(command) == State.PLANNED


def test_who_died_while_sending_waits_for_a_person_when_repeating_is_not_safe(kind):
    effect, command = kind(repeat_safe=False), planned()
    dispatch.claim(command_id=command.pk, now=NOON, who="the dead")
    dispatch.sweep(now=NOON + MINUTE)
    assert state_of(command) == State.NEEDS_PERSON
    assert (dispatch.drain(now=NOON + MINUTE), effect.calls) == (0, 0)


def test_an_unknown_outcome_is_settled_by_the_sweeper(kind):
    kind(Unknown("timed out"))
    command = planned()
    dispatch.drain(now=NOON)
    dispatch.sweep(now=NOON)
    assert state_of(command) == State.PLANNED


def test_who_wakes_up_late_records_nothing(kind):
    kind()
    command = planned()
    frozen = dispatch.claim(command_id=command.pk, now=NOON, who="the frozen")
    dispatch.sweep(now=NOON + MINUTE)
    dispatch.dispatch(command_id=command.pk, now=NOON + MINUTE)
    assert frozen is not None
    dispatch._after_error(frozen, "late", NOON + MINUTE, permanent=True)
    assert (state_of(command), command.last_error) == (State.DONE, "")


def test_what_is_not_wanted_any_more_is_withdrawn(kind):
    effect, batch = kind(), market.batch()
    command = planned(batch=batch)
    assert outbox.withdraw(kind="test", batch_id=batch.pk) == 1
    assert state_of(command) == State.CANCELLED
    assert (dispatch.drain(now=NOON), effect.calls) == (0, 0)


def test_open_and_close_reach_the_market():
    batch = market.batch(state=Batch.State.DRAFT)
    Batch.objects.filter(pk=batch.pk).update(remote_id=str(batch.pk))
    for kind, state in [("open_batch", Batch.State.OPEN), ("close_batch", Batch.State.CLOSED)]:
        planned(kind, batch=batch)
        dispatch.drain(now=NOON)
        batch.refresh_from_db()
        assert batch.state == state
