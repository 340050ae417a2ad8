"""The simulated crowd: who works, how well, how fast, how honestly.

Calibration. The default mix is chosen so that a campaign of hand-sign photos keeps as much of what it collects as
the gestures project did. Simulated with `answers` alone (seed "calibration", 20,000 photos of 4,000 people drawn by
activity, no exam, no gate, no ban):

    share of photos                                       simulated   gestures project
    duplicates and low resolution, of all that is sent        5.5 %              5.5 %
    "correct" by two of three validators, of the rest        67.3 %             67.4 %
    three of five box answers agree, of those                98.7 %             98.7 %

"Agree" is: three answers of the five with as many boxes, the same labels and IoU >= 0.7 within every pair. 0.8 % of the
photos that pass are bad ones, 6 % of the good ones are refused.

The figures are calibrated on that project, not validated on another. What looks like a high share of bad photos from
honest people is what the published third of refused photos says: most refusals are slips, not fraud.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, Literal

Kind = Literal["honest", "careless", "cheat"]

DUPLICATE: Final = 0
TEMPLATE: Final = 5
PROCESSED_TEMPLATE: Final = 20
SYNTHETIC: Final = 80

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


HONEST_SLIPS: Final = Slips(
    wrong_sign=0.095,
    cut_off=0.065,
    rotated=0.03,
    no_hand=0.01,
    blurred=0.025,
    third_party=0.012,
    low_resolution=0.022,
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


def _cheats() -> Mapping[int, float]:
    return MappingProxyType({DUPLICATE: 0.03, TEMPLATE: 0.03, PROCESSED_TEMPLATE: 0.02, SYNTHETIC: 0.0})


def _habits() -> Mapping[int, float]:
    return MappingProxyType({DUPLICATE: 0.6, TEMPLATE: 0.6, PROCESSED_TEMPLATE: 0.7, SYNTHETIC: 0.5})


@dataclass(frozen=True, slots=True)
class CrowdMix:
    """Who is in the crowd, as shares of people (they add up to one), and how often each sort slips or cheats.

    `cheat_by_level` has a share of people per level of dishonesty. Level 80 (synthetic pictures) stays at zero because
    nothing detects it; who sets it gets people who send somebody else's photo. `cheating` is the share of a cheat's
    own work that is dishonest; the rest is honest work.
    """

    honest: float = 0.86
    careless: float = 0.06
    cheat_by_level: Mapping[int, float] = field(default_factory=_cheats)
    cheating: Mapping[int, float] = field(default_factory=_habits)
    honest_slips: Slips = HONEST_SLIPS
    careless_slips: Slips = CARELESS_SLIPS
    activity_sigma: float = 1.4

    def __post_init__(self) -> None:
        total = self.honest + self.careless + sum(self.cheat_by_level.values())
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"the shares of people add up to {total:.4g}, expected 1")
        unknown = set(self.cheat_by_level) - set(self.cheating)
        if unknown:
            raise ValueError(f"no share of dishonest work for level {min(unknown)}; known are {sorted(self.cheating)}")

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "CrowdMix":
        """Read a mix from a JSON column or a recipe, where levels are strings; what is missing keeps its default.

        Raises:
            ValueError: the shares do not add up, a level or a key is unknown.
        """
        unknown = set(plain) - {part.name for part in fields(cls)}
        if unknown:
            raise ValueError(f"no part {min(unknown)!r} of a crowd; known are {[part.name for part in fields(cls)]}")
        return cls(**{name: _read(name, value) for name, value in plain.items()})


def _read(name: str, value: Any) -> Any:
    if name in ("honest_slips", "careless_slips"):
        return Slips(**value)
    if name in ("cheat_by_level", "cheating"):
        return MappingProxyType({int(level): float(share) for level, share in value.items()})
    return float(value)


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated worker; rates are probabilities, `box_noise` is a share of the box's side, times are in seconds."""

    number: int
    identity: str
    kind: Kind
    cheat_level: int | None
    cheating: float
    slips: Slips
    skill: float
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
        """Not a cheat; careless people are honest too."""
        return self.kind != "cheat"


@dataclass(frozen=True, slots=True)
class _Habit:
    """What kinds of people differ in; `skill` has the two parameters of a beta distribution."""

    skill: tuple[float, float]
    box_noise: float
    miss: float
    extra: float
    label_error: float
    sloppy: float
    pace: float
    hint: float


_HABITS: Final[dict[Kind, _Habit]] = {
    "honest": _Habit((27, 3), 0.026, 0.012, 0.012, 0.008, 0.0, 1.0, 0.93),
    "careless": _Habit((11, 5), 0.05, 0.06, 0.05, 0.04, 0.06, 0.7, 0.7),
    "cheat": _Habit((5, 6), 0.09, 0.15, 0.08, 0.12, 0.3, 0.25, 0.6),
}


def profile(seed: str, number: int, mix: CrowdMix) -> Person:
    """Make the person of a number; who else was made before does not matter."""
    rng = random.Random(f"person-{seed}-{number}")
    kind, level = _kind(rng, mix)
    habit, spread = _HABITS[kind], rng.lognormvariate(0, 0.3)
    country, language = _home(rng)
    return Person(
        number=number,
        identity=f"{seed}-{number}",
        kind=kind,
        cheat_level=level,
        cheating=0.0 if level is None else mix.cheating[level],
        slips=mix.careless_slips if kind == "careless" else mix.honest_slips,
        skill=rng.betavariate(*habit.skill),
        box_noise=habit.box_noise * rng.lognormvariate(0, 0.25),
        miss=min(0.5, habit.miss * spread),
        extra=min(0.5, habit.extra * spread),
        label_error=min(0.5, habit.label_error * spread),
        sloppy=habit.sloppy,
        pace=habit.pace * rng.lognormvariate(0, 0.25),
        hint=habit.hint,
        activity=rng.lognormvariate(-(mix.activity_sigma**2) / 2, mix.activity_sigma),
        country=country,
        language=language,
    )


def _kind(rng: random.Random, mix: CrowdMix) -> tuple[Kind, int | None]:
    at = rng.random() - mix.honest
    if at < 0:
        return "honest", None
    at -= mix.careless
    if at < 0:
        return "careless", None
    cheats = [(level, share) for level, share in sorted(mix.cheat_by_level.items()) if share > 0]
    for level, share in cheats:
        at -= share
        if at < 0:
            return "cheat", level
    return ("cheat", cheats[-1][0]) if cheats else ("honest", None)  # the last crumb of rounding


def _home(rng: random.Random) -> tuple[str, str]:
    country, language, _ = rng.choices(COUNTRIES, [share for *_, share in COUNTRIES])[0]
    return country, language
