"""The market: everything the emulator knows, one lock, one clock, one seed.

Every call enters the market first: what was due until now happens, in the order of its time, then the call.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from crowd.emulators.toloka.books import Books
from crowd.emulators.toloka.clock import VirtualClock
from crowd.emulators.toloka.faults import Faults
from crowd.emulators.toloka.ids import Ids
from crowd.emulators.toloka.mailbox import Mailbox
from crowd.emulators.toloka.moments import to_the_millisecond
from crowd.emulators.toloka.quality import Collector
from crowd.emulators.toloka.quotas import Quotas
from crowd.emulators.toloka.records import (
    Assignment,
    Attachment,
    Bonus,
    Operation,
    Pool,
    Project,
    Restriction,
    Skill,
    Solutions,
    Subscription,
    Suite,
    Task,
    Thread,
    UserSkill,
    Worker,
)
from crowd.emulators.toloka.shelf import Shelf
from crowd.money import micro

REQUESTER_ID = "0f5e2c6b9a7d4e318c4b2a1d6f7e8090"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that quality rules and notifications look at.

    `kind` is TAKEN, SUBMITTED, SKIPPED, EXPIRED, ACCEPT, ACCEPT_AFTER_REJECT or REJECT.
    """

    kind: str
    pool: Pool
    assignment: Assignment


Observer = Callable[["Market", Happening], None]
Crowd = Callable[[], str]
"""Lets the next person of a crowd come by, and tells what came of it."""


class Market:
    def __init__(
        self,
        *,
        seed: str,
        clock: VirtualClock,
        commission: Decimal,
        balance: Decimal,
        quotas: Quotas,
        operation_delay: timedelta = timedelta(0),
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.now = to_the_millisecond(clock.now())
        self.operation_delay = operation_delay
        self.books = Books(commission)
        self.books.set_balance(micro(balance), self.now)
        self.committed_micro = 0
        self.quotas = quotas
        self.faults = Faults(seed)
        self.mailbox = Mailbox()
        self.ids = Ids(seed, self.now)
        self.projects: Shelf[Project] = Shelf("project")
        self.pools: Shelf[Pool] = Shelf("pool")
        self.trainings: Shelf[Pool] = Shelf("training")
        self.tasks: Shelf[Task] = Shelf("task")
        self.suites: Shelf[Suite] = Shelf("task suite")
        self.assignments: Shelf[Assignment] = Shelf("assignment")
        self.attachments: Shelf[Attachment] = Shelf("attachment")
        self.skills: Shelf[Skill] = Shelf("skill")
        self.user_skills: Shelf[UserSkill] = Shelf("user skill")
        self.restrictions: Shelf[Restriction] = Shelf("user restriction")
        self.bonuses: Shelf[Bonus] = Shelf("user bonus")
        self.operations: Shelf[Operation] = Shelf("operation")
        self.subscriptions: Shelf[Subscription] = Shelf("webhook subscription")
        self.threads: Shelf[Thread] = Shelf("message thread")
        self.solutions: Shelf[Solutions] = Shelf("aggregation")
        self.workers: Shelf[Worker] = Shelf("worker")
        self.collectors: dict[str, Collector] = {}
        self.lock = threading.RLock()
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._turn = 0
        self._is_settling = False
        self._soon: deque[Callable[[], None]] = deque()
        self._in_soon = False
        self.observers: list[Observer] = []
        self.crowd: Crowd | None = None

    @contextmanager
    def entered(self) -> Iterator["Market"]:
        """Hold the market for one call."""
        with self.lock:
            self.settle()
            yield self

    def at(self, due: datetime, action: Callable[[], None]) -> None:
        """Let something happen at a time; of two things at one time the older comes first."""
        self._turn += 1
        heapq.heappush(self._agenda, (due, self._turn, action))

    def settle(self) -> None:
        """Let everything happen that is due by the clock."""
        with self.lock:
            if self._is_settling:
                return
            self._is_settling = True
            try:
                self._run_agenda(to_the_millisecond(self.clock.now()))
            finally:
                self._is_settling = False

    def _run_agenda(self, until: datetime) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            due, _, action = heapq.heappop(self._agenda)
            self.now = max(self.now, due)
            action()
        self.now = max(self.now, until)

    def soon(self, action: Callable[[], None]) -> None:
        """Let something follow from what happens now, after it, and one thing after the other."""
        self._soon.append(action)
        if self._in_soon:
            return
        self._in_soon = True
        try:
            while self._soon:
                self._soon.popleft()()
        finally:
            self._in_soon = False
            self._soon.clear()

    def happened(self, kind: str, assignment: Assignment) -> None:
        """Tell the observers, one after the other."""
        happening = Happening(kind, self.pool(assignment.pool_id), assignment)
        for observer in self.observers:
            self.soon(partial(observer, self, happening))

    def any_pool(self, pool_id: object) -> Pool | None:
        return self.pools.find(pool_id) or self.trainings.find(pool_id)

    def pool(self, pool_id: str) -> Pool:
        """Return a pool or a training; an unknown id is the platform's 404."""
        return self.trainings.find(pool_id) or self.pools.get(pool_id)

    def project_of(self, pool: Pool) -> Project:
        return self.projects.get(pool.project_id)

    @property
    def spendable_micro(self) -> int:
        """Free money that no page in somebody's hands will need."""
        return self.books.free_micro - self.committed_micro

    def price_with_fee(self, amount_micro: int) -> int:
        return amount_micro + self.books.fee(amount_micro)
