"""Groups of boxes of many images as arrays, padded to the largest overlap.

N images, A slots (the largest number of answers to one image), G groups, W workers, L labels. A slot is one valid
answer; slots of an image are sorted by annotator and stand without gaps from 0. Sums over slots go slot by slot
(`over_slots`), so that padding by other images cannot show in the last bit.
"""

from dataclasses import dataclass

import numpy as np

from aggregation.core.arrays import Floats, Indices, Mask

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Table:
    """Answers to N images and the groups of boxes found in them."""

    images: tuple[str, ...]  # (N,)
    workers: tuple[str, ...]  # (W,) sorted
    labels: tuple[str, ...]  # (L,) sorted
    frame: Floats  # (N, 2) width and height of the image in pixels, inf where not given
    worker: Indices  # (N, A) index into workers, NOBODY where there is no answer
    image: Indices  # (G,) row of the group's image, rising
    corners: Floats  # (G, A, 4) x1 y1 x2 y2 in pixels, flipped and clipped; 0 where not drawn
    label: Indices  # (G, A) index into labels, NOBODY where not drawn
    truth: Floats  # (G, 4) the known box of a control task or review, NaN where not known
    real: Floats  # (G,) 1 or 0 where existence is known, NaN elsewhere
    true_label: Indices  # (G,) index into labels, NOBODY where not known

    @property
    def drawn(self) -> Mask:
        """Tell which slots have a box in the group, shape (G, A). A known object that everybody missed has none."""
        return np.asarray(self.label != NOBODY)

    @property
    def by(self) -> Indices:
        """Return the worker of each slot of each group, NOBODY where there is no answer, shape (G, A)."""
        return np.asarray(self.worker[self.image])

    @property
    def known(self) -> Mask:
        """Tell for which groups the truth is given, shape (G,)."""
        return np.asarray(~np.isnan(self.real))


def over_slots(values: Floats) -> Floats:
    """Return the sum over axis 1, added slot by slot: trailing zeros change no bit."""
    total = np.zeros(values.shape[:1] + values.shape[2:])
    for slot in range(values.shape[1]):
        total += values[:, slot]
    return total


def pairs_within(table: Table, groups: Indices) -> tuple[Indices, Indices, Mask]:
    """Pair each given group with every group of its image: (P,) the other, which of the given, whether it is the same.

    Also for boxes, when `groups` holds the group of each box.
    """
    offsets = np.searchsorted(table.image, np.arange(len(table.images) + 1))
    image = table.image[groups]
    counts = offsets[image + 1] - offsets[image]
    mine = np.repeat(np.arange(len(groups)), counts)
    within = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
    other = offsets[image[mine]] + within
    return other, mine, np.asarray(other == groups[mine])
