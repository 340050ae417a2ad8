"""Who could come: the simulated population as columns of numbers, one row a worker; `people` makes persons of them.

Everything about a worker depends on the seed and on his own number alone, never on who was drawn before him or on how
many there are: each worker has his own stretch of a counter-based stream (Philox), each element of the model a stream
of its own (a child of the seed). A whole population is drawn at once, and one worker drawn alone is the same worker.
"""

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
LANE = 4  # numbers that one step of the counter gives; a worker's stretch is a multiple of it
NOBODY: Final = -1


class Stream(IntEnum):
    """What chance is asked for; a new element goes to the end, so that the others keep their numbers."""

    ACTIVITY = 0
    CHARACTER = 1
    SESSIONS = 3
    HOURS = 4
    HABITS = 5


class Kind(IntEnum):
    """What a worker is. Who is careless means no harm."""

    HONEST = 0
    CLICKER = 1
    DUPLICATE = 2
    TEMPLATE = 3
    PROCESSED_TEMPLATE = 4
    SYNTHETIC = 5
    RING = 6
    CARELESS = 7


LEVELS: Final = {Kind.DUPLICATE: 0, Kind.RING: 1, Kind.TEMPLATE: 5, Kind.PROCESSED_TEMPLATE: 20, Kind.SYNTHETIC: 80}
"""Levels of dishonesty. A clicker has none: he sends nothing that is not his own, he only does not look."""


def uniforms(seed: int, stream: Stream, count: int, width: int, *, first: int = 0, block: int = 0) -> Numbers:
    """Return numbers in [0, 1) of the workers `first`, `first` + 1, ... as `count` rows of `width`.

    `block` counts further stretches of the same workers, for who turns out to need more.
    """
    lanes = -(-width // LANE)
    key = SeedSequence(seed, spawn_key=(stream, block, lanes)).generate_state(2, np.uint64)
    drawn = Generator(Philox(key=key, counter=first * lanes)).random((count, lanes * LANE))
    return drawn[:, :width]


def luck_of(seed: str) -> int:
    """Return the number that a crowd's name stands for."""
    return int.from_bytes(sha256(seed.encode()).digest()[:8], "big")


ELIGIBLE: Final = 8_647


@dataclass(frozen=True, slots=True)
class Population:
    """Who may see the work. Shares are of people; those of `cheats` are of the dishonest and add up to one."""

    eligible: int = ELIGIBLE
    activity_sigma: float = 1.4
    careless: float = 0.06
    dishonest: float = 0.12
    clickers: float = 0.30
    duplicates: float = 0.25
    templates: float = 0.20
    processed: float = 0.10
    synthetic: float = 0.05
    rings: float = 0.10
    ring_size: int = 4
    skill: tuple[float, float] = (18.0, 2.25)
    careless_skill: tuple[float, float] = (11.0, 5.0)
    class_spread: float = 0.02
    options: int = 5
    honest_seconds: tuple[float, float] = (9.0, 0.5)
    careless_haste: float = 0.7
    clicker_seconds: tuple[float, float] = (1.5, 0.3)

    def __post_init__(self) -> None:
        if self.eligible < 1:
            raise ValueError(f"A crowd needs somebody in it, not {self.eligible} people.")
        if not 0 <= self.dishonest <= 1:
            raise ValueError(f"A share of dishonest people is from 0 to 1, not {self.dishonest:g}.")
        if not 0 <= self.careless <= 1 - self.dishonest + 1e-9:
            raise ValueError(f"Careless and dishonest people are at most all, not {self.careless + self.dishonest:g}.")
        if abs(sum(self.cheats) - 1) > 1e-6:
            raise ValueError(f"The sorts of dishonest people add up to {sum(self.cheats):.4g}, expected 1.")

    @property
    def cheats(self) -> tuple[float, ...]:
        """Shares among the dishonest, in the order of `Kind`."""
        return (self.clickers, self.duplicates, self.templates, self.processed, self.synthetic, self.rings)

    @property
    def ring_stretch(self) -> int:
        """Return how many people in a row have the accounts of one ring among them."""
        accounts = self.dishonest * self.rings
        return max(1, round(self.ring_size / accounts)) if accounts else self.eligible


@dataclass(frozen=True, slots=True)
class People:
    """Columns over the workers: `activity` has mean 1, `skill` is the chance to be right, `seconds` the median a task.

    `level` is that of dishonesty and `ring` the number of a ring whose accounts send each other's pictures; both are
    NOBODY's where there is none.
    """

    activity: Numbers
    kind: Whole
    level: Whole
    ring: Whole
    skill: Numbers
    seconds: Numbers

    @property
    def honest(self) -> NDArray[np.bool_]:
        return are_honest(self.kind)


def are_honest(kind: Whole) -> NDArray[np.bool_]:
    """Say of each whether he means to do what is asked; the careless do."""
    honest: NDArray[np.bool_] = np.isin(kind, (Kind.HONEST, Kind.CARELESS))
    return honest


def activity_of(population: Population, seed: int, *, first: int = 0, count: int | None = None) -> Numbers:
    """Return how active each worker is: lognormal with mean 1, so that few do much of the work."""
    rows = population.eligible - first if count is None else count
    normal = ndtri(uniforms(seed, Stream.ACTIVITY, rows, 1, first=first)[:, 0])
    sigma = population.activity_sigma
    active: Numbers = np.exp(sigma * normal - sigma**2 / 2)
    return active


def kinds_of(population: Population, seed: int, *, first: int = 0, count: int | None = None) -> Whole:
    """Return what each worker is."""
    rows = population.eligible - first if count is None else count
    at = uniforms(seed, Stream.CHARACTER, rows, LANE, first=first)[:, 0]
    shares = [population.careless, 1 - population.dishonest - population.careless]
    shares += [population.dishonest * share for share in population.cheats]
    found = np.searchsorted(np.cumsum(shares)[:-1], at, side="right")
    return np.array([Kind.CARELESS, *(one for one in Kind if one != Kind.CARELESS)], dtype=np.int64)[found]


def people_of(population: Population, seed: int, *, first: int = 0, count: int | None = None) -> People:
    """Draw the workers from number `first` on, all of them where no count is given."""
    kind = kinds_of(population, seed, first=first, count=count)
    character = uniforms(seed, Stream.CHARACTER, len(kind), LANE, first=first)
    levels = np.array([LEVELS.get(Kind(one), NOBODY) for one in Kind], dtype=np.int64)
    return People(
        activity=activity_of(population, seed, first=first, count=len(kind)),
        kind=kind,
        level=levels[kind],
        ring=_rings(population, kind, first),
        skill=_skills(population, kind, character[:, 1]),
        seconds=_seconds(population, kind, character[:, 2]),
    )


def _skills(population: Population, kind: Whole, at: Numbers) -> Numbers:
    """Everybody judges as well as he can, also who cheats with pictures; a clicker is right as often as chance is."""
    able = betaincinv(*population.skill, at)
    able = np.where(kind == Kind.CARELESS, betaincinv(*population.careless_skill, at), able)
    return np.where(kind == Kind.CLICKER, 1 / population.options, able)


def _seconds(population: Population, kind: Whole, at: Numbers) -> Numbers:
    medians = np.where(kind == Kind.CLICKER, population.clicker_seconds[0], population.honest_seconds[0])
    medians = np.where(kind == Kind.CARELESS, population.careless_haste * medians, medians)
    sigmas = np.where(kind == Kind.CLICKER, population.clicker_seconds[1], population.honest_seconds[1])
    drawn: Numbers = medians * np.exp(sigmas * ndtri(at))
    return drawn


def _rings(population: Population, kind: Whole, first: int) -> Whole:
    """Let the accounts of a ring stand near each other, `ring_size` of them on average."""
    numbers = np.arange(first, first + len(kind))
    return np.where(kind == Kind.RING, numbers // population.ring_stretch, NOBODY)
