"""Who answers faster than anybody can look."""

from collections.abc import Sequence

import numpy as np

from crowd.quality.wording import Verdict, counted

SPREADS = 2.5  # robust standard deviations of log time below the median
TO_SIGMA = 1.4826  # makes the median absolute deviation of a normal sample its standard deviation
LEAST_SAMPLE = 50
LEAST_SECONDS = 0.001  # a time of 0 s is a clock's rounding


def robust_cut(seconds: Sequence[float]) -> float | None:
    """Return exp(median(ln t) - 2.5 * 1.4826 * MAD(ln t)) in seconds, or None where more than half the times are equal.

    `seconds`: times a task of one pool and page size; better of workers with a known good skill, since median and MAD
    bend when more than about a third are clickers. ValueError for no times, or a negative or infinite one.
    """
    times = np.asarray(seconds, dtype=np.float64)
    if times.size == 0 or not np.isfinite(times).all() or (times < 0).any():
        raise ValueError("Times of work must be given, in seconds of 0 or more.")
    logs = np.log(np.maximum(times, LEAST_SECONDS))
    middle = np.median(logs)
    spread = TO_SIGMA * np.median(np.abs(logs - middle))
    return float(np.exp(middle - SPREADS * spread)) if spread > 0 else None


def speed_cut(seconds: Sequence[float], *, fixed: float) -> float:
    """Return the cut of a pool in seconds a task: robust from 50 times on, before that the pool's fixed seconds."""
    robust = robust_cut(seconds) if len(seconds) >= LEAST_SAMPLE else None
    return fixed if robust is None else robust


def too_fast(seconds_a_task: Sequence[float], *, cut: float, times: int = 3, last: int = 10) -> Verdict:
    """Say whether at least `times` of a worker's `last` pages took less than `cut` seconds a task; oldest first."""
    recent = seconds_a_task[-last:]
    fast = sum(seconds < cut for seconds in recent)
    were = "was" if fast == 1 else "were"
    return Verdict(
        fast >= times, f"{fast} of the last {counted(len(recent), 'page')} {were} faster than {cut:.3g} s a task"
    )
