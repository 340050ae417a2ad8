"""The outbox against a platform that drops replies, throttles and refuses, while processes die: each effect once."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crowd.errors import Invalid, Throttled, Unavailable, Unknown
from crowd.models import OutboxCommand
from crowd.services import dispatch, effects, outbox, outbox_decisions
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = [pytest.mark.django_db, pytest.mark.faults]
State = OutboxCommand.State
MOODS = ["well", "well", "well", "drops the reply", "no route", "busy", "refuses", "odd", "dies before", "dies after"]
Ident = tuple[str, str]


class Died(BaseException):
    """The process is gone; nobody writes down anything."""


class Effects(RuleBasedStateMachine):
    """Commands that the platform knows by their key, and commands that it does as often as it is told."""

    @initialize()
    def begin(self) -> None:
        OutboxCommand.objects.all().delete()
        self.account = market.account()
        self.now, self.mood = NOON, "well"
        self.done: list[Ident] = []
        self.asleep: list[OutboxCommand] = []
        dispatch.KINDS["keyed"] = effects.Kind(self.effect)
        dispatch.KINDS["once"] = effects.Kind(self.effect, repeat_safe=False)

    def teardown(self) -> None:
        for name in ("keyed", "once"):
            dispatch.KINDS.pop(name, None)

    def effect(self, command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
        """Do as the platform does: perform it or not, and answer or not."""
        known = command.kind == "keyed" and (command.kind, command.key) in self.done
        before: dict[str, BaseException] = {
            "no route": Unavailable("no route"),
            "busy": Throttled(now + MINUTE, "10 a second"),
            "odd": KeyError("a bug of ours"),
            "dies before": Died(),
        }
        if self.mood in before:
            raise before[self.mood]
        if self.mood == "refuses" and not known:
            raise Invalid({"price": "too low"})
        if not known:
            self.done.append((command.kind, command.key))
        if self.mood == "drops the reply":
            raise Unknown("timed out")
        if self.mood == "dies after":
            raise Died
        return {"remote_id": "7"}

    @rule(kind=st.sampled_from(["keyed", "once"]), n=st.integers(0, 5), in_lane=st.booleans())
    def something_is_wanted(self, kind: str, n: int, in_lane: bool) -> None:
        key = f"lane-{n}" if in_lane else str(n)
        row = outbox.enqueue(kind=kind, key=key, account=self.account, lane="one by one" if in_lane else "")
        OutboxCommand.objects.filter(pk=row.pk, next_at__gt=self.now + timedelta(days=30)).update(next_at=self.now)

    @rule(mood=st.sampled_from(MOODS), data=st.data())
    def a_process_carries_one_out(self, mood: str, data: st.DataObject) -> None:
        ids = dispatch.due_ids(now=self.now, account_id=self.account.pk)
        if not ids:
            return
        self.mood = mood
        with suppress(Died):
            assert dispatch.dispatch(command_id=data.draw(st.sampled_from(ids)), now=self.now)

    @rule(data=st.data())
    def a_process_falls_asleep_with_the_answer_in_its_hand(self, data: st.DataObject) -> None:
        ids = dispatch.due_ids(now=self.now, account_id=self.account.pk)
        if not ids:
            return
        command = dispatch.claim(command_id=data.draw(st.sampled_from(ids)), now=self.now, who="the sleeper")
        assert command is not None
        self.mood = "well"
        self.effect(command, self.now)
        self.asleep.append(command)

    @precondition(lambda self: self.asleep)
    @rule()
    def it_wakes_up_and_writes_its_answer_down(self) -> None:
        command = self.asleep.pop(0)
        mine = OutboxCommand.objects.filter(pk=command.pk)
        holds = mine.filter(state=State.SENDING, fence=command.fence).exists()
        before = mine.values().get()
        dispatch._finish(command, State.DONE, finished_at=self.now)
        assert holds or mine.values().get() == before

    @rule(seconds=st.sampled_from([3, 26, 400]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        dispatch.sweep(now=self.now)
        assert not OutboxCommand.objects.filter(state=State.UNKNOWN).exists()
        assert not OutboxCommand.objects.filter(state=State.SENDING, lease_until__lt=self.now).exists()

    @rule()
    def a_person_looks_at_the_platform(self) -> None:
        """Nobody else can tell; a refused command outside of the lane is tried again too."""
        for command in OutboxCommand.objects.filter(state=State.NEEDS_PERSON):
            if (command.kind, command.key) in self.done:
                outbox_decisions.confirm_done(command_id=command.pk, now=self.now)
            else:
                outbox_decisions.send_again(command_id=command.pk, now=self.now)
        for command in OutboxCommand.objects.filter(state=State.REFUSED, lane=""):
            outbox_decisions.send_again(command_id=command.pk, now=self.now)

    @invariant()
    def nothing_is_done_twice(self) -> None:
        assert [ident for ident, n in Counter(self.done).items() if n > 1] == []

    @invariant()
    def what_is_recorded_is_what_happened(self) -> None:
        rows = OutboxCommand.objects.filter(state__in=[State.DONE, State.REFUSED]).values_list("kind", "key", "state")
        for kind, key, state in rows:
            assert ((kind, key) in self.done) == (state == State.DONE)

    @invariant()
    def a_lane_keeps_its_order(self) -> None:
        lane = list(OutboxCommand.objects.exclude(lane="").order_by("pk").values_list("kind", "key"))
        happened = [lane.index(ident) for ident in self.done if ident in lane]
        assert happened == sorted(happened)


class TestEffects(Effects.TestCase, TestCase):  # type: ignore[misc, name-defined]
    settings = settings(
        max_examples=30,
        stateful_step_count=50,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
