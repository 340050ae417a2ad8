"""Workers as the marketplace knows them, and the mail they get."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    at: datetime
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    worker_id: str
    reason: str

    def as_answer(self) -> dict[str, Any]:
        return {"WorkerId": self.worker_id, "Reason": self.reason}


@dataclass(slots=True)
class Worker:
    """`approved` and `rejected` count work for all requesters, before and within this emulator."""

    id: str
    number: int
    country: str = "US"
    subdivision: str | None = None
    approved: int = 1000
    rejected: int = 20
    adult: bool = True
    master: bool = False
    messages: list[Message] = field(default_factory=list)

    @property
    def approved_percent(self) -> int:
        judged = self.approved + self.rejected
        return 100 * self.approved // judged if judged else 100

    @property
    def locale(self) -> dict[str, str]:
        return {"Country": self.country, **({"Subdivision": self.subdivision} if self.subdivision else {})}

    def as_json(self) -> dict[str, Any]:
        return {
            "worker_id": self.id,
            "country": self.country,
            "subdivision": self.subdivision,
            "approved": self.approved,
            "rejected": self.rejected,
            "approved_percent": self.approved_percent,
            "adult": self.adult,
            "master": self.master,
        }
