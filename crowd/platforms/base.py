"""The port to a crowd platform: one Protocol over frozen values. No SDK type crosses it.

An adapter translates and classifies errors (crowd.errors); pacing, retries and idempotency live once, in the outbox.
Every method may be called again with the same key: "already so" is success.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from crowd.models import Account


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do; services refuse with a reason what it cannot."""

    live_api: bool
    training: bool
    exam: bool
    control_tasks: bool
    price_by_skill: bool
    postponed_acceptance: bool
    undo_rejection: bool
    ban_with_scope: bool
    native_upload: bool
    lowest_price_micro: int = 0
    most_overlap: int = 30_000


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What is published: the neutral form of a pool on one account."""

    key: str
    kind: str
    interface: str
    title: str
    spec: Mapping[str, Any]
    page_size: int
    overlap: int
    price_micro: int
    auto_accept: bool
    project_id: int
    pool_id: int
    stage_id: int


@dataclass(frozen=True, slots=True)
class TaskSpec:
    key: str
    payload: Mapping[str, Any]
    item_id: int | None = None
    known_answer: Mapping[str, Any] | None = None
    hint: str = ""
    overlap: int | None = 1
    author_id: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of a push, item by item: `created + existing + refused` is what was sent."""

    created: int
    existing: int
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RemoteAssignment:
    ext_id: str
    worker_ext_id: str
    state: str
    price_micro: int
    submitted_at: datetime | None
    answers: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Pull:
    """A page of assignments, at least once each; ask again with `watermark` until `more` is False."""

    assignments: Sequence[RemoteAssignment]
    watermark: str
    more: bool


@dataclass(frozen=True, slots=True)
class Health:
    ok: bool
    sentence: str


class Platform(Protocol):
    """What every adapter does."""

    capabilities: Capabilities

    def check(self, account: Account) -> Health: ...

    def quote(self, *, pages: int, price_micro: int) -> int:
        """Return the price of so many pages with the platform's fee, in micro-dollars."""
        ...

    def ensure_batch(self, account: Account, batch: BatchSpec) -> str:
        """Find or create the batch by its key and return the remote id."""
        ...

    def push_tasks(self, account: Account, remote_id: str, tasks: Sequence[TaskSpec]) -> Receipt: ...

    def open(self, account: Account, remote_id: str, now: datetime) -> None: ...

    def close(self, account: Account, remote_id: str, now: datetime) -> None: ...

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None: ...

    def pull(self, account: Account, remote_id: str, watermark: str) -> Pull: ...

    def accept(self, account: Account, ext_id: str, now: datetime) -> None: ...

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None: ...

    def restrict(self, account: Account, worker_ext_id: str, remote_id: str, reason: str) -> None: ...

    def unrestrict(self, account: Account, worker_ext_id: str, remote_id: str, now: datetime) -> None: ...
