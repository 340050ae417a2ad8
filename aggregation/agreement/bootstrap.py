"""Intervals by drawing the same number of images again, with replacement.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, percentile interval.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

INSIDE = 95.0  # percent


def redrawn(counts: NDArray[np.int64], draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield, `draws` times, how many of each kind of image a new draw of as many images holds; shape (kinds,)."""
    kinds = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(seed)
    for _ in range(draws if len(kinds) else 0):
        yield np.bincount(kinds[rng.integers(len(kinds), size=len(kinds))], minlength=len(counts))


def interval_of(values: Sequence[float | None]) -> Interval | None:
    """Return the middle 95 % of the values that exist."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = np.percentile(known, [(100 - INSIDE) / 2, (100 + INSIDE) / 2])
    return float(low), float(high)


def interval_of_mean(values: Sequence[float], draws: int, seed: int) -> Interval | None:
    """Return where 95 % of the means of redrawn values lie; the order of the values does not matter."""
    ordered = np.sort(np.asarray(values, np.float64))
    rng = np.random.default_rng(seed)
    size = len(ordered)
    return interval_of([float(ordered[rng.integers(size, size=size)].mean()) for _ in range(draws if size else 0)])
