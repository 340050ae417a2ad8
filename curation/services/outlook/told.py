"""What is said about an end: hours and money with how sure that is, or never."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from curation.economics.time_left import LONGEST, Quantiles
from curation.services.overview.eta import Eta


@dataclass(frozen=True, slots=True)
class Told:
    """`hours` and `micro` None: nobody can say. `never`: the sentence why it cannot end, empty when it can.

    `is_stopped`: nobody is asked for anything until a pool is opened again.
    """

    now: datetime
    goal: int
    reached: int
    spent_micro: int
    currency: str
    hours: Quantiles | None = None
    micro: Quantiles | None = None
    never: str = ""
    is_stopped: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return max(0, self.goal - self.reached)

    @property
    def unsaid(self) -> str:
        """Return why no end is told; empty where one is."""
        if self.never or self.eta:
            return self.never
        if self.hours is not None:
            return f"Too uncertain yet: more than one in ten such cases takes longer than {LONGEST // 24} days"
        return "No pool is open" if self.is_stopped else "The pace is not known yet"

    @property
    def eta(self) -> Eta | None:
        """Return the time left; None where one in ten such cases does not end in the time that is looked ahead."""
        if self.hours is None or not isfinite(self.hours.p90):
            return None
        return Eta(self.hours.p50, self.hours.p90)

    @property
    def soon_at(self) -> datetime | None:
        return self.now + timedelta(hours=self.eta.p50) if self.eta else None

    @property
    def late_at(self) -> datetime | None:
        return self.now + timedelta(hours=self.eta.p90) if self.eta else None

    @property
    def soon_micro(self) -> int | None:
        return round(self.micro.p50) if self.micro else None

    @property
    def late_micro(self) -> int | None:
        return round(self.micro.p90) if self.micro else None
