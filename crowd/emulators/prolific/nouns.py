"""What the market holds. Amounts are whole cents."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
HOLDS_A_PLACE = frozenset({"RESERVED", "ACTIVE", "AWAITING REVIEW", "APPROVED"})
OPEN = frozenset({"RESERVED", "ACTIVE"})


@dataclass(slots=True)
class Line:
    """A movement of money, for the emulator's own books."""

    kind: str  # reward, bonus
    ref: str
    amount: int


@dataclass(slots=True)
class Workspace:
    id: str
    token: str
    project: str
    currency: str
    deposit: int
    lines: list[Line] = field(default_factory=list)
    hook_secret: str = ""
    secrets_made: int = 0


@dataclass(slots=True)
class Study:
    id: str
    workspace: str
    form: Json
    status: str = "UNPUBLISHED"
    is_stopped: bool = False  # takes nobody in any more, whatever places are free

    @property
    def places(self) -> int:
        return int(self.form["total_available_places"])

    @property
    def reward(self) -> int:
        return int(self.form["reward"])


@dataclass(slots=True)
class Submission:
    id: str
    study: str
    participant: str
    started_at: datetime
    status: str = "ACTIVE"
    completed_at: datetime | None = None
    entered_code: str | None = None
    bonuses: list[tuple[datetime, int]] = field(default_factory=list)  # paid from when on, and how much
    told: Json = field(default_factory=dict)  # of a rejection


@dataclass(slots=True)
class Group:
    id: str
    workspace: str
    name: str
    people: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Bulk:
    """A bonus that was set up; each call to pay it pays it."""

    id: str
    study: str
    amounts: list[tuple[str, int]]
    times_paid: int = 0


@dataclass(slots=True)
class Subscription:
    id: str
    workspace: str
    event_type: str
    target_url: str
    confirmation: str
    is_enabled: bool = False


@dataclass(slots=True)
class Letter:
    """A notification as it would be posted."""

    url: str
    headers: dict[str, str]
    body: bytes
