"""Whatever a platform does, in whatever order we hear of it: rows, counts, places and money agree."""

from contextlib import suppress
from dataclasses import replace

import pytest
from django.db.models import Count, Q
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crowd.errors import BudgetExceeded
from crowd.models import Assignment, OutboxCommand
from crowd.platforms import registry
from crowd.platforms.base import RemoteAssignment
from crowd.services import inbox, judging, ledger, publishing, rollups
from tests.crowd import remote
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
State = Assignment.State
MOVES = {
    "active": ["submitted", "submitted", "submitted", "skipped", "expired"],
    "submitted": ["accepted", "rejected"],
    "rejected": ["accepted"],
}


FIRST = ["active", "submitted", "submitted", "accepted", "rejected", "skipped"]
NAMES = [f"worker-{n}" for n in range(5)]
ANSWERS = [remote.YES, remote.YES, remote.YES, {"answer": "?"}]


class Pulls(RuleBasedStateMachine):
    """A batch of six tasks for two people each; five people far away, of whom each does as he likes."""

    @initialize(auto_accept=st.booleans(), first=st.lists(st.sampled_from(FIRST), min_size=5, max_size=5))
    def publish(self, auto_accept: bool, first: list[str]) -> None:
        """Everybody has taken two tasks before we hear anything."""
        registry.PLATFORMS["stub"] = "tests.crowd.remote:Stub"
        registry.elsewhere.cache_clear()
        self.batch = remote.batch(n=6, auto_accept=auto_accept)
        self.batch.tasks.update(overlap=2)
        publishing.fit_hold(batch=self.batch)
        self.pages: dict[str, RemoteAssignment] = {}
        self.answered: set[tuple[str, str]] = set()
        keys = remote.keys(self.batch) * 2
        for n, (name, state) in enumerate(zip(NAMES, first, strict=True)):
            self.take(name, keys[n : n + 2], remote.YES, state)

    def teardown(self) -> None:
        registry.PLATFORMS.pop("stub", None)
        registry.elsewhere.cache_clear()

    def in_state(self, *states: str) -> list[str]:
        return sorted(ext_id for ext_id, page in self.pages.items() if page.state in states)

    def idle(self) -> list[str]:
        busy = {page.worker_ext_id for page in self.pages.values() if page.state == "active"}
        return [name for name in NAMES if name not in busy]

    @precondition(lambda self: self.idle())
    @rule(data=st.data(), first=st.integers(0, 5), n=st.integers(1, 3), answer=st.sampled_from(ANSWERS))
    def somebody_takes_a_page(self, data, first: int, n: int, answer: dict[str, str]) -> None:
        name = data.draw(st.sampled_from(self.idle()))
        keys = (remote.keys(self.batch) * 2)[first : first + n]
        self.take(name, keys, answer, "active")

    def take(self, name: str, keys: list[str], answer: dict[str, str], state: str) -> None:
        mine = [key for key in keys if (name, key) not in self.answered]
        self.answered |= {(name, key) for key in mine}
        page = remote.told(self.batch, *mine, state=state, who=name, answer=answer)
        if mine:
            self.pages[page.ext_id] = page

    @precondition(lambda self: self.in_state(*MOVES))
    @rule(data=st.data())
    def the_platform_moves_a_page(self, data) -> None:
        ext_id = data.draw(st.sampled_from(self.in_state(*MOVES)))
        state = data.draw(st.sampled_from(MOVES[self.pages[ext_id].state]))
        handed_in = NOON if state in {"submitted", "accepted", "rejected"} else None
        self.pages[ext_id] = replace(self.pages[ext_id], state=state, submitted_at=handed_in)

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), all_of_them=st.booleans())
    def we_hear_of_some(self, data, all_of_them: bool) -> None:
        some = st.lists(st.sampled_from(sorted(self.pages)), max_size=8)
        told = sorted(self.pages) if all_of_them else data.draw(some)
        taken = inbox.take(batch=self.batch, pages=[self.pages[ext_id] for ext_id in told], now=NOON)
        assert taken.received == len(told)
        assert taken.is_whole
        assert taken.inserted + taken.matched == len(set(told))

    def unjudged(self) -> list[int]:
        pages = Assignment.objects.filter(batch=self.batch, state=State.SUBMITTED)
        return list(pages.order_by("pk").values_list("pk", flat=True))

    @precondition(lambda self: self.unjudged())
    @rule(data=st.data(), accepted=st.booleans())
    def we_judge(self, data, accepted: bool) -> None:
        pk = data.draw(st.sampled_from(self.unjudged()))
        with suppress(BudgetExceeded):
            if accepted:
                judging.accept(assignment_id=pk, now=NOON)
            else:
                judging.reject(assignment_id=pk, reason="blurred", now=NOON)
            publishing.fit_hold(batch=self.batch)

    @rule()
    def the_platform_hears_of_it(self) -> None:
        for command in OutboxCommand.objects.filter(batch_id=self.batch.pk, state="planned").order_by("pk"):
            page = Assignment.objects.get(pk=command.payload["assignment_id"])
            state = {"accept": "accepted", "reject": "rejected"}[command.kind]
            if state in MOVES.get(self.pages[page.ext_id].state, []):
                self.pages[page.ext_id] = replace(self.pages[page.ext_id], state=state)
                Assignment.objects.filter(pk=page.pk).update(platform_state=state)
            OutboxCommand.objects.filter(pk=command.pk).update(state="done")

    @rule()
    def counts_are_folded(self) -> None:
        rollups.fold(now=NOON)

    @rule(limit=st.integers(1, 9))
    def somebody_sets_the_limit(self, limit: int) -> None:
        totals = ledger.totals(project_id=self.batch.project_id)
        least = totals.reserved_micro + totals.spent_micro - totals.overdrawn_micro
        ledger.raise_budget(project_id=self.batch.project_id, limit_micro=max(least, limit * 100_000))
        with suppress(BudgetExceeded):
            publishing.fit_hold(batch=self.batch)

    @invariant()
    def each_accepted_page_is_paid_once(self) -> None:
        totals = ledger.totals(project_id=self.batch.project_id)
        pages = Assignment.objects.filter(batch=self.batch, state=State.ACCEPTED)
        assert totals.paid_micro == totals.spent_micro == pages.count() * 36_000
        assert totals.reserved_micro + totals.spent_micro <= totals.limit_micro + totals.overdrawn_micro

    @invariant()
    def counts_are_those_of_the_rows(self) -> None:
        assert rollups.compare() == []

    @invariant()
    def places_are_counted_once(self) -> None:
        live = Q(answers__assignment__state__in=[State.ACTIVE, State.SUBMITTED, State.ACCEPTED])
        done = Q(answers__assignment__state__in=[State.SUBMITTED, State.ACCEPTED])
        counted = self.batch.tasks.annotate(live=Count("answers", filter=live), full=Count("answers", filter=done))
        for task in counted:
            assert task.done <= task.full, "rejected pages that were paid after all do not count again"
            assert task.issued <= task.live


class TestPulls(Pulls.TestCase, TestCase):  # type: ignore[misc, name-defined]
    settings = settings(
        max_examples=24,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
