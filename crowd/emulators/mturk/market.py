"""Everything that the emulator remembers, with the few moves that all operations share."""

import heapq
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from crowd.emulators.mturk.books import Books
from crowd.emulators.mturk.chance import Ids, stream
from crowd.emulators.mturk.clock import VirtualClock
from crowd.emulators.mturk.errors import invalid, missing, wrong_state
from crowd.emulators.mturk.nouns.assignments import Assignment, Bonus
from crowd.emulators.mturk.nouns.hits import Hit, HitType
from crowd.emulators.mturk.nouns.notices import Notice
from crowd.emulators.mturk.nouns.qualifications import (
    SYSTEM,
    Qualification,
    QualificationRequest,
    QualificationType,
)
from crowd.emulators.mturk.nouns.workers import Block, Message, Worker
from crowd.emulators.mturk.paging import page
from crowd.money import plain

Request = Mapping[str, Any]
Answer = dict[str, Any]
Entity = TypeVar("Entity")


class Listed(Protocol):
    """What a list operation can give out."""

    @property
    def number(self) -> int: ...

    def as_answer(self) -> Answer: ...


Item = TypeVar("Item", bound=Listed)


@dataclass(order=True, slots=True, frozen=True)
class Due:
    """Something that happens by itself; it is dropped when the noun has moved on meanwhile."""

    at: datetime
    number: int
    kind: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class Token:
    """A UniqueRequestToken that was used, and for what."""

    used: datetime
    what: str


@dataclass(slots=True)
class Market:
    clock: VirtualClock
    ids: Ids
    crowd_chance: random.Random
    customer_id: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    books: Books = field(default_factory=Books)
    hit_types: dict[str, HitType] = field(default_factory=dict)
    hits: dict[str, Hit] = field(default_factory=dict)
    open_hits: dict[str, Hit] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    bonuses: list[Bonus] = field(default_factory=list)
    qualification_types: dict[str, QualificationType] = field(default_factory=dict)
    qualifications: dict[tuple[str, str], Qualification] = field(default_factory=dict)
    qualification_requests: dict[str, QualificationRequest] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    tokens: dict[tuple[str, str], Token] = field(default_factory=dict)
    layouts: dict[str, str] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    deliver: Callable[[Notice], None] = lambda _notice: None
    half_pages: Callable[[str], bool] = lambda _operation: False
    _due: list[Due] = field(default_factory=list)
    _numbers: int = 0

    def number(self) -> int:
        """Return the next of the rising numbers by which lists are ordered."""
        self._numbers += 1
        return self._numbers

    # Finding

    def hit(self, hit_id: str) -> Hit:
        return _found(self.hits, hit_id, "HIT")

    def hit_type(self, hit_type_id: str) -> HitType:
        return _found(self.hit_types, hit_type_id, "HITType")

    def assignment(self, assignment_id: str) -> Assignment:
        return _found(self.assignments, assignment_id, "Assignment")

    def worker(self, worker_id: str) -> Worker:
        if worker_id not in self.workers:
            raise invalid(f"WorkerId is invalid: there is no worker {worker_id}.")
        return self.workers[worker_id]

    def qualification_type(self, type_id: str) -> QualificationType:
        """Return a type that is not being deleted."""
        found = _found(self.qualification_types, type_id, "QualificationType")
        if found.status == "Disposing":
            raise wrong_state("QualificationType", "Disposing", "Active,Inactive")
        return found

    # Time

    def schedule(self, at: datetime, kind: str, entity_id: str) -> None:
        heapq.heappush(self._due, Due(at, self.number(), kind, entity_id))

    def next_due(self, now: datetime) -> Due | None:
        """Take what is due first, or nothing."""
        return heapq.heappop(self._due) if self._due and self._due[0].at <= now else None

    # Telling

    def mail(self, worker_id: str, subject: str, text: str, now: datetime) -> None:
        self.worker(worker_id).messages.append(Message(now, subject, text))

    def tell(self, event: str, hit: Hit, now: datetime, assignment_id: str | None = None) -> None:
        """Notify the requester of an event, if the HIT's type wants it."""
        wanted = hit.type.notification
        if wanted and hit.type.notify and event in wanted["EventTypes"]:
            self.send(wanted, event, now, hit_type_id=hit.type.id, hit_id=hit.id, assignment_id=assignment_id)

    def send(
        self, wanted: Request, event: str, now: datetime, *, hit_type_id: str, hit_id: str, assignment_id: str | None
    ) -> None:
        notice = Notice(
            document_id=self.ids.document(),
            at=now,
            event=event,
            transport=wanted["Transport"],
            destination=wanted["Destination"],
            version=wanted["Version"],
            customer_id=self.customer_id,
            hit_type_id=hit_type_id,
            hit_id=hit_id,
            assignment_id=assignment_id,
        )
        self.notices.append(notice)
        self.deliver(notice)

    # Answering

    def page(self, items: Iterable[Item], request: Request, scope: str) -> tuple[Sequence[Item], Answer]:
        """Cut a page; `scope` names the list, so that a token of another list is refused."""
        half = self.half_pages(scope.partition(":")[0])
        return page(items, request, scope=scope, number=lambda item: item.number, half=half)

    def listed(self, items: Iterable[Item], request: Request, scope: str, member: str) -> Answer:
        """Return the whole answer of a list operation."""
        cut, token = self.page(items, request, scope)
        return {"NumResults": len(cut), member: [item.as_answer() for item in cut], **token}


def _found(shelf: Mapping[str, Entity], entity_id: str, noun: str) -> Entity:
    if entity_id not in shelf:
        raise missing(noun, entity_id)
    return shelf[entity_id]


def new_market(*, seed: int, clock: VirtualClock, balance: int) -> Market:
    """Open a market with one requester, her balance in micro-dollars and the service's own qualification types."""
    if balance < 0:
        raise ValueError(f"The balance is {plain(balance)} dollars; expected 0 or more.")
    ids = Ids(seed)
    market = Market(clock=clock, ids=ids, crowd_chance=stream(seed, "crowd"), customer_id=ids.worker())
    market.books.move("deposit", balance, clock.now())
    for type_id, name in SYSTEM.items():
        market.qualification_types[type_id] = QualificationType(
            id=type_id,
            number=market.number(),
            created=datetime(2005, 11, 2, tzinfo=UTC),
            name=name,
            description=f"Kept by the service for every worker: {name}.",
            requestable=False,
        )
    return market
