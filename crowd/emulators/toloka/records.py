"""The nouns of the market. `form` is what the requester sent, with the platform's defaults filled in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from crowd.emulators.toloka.fields import Fields
from crowd.emulators.toloka.shelf import Shelf

Form = dict[str, Any]
Kind = Literal["REAL", "GOLDEN", "TRAINING"]

OPEN, CLOSED, ARCHIVED = "OPEN", "CLOSED", "ARCHIVED"
ACTIVE, SUBMITTED, ACCEPTED, REJECTED = "ACTIVE", "SUBMITTED", "ACCEPTED", "REJECTED"
SKIPPED, EXPIRED = "SKIPPED", "EXPIRED"
HANDED_IN = (SUBMITTED, ACCEPTED, REJECTED)


@dataclass(slots=True)
class Project:
    id: str
    form: Form
    created: datetime
    inputs: Fields
    outputs: Fields
    status: str = ACTIVE


@dataclass(slots=True)
class Task:
    """`overlap` is None for a task without end; `place` is its position among the tasks of its kind."""

    id: str
    pool_id: str
    form: Form
    created: datetime
    kind: Kind
    overlap: int | None
    issued: int = 0
    place: int = 0
    in_suite: bool = False
    reserved_for: frozenset[str] = frozenset()
    unavailable_for: frozenset[str] = frozenset()
    answers: list["Given"] = field(default_factory=list)
    majority: str | None = None
    is_settled: bool = False

    @property
    def remaining(self) -> int | None:
        return None if self.overlap is None else max(0, self.overlap - self.issued)

    @property
    def issuable(self) -> bool:
        return self.overlap is None or self.issued < self.overlap

    def open_to(self, worker_id: str) -> bool:
        return worker_id not in self.unavailable_for and (not self.reserved_for or worker_id in self.reserved_for)


@dataclass(frozen=True, slots=True)
class Given:
    """One worker's answer to a task."""

    user_id: str
    assignment_id: str
    values: Form
    at: datetime


@dataclass(slots=True)
class Suite:
    id: str
    pool_id: str
    form: Form
    created: datetime
    tasks: list[Task]
    overlap: int | None
    issued: int = 0
    mixed: bool = False
    order: float = 0.0
    reserved_for: frozenset[str] = frozenset()
    unavailable_for: frozenset[str] = frozenset()
    assignments: list["Assignment"] = field(default_factory=list)
    shown: list[Form] = field(default_factory=list)

    @property
    def remaining(self) -> int | None:
        return None if self.overlap is None else max(0, self.overlap - self.issued)

    @property
    def issuable(self) -> bool:
        return self.overlap is None or self.issued < self.overlap

    def open_to(self, worker_id: str) -> bool:
        return worker_id not in self.unavailable_for and (not self.reserved_for or worker_id in self.reserved_for)


@dataclass(slots=True)
class Assignment:
    """A page in somebody's hands. `first` has the first answers of a training, `times` when each status began."""

    id: str
    suite: Suite
    pool_id: str
    user_id: str
    reward_micro: int
    created: datetime
    status: str = ACTIVE
    solutions: list[Form] = field(default_factory=list)
    first: list[Form] = field(default_factory=list)
    is_reserved: bool = False
    fee_micro: int = 0
    public_comment: str | None = None
    times: dict[str, datetime] = field(default_factory=dict)
    bonus_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Pool:
    """A pool or a training. `waiting` counts the real tasks, or the suites, that may still be issued."""

    id: str
    project_id: str
    form: Form
    created: datetime
    is_training: bool
    reward_micro: int = 0
    status: str = CLOSED
    last_close_reason: str | None = None
    last_started: datetime | None = None
    last_stopped: datetime | None = None
    last_moved: datetime | None = None
    skill_id: str | None = None
    is_locked: bool = False
    tasks: list[Task] = field(default_factory=list)
    by_kind: dict[Kind, list[Task]] = field(default_factory=lambda: {"REAL": [], "GOLDEN": [], "TRAINING": []})
    suites: list[Suite] = field(default_factory=list)
    issue_order: list[Suite] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    active: int = 0
    waiting: int = 0
    head: int = 0
    wanted: int = 0
    reopening: int = 0
    last_rejection: datetime | None = None

    @property
    def noun(self) -> str:
        return "training" if self.is_training else "pool"

    @property
    def has_suites(self) -> bool:
        return bool(self.issue_order)

    @property
    def has_tasks(self) -> bool:
        return any(self.by_kind.values())


@dataclass(slots=True)
class Skill:
    id: str
    form: Form
    created: datetime
    is_global: bool = False
    is_training: bool = False


@dataclass(slots=True)
class UserSkill:
    """`counted` has the right and all control answers when a rule computed the value."""

    id: str
    skill_id: str
    user_id: str
    value: float
    created: datetime
    modified: datetime
    reason: str | None = None
    counted: tuple[float, int] | None = None


@dataclass(slots=True)
class Restriction:
    id: str
    form: Form
    created: datetime
    will_expire: datetime | None


@dataclass(slots=True)
class Bonus:
    id: str
    form: Form
    created: datetime
    amount_micro: int


@dataclass(slots=True)
class Operation:
    id: str
    type: str
    parameters: Form
    submitted: datetime
    status: str = "PENDING"
    started: datetime | None = None
    finished: datetime | None = None
    progress: int = 0
    details: Form = field(default_factory=dict)
    log: list[Form] = field(default_factory=list)


@dataclass(slots=True)
class Attachment:
    id: str
    name: str
    media_type: str
    data: bytes
    user_id: str
    assignment_id: str
    pool_id: str
    created: datetime
    ready: datetime


@dataclass(slots=True)
class Subscription:
    id: str
    form: Form
    created: datetime


@dataclass(slots=True)
class Thread:
    id: str
    form: Form
    created: datetime
    folders: list[str]
    messages: list[Form]
    interlocutors: list[Form]


@dataclass(slots=True)
class Worker:
    """A person: `profile` is what filters look at, `quality` is the platform's own opinion from 0 to 100."""

    id: str
    profile: Form
    quality: float
    created: datetime
    skills: dict[str, UserSkill] = field(default_factory=dict)
    restrictions: dict[str, Restriction] = field(default_factory=dict)
    work: dict[str, list[Assignment]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Solutions:
    """The outcome of an aggregation."""

    id: str
    items: Shelf["Solution"]


@dataclass(frozen=True, slots=True)
class Solution:
    id: str
    pool_id: str
    confidence: float
    output_values: Form
