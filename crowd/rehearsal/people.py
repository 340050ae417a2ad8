"""The simulated crowd: who works, how well, how fast, how honestly. A person is a row of the population's columns.

Calibration. The slips are chosen so that a campaign of hand-sign photos keeps as much of what it collects as the
gestures project did. Simulated with `answers` alone (seed "calibration", 20,000 photos of 4,000 people drawn by
activity, no exam, no gate, no ban):

    share of photos                                       simulated   gestures project
    duplicates and low resolution, of all that is sent         5.7 %              5.5 %
    "correct" by two of three validators, of the rest        66.8 %             67.4 %
    three of five box answers agree, of those                98.9 %             98.7 %

"Agree" is: three answers of the five with as many boxes, the same labels and IoU >= 0.7 within every pair. 0.8 % of
the photos that pass are bad ones, 6.2 % of the good ones are refused.

The figures are calibrated on that project, not validated on another. What looks like a high share of bad photos from
honest people is what the published third of refused photos says: most refusals are slips, not fraud.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from crowd.rehearsal.arrivals import Coming
from crowd.rehearsal.population import LEVELS, NOBODY, Kind, Population, Stream, luck_of, people_of, uniforms

DUPLICATE: Final = LEVELS[Kind.DUPLICATE]
RING: Final = LEVELS[Kind.RING]
TEMPLATE: Final = LEVELS[Kind.TEMPLATE]
PROCESSED_TEMPLATE: Final = LEVELS[Kind.PROCESSED_TEMPLATE]
SYNTHETIC: Final = LEVELS[Kind.SYNTHETIC]

USUAL_SECONDS: Final = 9.0  # of a judgement: what everybody's pace is relative to
NOISE_SPREAD, MISS_SPREAD, CAMERA_SPREAD = 0.25, 0.3, 0.6  # how far people differ, of the logarithm
MOST: Final = 0.5
BLOCK: Final = 256  # people drawn at once
COUNTRIES: Final[tuple[tuple[str, str, float], ...]] = (
    ("RU", "ru", 0.34), ("UA", "ru", 0.08), ("BY", "ru", 0.06), ("KZ", "ru", 0.06), ("TR", "tr", 0.07),
    ("IN", "en", 0.10), ("PH", "en", 0.05), ("BR", "pt", 0.06), ("KE", "en", 0.05), ("NG", "en", 0.04),
    ("ID", "id", 0.05), ("PK", "en", 0.04),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slips:
    """How often a photo of somebody who does not cheat goes wrong, by what goes wrong; shares of all photos."""

    wrong_sign: float = 0.0
    cut_off: float = 0.0
    rotated: float = 0.0
    no_hand: float = 0.0
    blurred: float = 0.0
    third_party: float = 0.0
    low_resolution: float = 0.0
    resent: float = 0.0

    def through(self, camera: float) -> "Slips":
        """Return the slips with a camera so many times as bad as the usual one."""
        return replace(
            self, blurred=min(MOST, self.blurred * camera), low_resolution=min(MOST, self.low_resolution * camera)
        )


HONEST_SLIPS: Final = Slips(
    wrong_sign=0.085,
    cut_off=0.065,
    rotated=0.03,
    no_hand=0.01,
    blurred=0.025,
    third_party=0.012,
    low_resolution=0.024,
    resent=0.004,
)
CARELESS_SLIPS: Final = Slips(
    wrong_sign=0.22,
    cut_off=0.15,
    rotated=0.06,
    no_hand=0.04,
    blurred=0.05,
    third_party=0.04,
    low_resolution=0.05,
    resent=0.03,
)


def _cheating() -> Mapping[int, float]:
    return MappingProxyType({DUPLICATE: 0.6, RING: 0.5, TEMPLATE: 0.6, PROCESSED_TEMPLATE: 0.7, SYNTHETIC: 0.5})


@dataclass(frozen=True, slots=True)
class CrowdMix:
    """Who is in the crowd, how often each sort slips or cheats, and when they come.

    `cheating` is the share of a cheat's own work that is dishonest, by his level; the rest is honest work. Of level 80
    (synthetic pictures) people send somebody else's photo: nothing draws generated ones. `coming` says how many could
    come, in a crowd that is read `who` says the same, and when they do.
    """

    who: Population = field(default_factory=Population)
    cheating: Mapping[int, float] = field(default_factory=_cheating)
    honest_slips: Slips = HONEST_SLIPS
    careless_slips: Slips = CARELESS_SLIPS
    coming: Coming = field(default_factory=Coming)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "CrowdMix":
        """Read a mix from a JSON column or a recipe, where levels are strings; what is missing keeps its default.

        Raises:
            ValueError: the shares do not add up, a level or a key is unknown.
        """
        unknown = set(plain) - {part.name for part in fields(cls)}
        if unknown:
            raise ValueError(f"no part {min(unknown)!r} of a crowd; known are {[part.name for part in fields(cls)]}")
        mix = cls(**{name: _read(name, value) for name, value in plain.items()})
        return replace(mix, who=replace(mix.who, eligible=mix.coming.eligible))


def _read(name: str, value: Any) -> Any:
    if name == "who":
        return Population(**value)
    if name == "coming":
        return Coming.from_json(value)
    if name == "cheating":
        return MappingProxyType({**_cheating(), **{int(level): float(share) for level, share in value.items()}})
    return Slips(**value)


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated worker; rates are probabilities, `box_noise` is a share of the box's side, times are in seconds.

    `ring` numbers those who share their photos; None = he shares none.
    """

    number: int
    identity: str
    kind: Kind
    cheat_level: int | None
    ring: int | None
    cheating: float
    slips: Slips
    skill: float
    class_spread: float
    box_noise: float
    miss: float
    extra: float
    label_error: float
    sloppy: float
    pace: float
    hint: float
    activity: float
    country: str
    language: str

    @property
    def honest(self) -> bool:
        """Neither a cheat nor a clicker; careless people are honest too."""
        return self.kind in (Kind.HONEST, Kind.CARELESS)


@dataclass(frozen=True, slots=True)
class _Habit:
    """What kinds of people differ in beside what the population says of them."""

    box_noise: float
    miss: float
    extra: float
    label_error: float
    sloppy: float
    hint: float


_CAREFUL: Final = _Habit(0.026, 0.012, 0.012, 0.008, 0.0, 0.93)
_SLOPPY: Final = _Habit(0.05, 0.06, 0.05, 0.04, 0.06, 0.7)
_CLICKING: Final = _Habit(0.09, 0.15, 0.08, 0.12, 0.3, 0.6)


def profile(seed: str, number: int, mix: CrowdMix) -> Person:
    """Return the person of a number; who else is in the crowd does not matter."""
    return _block(seed, number // BLOCK, _Same(mix))[number % BLOCK]


@dataclass(frozen=True, slots=True)
class _Same:
    """A mix that counts as itself alone: mappings have no hash."""

    mix: CrowdMix

    def __hash__(self) -> int:
        return hash(self.mix.who)


@lru_cache(maxsize=64)
def _block(seed: str, block: int, same: _Same) -> tuple[Person, ...]:
    """Draw so many people with consecutive numbers at once."""
    mix, first = same.mix, block * BLOCK
    luck = luck_of(seed)
    drawn = people_of(mix.who, luck, first=first, count=BLOCK)
    habits = uniforms(luck, Stream.HABITS, BLOCK, 4, first=first)
    spreads = np.exp(ndtri(habits[:, :3]) * (NOISE_SPREAD, MISS_SPREAD, CAMERA_SPREAD))
    spreads[:, 2] *= np.exp(-(CAMERA_SPREAD**2) / 2)  # the slips are those of the mean camera
    columns = (drawn.level, drawn.ring, drawn.skill, drawn.seconds, drawn.activity, *spreads.T, habits[:, 3])
    rows = zip(drawn.kind.tolist(), *(column.tolist() for column in columns), strict=True)
    return tuple(_person(seed, first + place, mix, Traits(Kind(kind), *row)) for place, (kind, *row) in enumerate(rows))


@dataclass(frozen=True, slots=True)
class Traits:
    """One row of the columns: `noise`, `misses` and `camera` are factors around 1, `home` a place among countries."""

    kind: Kind
    level: int
    ring: int
    skill: float
    seconds: float
    activity: float
    noise: float
    misses: float
    camera: float
    home: float


def _person(seed: str, number: int, mix: CrowdMix, traits: Traits) -> Person:
    habit = _habit(traits.kind)
    slips = mix.careless_slips if traits.kind in (Kind.CARELESS, Kind.CLICKER) else mix.honest_slips
    country, language = _home(traits.home)
    return Person(
        number=number,
        identity=f"{seed}-{number}",
        kind=traits.kind,
        cheat_level=traits.level if traits.level != NOBODY else None,
        ring=traits.ring if traits.ring != NOBODY else None,
        cheating=mix.cheating.get(traits.level, 0.0),
        slips=slips.through(traits.camera),
        skill=traits.skill,
        class_spread=0.0 if traits.kind == Kind.CLICKER else mix.who.class_spread,
        box_noise=habit.box_noise * traits.noise,
        miss=min(MOST, habit.miss * traits.misses),
        extra=min(MOST, habit.extra * traits.misses),
        label_error=min(MOST, habit.label_error * traits.misses),
        sloppy=habit.sloppy,
        pace=traits.seconds / USUAL_SECONDS,
        hint=habit.hint,
        activity=traits.activity,
        country=country,
        language=language,
    )


def _habit(kind: Kind) -> _Habit:
    """Who cheats with pictures draws boxes carelessly."""
    if kind == Kind.HONEST:
        return _CAREFUL
    return _CLICKING if kind == Kind.CLICKER else _SLOPPY


def _home(at: float) -> tuple[str, str]:
    for country, language, share in COUNTRIES:
        at -= share
        if at < 0:
            return country, language
    return COUNTRIES[0][:2]
