"""When it will be done: the middle and the late end of what the pace of the last hours promises. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance

LATE = 1.2816  # of a normal distribution: nine in ten are earlier


@dataclass(frozen=True, slots=True)
class Eta:
    """Hours until half and until nine in ten of such cases would be done."""

    p50: float
    p90: float

    @property
    def is_range(self) -> bool:
        return self.p90 >= 1.1 * self.p50


def eta(*, left: int, rate: float | None, parts: Sequence[int]) -> Eta | None:
    """Return the time left at a rate an hour that was seen in these parts of equal length; None = nobody can say.

    The time is taken as lognormal. Its spread is that of counts (both of those seen and of those to come), widened by
    how much more the parts differ than counts of a steady stream do.
    """
    if left <= 0:
        return Eta(0.0, 0.0)
    seen = sum(parts)
    if not rate or not math.isfinite(rate) or not seen:
        return None
    unsteady = max(1.0, pvariance(parts) / fmean(parts))
    spread = math.sqrt(unsteady * (1 / seen + 1 / left))
    middle = left / rate
    return Eta(middle, middle * math.exp(LATE * spread))
