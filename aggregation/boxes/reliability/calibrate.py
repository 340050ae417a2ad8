"""Promises held against known truth: a map from what the model says to how often that was right.

Few known cases move level and slope of the log-odds, drawn to "the model is right" (Platt, 1999, with a prior);
many give a monotone step map (isotonic regression by pooling adjacent violators; Zadrozny and Elkan, 2002).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aggregation.core.arrays import Floats
from aggregation.core.errors import BadInput

ENOUGH = 200  # known cases for a monotone map
PRIOR_CASES = 5.0  # precision of level 0 and slope 1
STEPS = 60
LEAST = 1e-6
PSEUDO = 0.5  # pseudo-cases at the model's own word in every step of the monotone map


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map of chances: `points` of said and meant chances, or level and slope of the log-odds."""

    count: int = 0
    level: float = 0.0
    slope: float = 1.0
    points: tuple[tuple[float, float], ...] = ()

    def __call__(self, chances: Floats) -> Floats:
        """Return the calibrated chances, same shape, in [0, 1]."""
        if self.points:
            said, meant = (np.array(side) for side in zip(*self.points, strict=True))
            return np.asarray(np.interp(chances, said, meant))
        if self.count == 0:
            return chances
        return np.asarray(1 / (1 + np.exp(-(self.level + self.slope * _log_odds(chances)))))

    def to_json(self) -> dict[str, Any]:
        points = [list(point) for point in self.points]
        return {"count": self.count, "level": self.level, "slope": self.slope, "points": points}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Calibration":
        """Read what `to_json` wrote; a missing key is a KeyError."""
        points = tuple((float(said), float(meant)) for said, meant in document["points"])
        return cls(int(document["count"]), float(document["level"]), float(document["slope"]), points)


AS_SAID = Calibration()


def calibrate(said: ArrayLike, right: ArrayLike) -> Calibration:
    """Return the map that known cases ask for: monotone steps from 200 cases on, else level and slope with a prior.

    `said` (n,) are chances in [0, 1], `right` (n,) 1 or 0. No case: the map changes nothing.
    """
    chances, hits = np.asarray(said, float), np.asarray(right, float)
    if chances.shape != hits.shape or chances.ndim != 1:
        raise BadInput(
            f"chances of shape {chances.shape} and outcomes of {hits.shape}: expected two lists of one length"
        )
    if len(chances) == 0:
        return AS_SAID
    order = np.lexsort((hits, chances))
    chances, hits = chances[order], hits[order]
    return _monotone(chances, hits) if len(chances) >= ENOUGH else _platt(chances, hits)


def _log_odds(chances: Floats) -> Floats:
    inside = np.clip(chances, LEAST, 1 - LEAST)
    return np.asarray(np.log(inside / (1 - inside)))


def _platt(chances: Floats, hits: Floats) -> Calibration:
    """Fit level and slope by weighed means under the quadratic bound of Jaakkola and Jordan, 2000."""
    said = _log_odds(chances)
    level, slope = 0.0, 1.0
    for _ in range(STEPS):
        now = level + slope * said
        safe = np.where(np.abs(now) < LEAST, LEAST, now)
        pull = np.tanh(safe / 2) / (2 * safe)
        left = hits - 0.5
        a, b, c = PRIOR_CASES + pull.sum(), (pull * said).sum(), PRIOR_CASES + (pull * said * said).sum()
        u, v = left.sum(), PRIOR_CASES + (left * said).sum()
        level, slope = (c * u - b * v) / (a * c - b * b), (a * v - b * u) / (a * c - b * b)
    return Calibration(len(chances), float(level), max(float(slope), 0.0))


def _monotone(chances: Floats, hits: Floats) -> Calibration:
    blocks: list[list[float]] = []  # cases, sum of what was said, sum of outcomes
    for said, hit in zip(chances.tolist(), hits.tolist(), strict=True):
        blocks.append([1.0, said, hit])
        while len(blocks) > 1 and blocks[-2][2] * blocks[-1][0] >= blocks[-1][2] * blocks[-2][0]:
            last = blocks.pop()
            blocks[-1] = [mine + theirs for mine, theirs in zip(blocks[-1], last, strict=True)]
    points = [(said / cases, (hit + PSEUDO * said / cases) / (cases + PSEUDO)) for cases, said, hit in blocks]
    heights = np.maximum.accumulate([meant for _, meant in points]).tolist()
    rising = tuple((said, float(meant)) for (said, _), meant in zip(points, heights, strict=True))
    return Calibration(len(chances), points=rising)
