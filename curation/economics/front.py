"""Which of several ways to run a campaign nobody would give away: no other one is better in one thing and no worse in
the others (Pareto)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a way costs an image, how long it takes, how good it is (0 to 1)."""

    cost: float
    hours: float
    quality: float

    def beats(self, other: "Outcome") -> bool:
        """At least as good in all three, better in one."""
        mine, theirs = (self.cost, self.hours, -self.quality), (other.cost, other.hours, -other.quality)
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))


def on_front(outcomes: Sequence[Outcome | None]) -> list[bool]:
    """Say of each whether no other one beats it. What has no outcome is not on the front."""
    known = [one for one in outcomes if one is not None]
    return [one is not None and not any(other.beats(one) for other in known) for one in outcomes]
