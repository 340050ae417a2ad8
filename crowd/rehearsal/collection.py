"""One pool and its crowd without pixels: how long a collection takes, how much of it is accepted, from how many.

A person begins sessions as a Poisson process whose pace follows the week; in each he hands in a geometric number of
tasks, until his cap. One session takes four numbers of the person's own stream: the gap before it, how long it is, what
is accepted of it and what he gave back. More takers, another price or other hours move the same sessions in time only.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, nbinom

from crowd.rehearsal.arrivals import PHOTOS, Elapsed, Rhythm, Sessions, competing, elapsed
from crowd.rehearsal.population import (
    Numbers,
    Population,
    Stream,
    Whole,
    activity_of,
    are_honest,
    kinds_of,
    uniforms,
)

NUMBERS_A_SESSION: Final = 4
FIRST_SESSIONS: Final = 32  # drawn of everybody; who comes more often has the rest drawn alone
TWENTY_DAYS: Final = 480.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a pool asks: so many tasks, at most `cap` from one person (0 = any), beside `pools` - 1 others.

    `ok` are the chances that a task of an honest and of a dishonest person is accepted, `skipped` and `expired` the
    shares of the pages taken that come back undone. `price` is the factor of the pool's price on its takers.
    """

    target: int
    cap: int = 0
    pools: int = 1
    price: float = 1.0
    ok: tuple[float, float] = (0.97, 0.50)
    goal_is_accepted: bool = False
    skipped: float = 0.03
    expired: float = 0.02
    opens: float = 9.0
    horizon: float = TWENTY_DAYS


@dataclass(frozen=True, slots=True)
class Collection:
    """What came of it: `hours` is None where the target is never reached, and the counts are those of the horizon.

    `top_share` is what the most active hundredth of all who could come did of the work; `by_hour` counts what was sent.
    """

    hours: float | None
    sent: int
    accepted: int
    taken: int
    workers: int
    top_share: float
    by_hour: Whole

    @property
    def acceptance(self) -> float:
        return self.accepted / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class _Sessions:
    """Sessions in the order of time."""

    worker: Whole
    hour: Numbers
    tasks: Whole
    chance: Numbers = field(repr=False)  # two numbers a session: of what is accepted, of what is given back


def collect(
    population: Population, terms: Terms, *, seed: int, sessions: Sessions = PHOTOS, rhythm: Rhythm | None = None
) -> Collection:
    """Let the crowd work on one pool until its target or its horizon."""
    table = elapsed(rhythm or Rhythm(), opens=terms.opens, horizon=terms.horizon, seed=seed)
    rate = activity_of(population, seed) * sessions.an_hour * competing(terms.pools) * terms.price
    found = _in_time(_Crowd(rate, terms.cap, sessions.tasks, table, seed).sessions())
    honest = are_honest(kinds_of(population, seed))[found.worker]
    accepted = _accepted(found, np.where(honest, *terms.ok))
    counted = np.cumsum(accepted if terms.goal_is_accepted else found.tasks)
    last = int(np.searchsorted(counted, terms.target))
    reached = last < len(counted)
    end = last + 1 if reached else len(counted)
    return _told(population, terms, found, accepted, end, reached=reached)


def _told(
    population: Population, terms: Terms, found: _Sessions, accepted: Whole, end: int, *, reached: bool
) -> Collection:
    tasks, hours = found.tasks[:end], found.hour[:end]
    by_worker = np.bincount(found.worker[:end], weights=tasks, minlength=population.eligible)
    leaders = np.sort(by_worker)[-max(1, population.eligible // 100) :]
    sent = int(tasks.sum())
    return Collection(
        hours=float(hours[-1]) if reached else None,
        sent=sent,
        accepted=int(accepted[:end].sum()),
        taken=sent + int(_given_back(found, terms)[:end].sum()),
        workers=int((by_worker > 0).sum()),
        top_share=float(leaders.sum() / max(1, sent)),
        by_hour=np.bincount(hours.astype(np.int64), weights=tasks).astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Sessions of some workers in the time that their pace has, not yet in hours."""

    worker: Whole
    passed: Numbers
    tasks: Whole
    chance: Numbers


@dataclass(frozen=True, slots=True)
class _Crowd:
    """What draws sessions: everybody's rate, the cap, the mean of a session's tasks, and how long the pool is open."""

    rate: Numbers
    cap: int
    mean: float
    table: Elapsed
    seed: int

    def sessions(self) -> _Sessions:
        """Draw everybody's first sessions together, then the further ones of those who come more often."""
        width = min(self.cap, FIRST_SESSIONS) if self.cap else FIRST_SESSIONS
        numbers = uniforms(self.seed, Stream.SESSIONS, len(self.rate), width * NUMBERS_A_SESSION)
        first = self._read(np.arange(len(self.rate)), numbers, np.zeros(len(self.rate)), np.zeros(len(self.rate)))
        parts = [first]
        last, done = first.passed.reshape(-1, width)[:, -1], first.tasks.reshape(-1, width).sum(axis=1)
        for who in np.flatnonzero(self._come_again(last, done)):
            parts += self._more(int(who), last[[who]], done[[who]])
        return _Sessions(
            np.concatenate([part.worker for part in parts]),
            self.table.reached(np.concatenate([part.passed for part in parts])),
            np.concatenate([part.tasks for part in parts]),
            np.concatenate([part.chance for part in parts]),
        )

    def _read(self, who: Whole, numbers: Numbers, passed: Numbers, done: NDArray[np.generic]) -> _Drawn:
        """Read rows of numbers as sessions of these workers, who have come so far and done so much already."""
        each = numbers.reshape(len(who), -1, NUMBERS_A_SESSION)
        gaps = -np.log1p(-each[:, :, 0]) / self.rate[who, None]
        start = done.astype(np.int64)[:, None]
        total = start + np.cumsum(_lengths(each[:, :, 1], self.mean), axis=1)
        if self.cap:
            total = np.minimum(total, self.cap)
        return _Drawn(
            np.repeat(who, each.shape[1]),
            (passed[:, None] + np.cumsum(gaps, axis=1)).ravel(),
            np.diff(total, axis=1, prepend=start).ravel(),
            each[:, :, 2:].reshape(-1, 2),
        )

    def _come_again(self, passed: Numbers, done: Whole) -> NDArray[np.bool_]:
        again: NDArray[np.bool_] = np.less(passed, self.table.passed[-1])
        if self.cap:
            again &= np.less(done, self.cap)
        return again

    def _more(self, who: int, passed: Numbers, done: Whole) -> list[_Drawn]:
        """Draw further sessions of one worker, twice as many each time, until the horizon or his cap."""
        parts: list[_Drawn] = []
        width = FIRST_SESSIONS
        while self._come_again(passed, done)[0]:
            width *= 2
            block = len(parts) + 1
            numbers = uniforms(self.seed, Stream.SESSIONS, 1, width * NUMBERS_A_SESSION, first=who, block=block)
            parts.append(self._read(np.array([who]), numbers, passed, done))
            passed, done = parts[-1].passed[-1:], done + parts[-1].tasks.sum()
        return parts


def _lengths(at: Numbers, mean: float) -> Whole:
    """Return geometric numbers of tasks, at least one, with such a mean."""
    if mean == 1:
        return np.ones(at.shape, dtype=np.int64)
    more: Whole = np.floor(np.log1p(-at) / np.log1p(-1 / mean)).astype(np.int64)
    return 1 + more


def _in_time(drawn: _Sessions) -> _Sessions:
    """Return the sessions before the horizon in which something was done, in the order of time."""
    kept = np.flatnonzero(~np.isnan(drawn.hour) & (drawn.tasks > 0))
    kept = kept[np.lexsort((drawn.worker[kept], drawn.hour[kept]))]
    return _Sessions(drawn.worker[kept], drawn.hour[kept], drawn.tasks[kept], drawn.chance[kept])


def _accepted(found: _Sessions, chance: NDArray[np.float64]) -> Whole:
    return np.asarray(binom.ppf(found.chance[:, 0], found.tasks, chance)).astype(np.int64)


def _given_back(found: _Sessions, terms: Terms) -> Whole:
    """Count the pages that were taken and came back undone beside those that were handed in."""
    kept = 1 - terms.skipped - terms.expired
    if kept >= 1:
        return np.zeros(len(found.tasks), dtype=np.int64)
    return np.asarray(nbinom.ppf(found.chance[:, 1], found.tasks, kept)).astype(np.int64)
