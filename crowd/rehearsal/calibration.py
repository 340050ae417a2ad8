"""What a real pool's first hours say about the crowd: the share that takes work up, and the day's swing where it shows.

The expected number of tasks after some hours is exact: a person of activity a has begun Poisson(a·x) sessions when his
pace has run for x, so his tasks are a sum of geometric numbers (Pólya-Aeppli), cut at the cap; activity is integrated
by Gauss and Hermite. Counts of an hour vary more than Poisson: sessions come in clumps, and hours differ by 25 % that
no curve explains (as in the estimate of the time left), which a negative binomial holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.special import gammaln

from crowd.rehearsal.arrivals import Rhythm, Sessions, competing, elapsed
from crowd.rehearsal.population import Numbers

HOURLY_SPREAD: Final = 0.25
PRIOR_SPREAD: Final = 1.5  # of log take: without counts the usual take is right within a factor of twelve
SWING: Final = (0.6, 0.15)  # what is expected of the day's amplitude before anything is seen
SHOWS: Final = 0.5  # the swing shows when its spread has halved
LARGEST_CAP: Final = 500  # a cap beyond it never binds
NODES: Final = 64
STEPS: Final = 240
TAKES: Final = np.exp(np.linspace(np.log(1e-5), np.log(20.0), 700))
SWINGS: Final = np.linspace(0.0, 0.95, 39)
TAIL: Final = 0.05


@dataclass(frozen=True, slots=True)
class FirstHours:
    """What was handed in to one pool in each hour since it opened, at an hour of the week.

    `cap` is the most of one person (0 = any), `pools` how many were open at once, `price` the factor of its price.
    """

    counts: tuple[int, ...]
    opened: float
    cap: int = 0
    pools: int = 1
    price: float = 1.0


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The take that the counts say: a median, and an interval that holds it in 90 of 100 cases.

    `amplitude` is None where the hours seen say too little about it; the usual one is to be kept then.
    """

    take: float
    low: float
    high: float
    amplitude: float | None
    counted: int
    hours: int


def calibrated(
    pools: Sequence[FirstHours], *, eligible: int, sigma: float, sessions: Sessions, rhythm: Rhythm
) -> Calibrated:
    """Weigh takes and swings by how well they explain the first hours of pools of one sort of work.

    ValueError where there is no full hour to count.
    """
    if not any(pool.counts for pool in pools):
        raise ValueError("There is no full hour to count yet.")
    logs = -(np.log(TAKES / sessions.take)[:, None] ** 2) / (2 * PRIOR_SPREAD**2)
    logs = logs - (SWINGS[None, :] - SWING[0]) ** 2 / (2 * SWING[1] ** 2)
    for pool in pools:
        logs = logs + _likelihood(pool, eligible, sigma, sessions, rhythm)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    low, middle, high = np.interp([TAIL, 0.5, 1 - TAIL], np.cumsum(weights.sum(axis=1)), TAKES)
    return Calibrated(
        float(middle),
        float(low),
        float(high),
        _swing(weights.sum(axis=0)),
        sum(sum(pool.counts) for pool in pools),
        max(len(pool.counts) for pool in pools),
    )


def _swing(weights: Numbers) -> float | None:
    mean = float(weights @ SWINGS)
    spread = float(np.sqrt(weights @ (SWINGS - mean) ** 2))
    return mean if spread <= SHOWS * SWING[1] else None


def _likelihood(pool: FirstHours, eligible: int, sigma: float, sessions: Sessions, rhythm: Rhythm) -> Numbers:
    """Return the log likelihood of a pool's hours as a table of takes by swings."""
    counts = np.array(pool.counts, dtype=np.float64)
    hours = np.arange(len(counts) + 1, dtype=np.float64)
    pace = sessions.a_day / 24 * competing(pool.pools) * pool.price
    clump = 2 * sessions.tasks - 1
    columns = []
    for swing in SWINGS:
        passed = elapsed(_swung(rhythm, float(swing)), opens=pool.opened, horizon=float(len(counts))).until(hours)
        sent = expected(TAKES[:, None] * pace * passed, sigma=sigma, cap=pool.cap, tasks=sessions.tasks) * eligible
        columns.append(_log_chance(counts, np.maximum(np.diff(sent, axis=1), 1e-9), clump))
    return np.stack(columns, axis=1)


def _swung(rhythm: Rhythm, amplitude: float) -> Rhythm:
    return Rhythm(amplitude=amplitude, peak_hour=rhythm.peak_hour, weekend=rhythm.weekend)


def _log_chance(counts: Numbers, means: Numbers, clump: float) -> Numbers:
    """Return log chances of negative binomials with variance mean·clump + (0.25·mean)², summed over the hours."""
    extra = clump - 1 + means * HOURLY_SPREAD**2
    size = means / extra
    terms = gammaln(counts + size) - gammaln(size) - gammaln(counts + 1)
    terms = terms - size * np.log1p(extra) + counts * (np.log(extra) - np.log1p(extra))
    chances: Numbers = terms.sum(axis=1)
    return chances


def expected(passed: Numbers, *, sigma: float, cap: int, tasks: float) -> Numbers:
    """Return the tasks of an average person after his pace has run so far: 0 at 0, at most the cap."""
    if not 0 < cap <= LARGEST_CAP:
        return np.asarray(passed) * tasks
    grid, mean = _curve(sigma, cap, tasks)
    shares: Numbers = np.interp(passed, grid, mean)
    return shares


@lru_cache(maxsize=32)
def _curve(sigma: float, cap: int, tasks: float) -> tuple[Numbers, Numbers]:
    """Tabulate the mean over people of what they have done, from no session to a hundred caps of them."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    activity = np.exp(sigma * nodes - sigma**2 / 2)
    grid = np.concatenate([[0.0], np.exp(np.linspace(np.log(1e-5), np.log(100.0 * cap), STEPS))])
    done = _done(grid[:, None] * activity[None, :], cap, tasks)
    return grid, done @ (weights / weights.sum())


def _done(sessions: Numbers, cap: int, tasks: float) -> Numbers:
    """Return the mean tasks, cut at the cap, after Poisson(`sessions`) sessions of geometric length."""
    more = 1 - 1 / tasks  # the chance that a session goes on
    before, now = np.zeros_like(sessions), np.exp(-sessions)
    below, done = now.copy(), 1 - now
    for n in range(1, cap):
        after = ((2 * (n - 1) * more + sessions * (1 - more)) * now - (n - 2) * more**2 * before) / n
        before, now = now, after
        below = below + now
        done = done + 1 - below
    return done


def take_for(
    *, sent: int, hours: float, eligible: int, sigma: float, cap: int, sessions: Sessions, opens: float = 9.0
) -> float:
    """Return the take at which a pool alone has so many tasks after so many hours, on average."""
    passed = float(elapsed(Rhythm(), opens=opens, horizon=hours).passed[-1]) * sessions.a_day / 24
    means = expected(TAKES * passed, sigma=sigma, cap=cap, tasks=sessions.tasks) * eligible
    return float(np.exp(np.interp(sent, means, np.log(TAKES))))
