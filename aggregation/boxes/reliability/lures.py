"""Objects that draw several people to the same wrong label, as a `stop` does that looks like a `palm` in this light.

An object is such a trap with the chance TRAPS. Its lure is one other label, by the shares in which mistakes on its true
label go anyway; there everybody gives the lure with the chance PULL and else answers as on any object. So several
people who agree on a common mistake are less of a proof than as many independent ones, and a vote that was drawn says
nothing of its author. Which way people are drawn is learnt from the single mistakes, most of them on no trap at all:
a rate of its own for each pair of labels cannot be told from answers alone and named fewer labels right.

TRAPS and PULL are a guess made beforehand. On two halves of synthetic answers by a hash of the image .03 and .05, and
.4 and .5, all gave better chances of labels than none, with three and with five answers.
"""

from dataclasses import dataclass

import numpy as np

from aggregation.core.arrays import Floats, Indices

TRAPS, PULL = 0.03, 0.4
CERTAIN = 1e200  # a product of very many votes stays finite


@dataclass(frozen=True, slots=True)
class Said:
    """The S different labels said of G groups, one entry a group and label; V votes sorted by group and label."""

    group: Indices  # (S,)
    label: Indices  # (S,)
    first: Indices  # (S,) the first vote of each
    votes: Indices  # (S,) how many
    nobody_drawn: Floats  # (G,) chance that a trap draws none of the group's people

    @classmethod
    def of(cls, group: Indices, label: Indices, count: int) -> "Said":
        """Gather votes that are sorted by group, then label, (V,) each; `count` groups."""
        new = np.ones(len(group), bool)
        new[1:] = (group[1:] != group[:-1]) | (label[1:] != label[:-1])
        first = np.flatnonzero(new)
        votes = np.diff(first, append=len(group))
        nobody_drawn = np.power(1 - PULL, np.bincount(group, minlength=count), dtype=np.float64)
        return cls(group[first], label[first], first, votes, nobody_drawn)


@dataclass(frozen=True, slots=True)
class Lures:
    """What lures change if all groups had one true label, next to independent mistakes."""

    said: Said
    shares: Floats  # (L,) of the lures of this true label, 0 for itself
    drawn: Floats  # (V,) chance that a vote for the lure was drawn
    each: Floats  # (S,) trap to this label, next to the likelihood of independent mistakes
    factor: Floats  # (G,) likelihood with traps, next to that of independent mistakes

    @classmethod
    def of(cls, said: Said, mistaken: Floats, shares: Floats) -> "Lures":
        """Return the lures of a true label; `mistaken` (V,) is the chance of each vote as its author's own mistake."""
        ratio = PULL / (1 - PULL) / mistaken
        with np.errstate(over="ignore"):
            product = np.multiply.reduceat(1 + ratio, said.first) if len(said.first) else np.zeros(0)
        share = shares[said.label]
        trap = TRAPS * said.nobody_drawn[said.group] * share
        each = trap * np.minimum(product, CERTAIN)
        more = np.bincount(said.group, each - trap, len(said.nobody_drawn))
        return cls(said, shares, ratio / (1 + ratio), each, 1 - TRAPS + TRAPS * said.nobody_drawn + more)

    def expected(self, weight: Floats) -> tuple[Floats, Floats]:
        """Return the expected votes drawn, (V,), and traps by lure, (L,).

        `weight` (G,) is the chance that a group is an object with this true label.
        """
        said, size = self.said, len(self.shares)
        relative = weight / self.factor
        lured = relative[said.group] * self.each
        unsaid = TRAPS * relative * said.nobody_drawn
        silent = float(np.cumsum(unsaid)[-1]) - np.bincount(said.label, unsaid[said.group], size)
        traps = np.bincount(said.label, lured, size) + self.shares * silent
        return np.repeat(lured, said.votes) * self.drawn, np.asarray(traps, np.float64)
