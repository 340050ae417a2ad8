"""The port to a crowd platform: one Protocol over frozen values. No SDK type crosses it.

An adapter translates and classifies errors (crowd.errors); pacing, retries and idempotency live once, in the outbox.
Every method may be called again with the same key: "already so" is success.

There are three kinds of platform. `local`: our own database is the market. `remote`: the platform gives out pages of
the tasks we push, and we pull the answers. `hosted`: the platform finds and pays people, who work on our own pages.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from crowd.audience import Audience
from crowd.errors import PlatformError
from crowd.models import Account

Pages = Literal["local", "remote", "hosted"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do; services refuse with a reason what it cannot."""

    pages: Pages
    live_api: bool
    training: bool
    exam: bool
    control_tasks: bool
    price_by_skill: bool
    postponed_acceptance: bool
    undo_rejection: bool
    ban_with_scope: bool
    native_upload: bool
    audience_filters: frozenset[str] = frozenset()  # names of crowd.audience.Audience fields it honours
    interfaces: frozenset[str] = frozenset({"photo", "choice", "boxes"})
    returns_submission: bool = False  # hosted: each page comes back with the value that our own page gave with it
    sees_skips: bool = True
    platform_rules: bool = False
    priority: bool = True
    bonuses: bool = True
    messages: bool = False
    balance: bool = False
    webhooks: bool = False
    lowest_price_micro: int = 0
    price_step_micro: int = 1
    most_overlap: int = 30_000
    longest_review_days: int = 365
    rejection_frees_place: bool = False  # hosted: somebody else may come for a page that was rejected
    rules_note: str = ""  # why the platform's own checks of answers are not used, where it has some
    note: str = ""  # one honest sentence, shown wherever the platform can be chosen


FULL = Capabilities(
    pages="remote",
    live_api=True,
    training=True,
    exam=True,
    control_tasks=True,
    price_by_skill=True,
    postponed_acceptance=True,
    undo_rejection=True,
    ban_with_scope=True,
    native_upload=True,
)  # of a market that can do all of it; an adapter says `replace(FULL, …)` with what it lacks


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
    control_per_page: int = 0
    whole_pages: bool = False  # a page with fewer tasks costs as much as a full one
    price_table: Sequence[tuple[int, int, int]] = ()
    price_skill: str = ""
    needs_skill: str = ""
    needs_value: int = 0
    needs_batch: str = ""  # remote id of the training or exam that gives the needed skill
    has_gate: bool = False  # there is such a training or exam, published yet or not
    grants_skill: str = ""
    audience: Audience = field(default_factory=Audience)
    review_days: int = 7
    assignment_seconds: int = 900
    expires_at: datetime | None = None
    priority: int = 0
    rules: Sequence[Mapping[str, Any]] = ()
    webhook_url: str = ""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """`payload` is what the worker sees, with addresses instead of storage keys where the platform is not ours."""

    key: str
    payload: Mapping[str, Any]
    item_id: int | None = None
    known_answer: Mapping[str, Any] | None = None
    hint: str = ""
    overlap: int | None = 1
    author_id: int | None = None
    author_ext_id: str = ""  # never gets this task


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of a push, item by item: `created + existing + refused` is what was sent."""

    created: int
    existing: int
    refused: Mapping[str, str]
    ids: Mapping[str, str] = field(default_factory=dict)  # task key -> id on the platform


@dataclass(frozen=True, slots=True)
class RemoteAssignment:
    """A page as the platform tells it: answers by their task's key, `{"file_ref": …}` for a file that lies there."""

    ext_id: str
    worker_ext_id: str
    state: str
    price_micro: int
    submitted_at: datetime | None
    answers: Mapping[str, Mapping[str, Any]]
    issued_at: datetime | None = None
    judged_at: datetime | None = None
    reason: str = ""
    first_answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of a training, before the hint
    submission: str = ""  # hosted platforms: the uuid our own page handed over


@dataclass(frozen=True, slots=True)
class Pull:
    """A page of assignments, at least once each; ask again with `watermark` until `more` is False.

    `stopped` = the platform gives out no more of this batch of its own accord: why, and what to do.
    """

    assignments: Sequence[RemoteAssignment]
    watermark: str
    more: bool
    stopped: PlatformError | None = None


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    name: str
    window_seconds: int
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class Health:
    ok: bool
    sentence: str
    balance_micro: int | None = None
    quotas: Sequence[QuotaLeft] = ()


@dataclass(frozen=True, slots=True)
class Ban:
    """Where a worker gets no more work: `scope` is batch, project or account.

    `is_final`: the platform's own decision, which only it can lift.
    """

    worker_ext_id: str
    scope: str
    reason: str
    until: datetime | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class BonusSpec:
    """`again` = it was tried before and nobody knows how that ended: look before paying."""

    key: str
    worker_ext_id: str
    assignment_ext_id: str
    amount_micro: int
    message: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class EventNote:
    """What a notification says: something happened in this batch. It only triggers a pull."""

    event_id: str
    kind: str
    remote_id: str


@dataclass(frozen=True, slots=True)
class RemoteBooks:
    """What the platform says about a batch, to be compared with our rows."""

    pages_by_state: Mapping[str, int]
    tasks: int
    spent_micro: int  # rewards of accepted pages, without fees
    page_states: Mapping[str, str] = field(default_factory=dict)  # page id -> state
    bonuses: Mapping[str, int] = field(default_factory=dict)  # bonus id on the platform -> micro
    fees_micro: int | None = None  # taken for accepted pages; None = the platform does not say
    is_open: bool | None = None  # whether it gives out work; None = it does not say, or decides that by itself


class Platform(Protocol):
    """What every adapter does."""

    capabilities: Capabilities

    def check(self, account: Account) -> Health:
        """Look at credentials, balance and quotas; never write."""
        ...

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        """Return what the platform takes for one page on top of its price, in micro-units."""
        ...

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        """Return the price of so many pages with the platform's fee, in micro-units."""
        ...

    def lacks(self, account: Account, batch: BatchSpec) -> list[str]:
        """Return in sentences what of this plan the platform cannot do; empty = all of it."""
        ...

    def ensure_batch(self, account: Account, batch: BatchSpec) -> str:
        """Find or create the batch by its key and return the remote id."""
        ...

    def update_batch(self, account: Account, remote_id: str, batch: BatchSpec) -> None:
        """Bring price, audience, expiry and the like to what the spec says."""
        ...

    def push_tasks(self, account: Account, remote_id: str, tasks: Sequence[TaskSpec], key: str = "") -> Receipt:
        """Send tasks under an operation key. Raises StillRunning until the platform has taken them in."""
        ...

    def set_overlap(self, account: Account, remote_id: str, task_remote_id: str, overlap: int) -> None:
        """Say how many answers a task gets in all; 0 stops giving it out."""
        ...

    def offer_pages(self, account: Account, remote_id: str, pages: int, key: str) -> None:
        """Hosted platforms: let so many more people come to our page. The same key does it once."""
        ...

    def open(self, account: Account, remote_id: str, now: datetime) -> None: ...

    def close(self, account: Account, remote_id: str, now: datetime) -> None: ...

    def archive(self, account: Account, remote_id: str, now: datetime) -> None: ...

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None: ...

    def pull(self, account: Account, remote_id: str, watermark: str) -> Pull: ...

    def accept(self, account: Account, ext_id: str, now: datetime, comment: str = "") -> None: ...

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None: ...

    def pay_bonus(self, account: Account, bonus: BonusSpec) -> str:
        """Pay once and return the platform's id of it. Raises NeedsPerson when it cannot tell whether it did."""
        ...

    def set_skill(self, account: Account, worker_ext_id: str, skill: str, value: int) -> None: ...

    def restrict(self, account: Account, remote_id: str, ban: Ban) -> None: ...

    def unrestrict(self, account: Account, remote_id: str, ban: Ban, now: datetime) -> None: ...

    def bans(self, account: Account, remote_id: str) -> Sequence[Ban]:
        """Return who is kept out of this batch on the platform's side, by whomever; empty where it does not say."""
        ...

    def message(self, account: Account, worker_ext_ids: Sequence[str], topic: str, text: str) -> None: ...

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        """Stream a file of an answer, in bounded memory."""
        ...

    def parse_event(self, account: Account, headers: Mapping[str, str], body: bytes, now: datetime) -> list[EventNote]:
        """Check the signature over the raw body and say what happened. Raises AuthFailed."""
        ...

    def books(self, account: Account, remote_id: str) -> RemoteBooks:
        """Return what the platform has on its side, for reconciling."""
        ...
