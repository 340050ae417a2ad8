"""Scenario tests: does a model do well enough on the images of a saved query, and would more images decide it? Pure."""

from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

Verdict = Literal["pass", "fail", "undecided"]

Z: Final = 1.96
"""Two-sided 95 %."""
MOST_MORE: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """`more` = how many more of the same rate would decide; None = no number would, or none are needed.

    What is counted is images (accuracy) or boxes (precision, recall); F1 has halves: its n is hits + half the errors.
    """

    right: float
    n: float
    low: float
    high: float
    verdict: Verdict
    more: int | None = None


def wilson(right: float, n: float, z: float = Z) -> tuple[float, float]:
    """Return the interval of a share, 0 to 1, after `right` of n (Wilson 1927). Nothing seen: (0, 1)."""
    return _wilson(right / n, n, z) if n else (0.0, 1.0)


def judged(right: float, n: float, *, threshold: float) -> Outcome:
    """Return whether the share is surely above the threshold, surely below it, or not decided yet."""
    low, high = wilson(right, n)
    verdict: Verdict = "pass" if low >= threshold else "fail" if high < threshold else "undecided"
    more = _more_needed(right / n, n, threshold) if verdict == "undecided" and n else None
    return Outcome(right, n, low, high, verdict, more)


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    centre = share + z * z / (2 * n)
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def _more_needed(share: float, n: float, threshold: float) -> int | None:
    """Return the smallest number of further images at which the same share decides (by halving: it is monotonic)."""
    if share == threshold or not _decides(share, n + MOST_MORE, threshold):
        return None
    few, many = 0, MOST_MORE
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _decides(share, n + middle, threshold) else (middle, many)
    return many


def _decides(share: float, n: float, threshold: float) -> bool:
    low, high = _wilson(share, n, Z)
    return low >= threshold or high < threshold
