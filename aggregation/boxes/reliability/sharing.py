"""From which size on a crowd can be asked: where people share what they draw.

A crowd skips what is far away, each person from another size on, and no number of answers makes sure of it. So a doubt
about a candidate counts in the promise for the whole image by the chance that two more people would both share its
box, next to sizes that everybody sees; small candidates stay in the result with their own chances. The share is counted
over all pairs of a box and another answer to its image, by size in half octaves, and made to rise with size (isotonic
regression). Nothing is fitted to truth; the share's first, third and fourth power instead of its square made the
promise for images no better on either of two halves of the pedestrians.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aggregation.boxes.reliability.table import Table
from aggregation.boxes.reliability.tabulate import medians
from aggregation.core.arrays import Floats

OCTAVES = 12  # sizes from 1 to 4096 pixels, square root of the area
BINS = 2 * OCTAVES + 1
PSEUDO_PAIRS, START_SHARE = 10.0, 0.85
LEAST = 1e-6


@dataclass(frozen=True)
class Sharing:
    """Counts by half octave of size: pairs of a box and another answer, and those that have a box in common."""

    pairs: Floats  # (BINS,)
    shared: Floats  # (BINS,)

    @classmethod
    def nothing(cls) -> "Sharing":
        return cls(np.zeros(BINS), np.zeros(BINS))

    @classmethod
    def of(cls, table: Table) -> "Sharing":
        """Count the groups of a table."""
        marks: Floats = table.drawn.sum(axis=1).astype(np.float64)
        others = (table.by >= 0).sum(axis=1) - 1
        sides = sides_of(medians(table.corners, table.drawn))
        octave = np.log2(np.maximum(sides, 1.0))
        at = np.minimum(np.floor(2 * octave), BINS - 1).astype(np.intp)
        pairs, shared = (
            np.bincount(at, weights, BINS).astype(np.float64) for weights in (marks * others, marks * (marks - 1))
        )
        return cls(pairs, shared)

    def plus(self, other: "Sharing") -> "Sharing":
        return Sharing(self.pairs + other.pairs, self.shared + other.shared)

    @cached_property
    def _relative(self) -> Floats:
        """Return the share at each half octave, next to that of the largest objects; (BINS,)."""
        weights = self.pairs + PSEUDO_PAIRS
        rising = _rising((self.shared + PSEUDO_PAIRS * START_SHARE) / weights, weights)
        return np.array(rising) / max(rising[-1], LEAST)

    def weights(self, sides: Floats) -> Floats:
        """Return how much a doubt about objects of these sizes counts, in [0, 1], same shape."""
        middles = (np.arange(BINS) + 0.5) / 2
        return np.asarray(np.interp(np.log2(np.maximum(sides, 1.0)), middles, self._relative) ** 2)

    def to_json(self) -> dict[str, Any]:
        return {"pairs": self.pairs.tolist(), "shared": self.shared.tolist()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Sharing":
        """Read what `to_json` wrote; a missing key is a KeyError."""
        pairs, shared = (np.array(document[name], float).reshape(BINS) for name in ("pairs", "shared"))
        return cls(pairs, shared)


def sides_of(boxes: Floats) -> Floats:
    """Return the square root of each box's area, (G, 4) gives (G,)."""
    return np.sqrt(np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 0.0))


def _rising(shares: Floats, weights: Floats) -> list[float]:
    """Return the nearest shares that never fall, by pooling adjacent violators."""
    blocks: list[tuple[float, float, int]] = []
    for share, weight in zip(shares.tolist(), weights.tolist(), strict=True):
        block = (share, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / total, total, before[2] + block[2])
        blocks.append(block)
    return [share for share, _, count in blocks for _ in range(count)]
