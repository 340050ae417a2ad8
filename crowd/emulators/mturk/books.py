"""The emulator's own books: what is available, on hold and paid, with a line for every movement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from crowd.emulators.mturk.errors import out_of_funds
from crowd.money import plain

Kind = Literal["deposit", "hold", "release", "reward", "fee", "bonus", "bonus_fee"]
# What a movement does to (available, on hold, paid).
_EFFECT: Final[dict[Kind, tuple[int, int, int]]] = {
    "deposit": (1, 0, 0),
    "hold": (-1, 1, 0),
    "release": (1, -1, 0),
    "reward": (0, -1, 1),
    "fee": (0, -1, 1),
    "bonus": (-1, 0, 1),
    "bonus_fee": (-1, 0, 1),
}


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    at: datetime
    kind: Kind
    micro: int
    hit_id: str
    assignment_id: str
    worker_id: str

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "usd": plain(self.micro),
            "hit_id": self.hit_id,
            "assignment_id": self.assignment_id,
            "worker_id": self.worker_id,
        }


class Books:
    """Balance of one requester in micro-dollars; the balance is never overdrawn."""

    def __init__(self) -> None:
        self.available = 0
        self.on_hold = 0
        self.paid = 0
        self.lines: list[Line] = []

    def require(self, micro: int) -> None:
        """Raise the service's error unless so much is available."""
        if micro > self.available:
            raise out_of_funds(plain(micro), plain(self.available))

    def move(
        self, kind: Kind, micro: int, now: datetime, *, hit: str = "", assignment: str = "", worker: str = ""
    ) -> None:
        """Write one movement; nothing is written for nothing."""
        available, on_hold, paid = (sign * micro for sign in _EFFECT[kind])
        if available < 0:
            self.require(-available)
        if micro == 0:
            return
        self.available += available
        self.on_hold += on_hold
        self.paid += paid
        self.lines.append(Line(len(self.lines) + 1, now, kind, micro, hit, assignment, worker))

    def sum_of(self, kind: Kind) -> int:
        return sum(line.micro for line in self.lines if line.kind == kind)

    def as_json(self) -> dict[str, str]:
        sums = {f"{kind}_usd": plain(self.sum_of(kind)) for kind in _EFFECT}
        return {
            "available_usd": plain(self.available),
            "on_hold_usd": plain(self.on_hold),
            "paid_usd": plain(self.paid),
            **sums,
        }
