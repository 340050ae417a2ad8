"""How many answers a rule buys for an item, and how often it is right, from how often people are. Closed forms. Pure.

Boxes have no closed form: their table is a simulation of 60,000 images with one or two boxes, three answers at first
and up to five while any three of them do not agree in every box with IoU 0.7.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Final


@dataclass(frozen=True, slots=True)
class Bought:
    """`answers` are expected for one item, `right` is the share of items that end right, `undecided` to a person."""

    answers: float
    right: float
    undecided: float = 0.0


def majority(right: float, overlap: int, *, curtailed: bool = True) -> Bought:
    """Return what a majority of `overlap` answers buys where people are `right` in that share, of two options.

    Curtailed, it stops as soon as no answer to come can change the outcome: the same result for fewer answers. An even
    number of answers may tie; then half of the items are counted as right. Raises ValueError without an answer.
    """
    if overlap < 1 or not 0 <= right <= 1:
        raise ValueError(f"{overlap} answers of people who are right in {right:g} make no majority.")
    wrong, needed = 1 - right, overlap // 2 + 1
    chance = sum(comb(overlap, k) * right**k * wrong ** (overlap - k) for k in range(needed, overlap + 1))
    tie = comb(overlap, overlap // 2) * (right * wrong) ** (overlap // 2) if overlap % 2 == 0 else 0.0
    answers = _curtailed_answers(right, overlap) if curtailed else float(overlap)
    return Bought(answers, chance + tie / 2, tie)


def _curtailed_answers(right: float, overlap: int) -> float:
    """Return E[n]: the sum over k of k C(k-1, m-1) (p^m q^(k-m) + q^m p^(k-m)), m the majority; ties take them all."""
    wrong, needed = 1 - right, overlap // 2 + 1
    early = {
        k: comb(k - 1, needed - 1) * (right**needed * wrong ** (k - needed) + wrong**needed * right ** (k - needed))
        for k in range(needed, overlap + 1)
    }
    return sum(k * share for k, share in early.items()) + overlap * (1 - sum(early.values()))


# How often an answer has every box with its label, and what 3 to 5 answers come to: answers bought, share that agrees,
# rest to a person. The first crowd draws edges worse than the second and is as attentive.
BOXES: Final = (
    (0.75, Bought(4.44, 0.587, 0.413)),
    (0.83, Bought(3.86, 0.886, 0.114)),
    (0.90, Bought(3.60, 0.954, 0.046)),
    (0.95, Bought(3.19, 0.998, 0.002)),
)


BOXES_FIRST, BOXES_MOST = 3, 5  # answers at first and in the end of that simulation


def boxes(right: float) -> Bought:
    """Return what boxes of a crowd take that is `right` in that share, between the simulated crowds."""
    if right <= BOXES[0][0]:
        return BOXES[0][1]
    for (low, worse), (high, better) in pairwise(BOXES):
        if right <= high:
            part = (right - low) / (high - low)
            return Bought(
                worse.answers + part * (better.answers - worse.answers),
                worse.right + part * (better.right - worse.right),
                worse.undecided + part * (better.undecided - worse.undecided),
            )
    return BOXES[-1][1]
