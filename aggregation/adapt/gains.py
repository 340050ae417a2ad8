"""What one more answer is expected to change, from what a consensus says of itself.

A chance that is right cannot be expected to rise: one more answer moves it up as much as down. What rises is the
chance that the decision taken on it is right (value of information; Raiffa and Schlaifer, 1961), and the precision
of a place, which grows with the number of boxes it is combined of.

No constant is fitted to truth. SENSITIVITY and FALSE_MARKS are where the method `reliability` starts. STEEPNESS is half
the slope of P(IoU >= .75) over the logarithm of the doubt of the edges in that method, because doubt falls with the
root of the number of boxes; .76 instead, what the counts by support of a published crowd give for the median, buys the
same quality to .002.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from aggregation.core.answers import Consensus, ConsensusBox

SENSITIVITY, FALSE_MARKS = 0.85, 0.12  # of somebody of whom nothing is known: the priors of the method `reliability`
STEEPNESS = 1.25  # logits of P(IoU >= .75) a unit of log precision: half the slope over the log of the doubt
LEAST_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of an image now, and of one more answer.

    `errors`: objects that are wrong at IoU 0.5, missing or too many; `fewer`: by how much one more answer lowers that;
    `closer`: how many more boxes it brings to IoU 0.75.
    """

    errors: float
    fewer: float
    closer: float

    def gain(self, placement: float) -> float:
        """Return the gain in errors of finding, a box that comes to IoU 0.75 counting `placement` of one."""
        return self.fewer + placement * self.closer


def prospect(consensus: Consensus) -> Prospect:
    """Return what one more answer by an unknown person is expected to do for an image.

    Objects are summed, not multiplied: one answer serves all of them. A dropped image counts as one object that is
    as likely there as not.
    """
    missing = _chance_of_something_missing(consensus)
    certain = [box.confidence for box in consensus.boxes]
    return Prospect(
        errors=missing + _total(1 - chance for chance in certain),
        fewer=decision_gain(missing) + _total(map(decision_gain, certain)),
        closer=_total(_closer(box) for box in consensus.boxes),
    )


def decision_gain(chance: float, hit: float = SENSITIVITY, false: float = FALSE_MARKS) -> float:
    """Return by how much one more answer raises the chance to decide rightly whether something is there.

    `chance` is that it is there, `hit` that somebody draws what is there, `false` what is not.
    """
    absent = 1 - chance
    drawn = max(chance * hit, absent * false)
    blank = max(chance * (1 - hit), absent * (1 - false))
    return max(drawn + blank - max(chance, absent), 0.0)


def label_gain(chance: float, classes: int, accuracy: float) -> float:
    """Return by how much one more vote raises the chance of the right label, all doubt being about one rival."""
    rival, wrong = 1 - chance, (1 - accuracy) / (classes - 1)
    for_best, for_rival = max(chance * accuracy, rival * wrong), max(chance * wrong, rival * accuracy)
    elsewhere = (classes - 2) * max(chance, rival) * wrong
    return max(for_best + for_rival + elsewhere - max(chance, rival), 0.0)


def placed_after(chance: float, support: int) -> float:
    """Return P(IoU >= .75) when one box is added to `support` boxes: precision grows as their number."""
    inside = min(max(chance, LEAST_CHANCE), 1 - LEAST_CHANCE)
    logit = math.log(inside / (1 - inside)) + STEEPNESS * math.log1p(1 / max(support, 1))
    return max(1 / (1 + math.exp(-logit)), chance)


def _closer(box: ConsensusBox) -> float:
    if box.confidence_75 is None:
        return 0.0
    now = min(box.confidence_75, box.confidence)
    most = min(box.confidence + decision_gain(box.confidence), 1.0)
    return max(min(placed_after(now, len(box.support)), most) - now, 0.0)


def _chance_of_something_missing(consensus: Consensus) -> float:
    """Return what the image's confidence lacks beyond that of its boxes."""
    if consensus.status == "drop":
        return 0.5
    of_boxes = math.prod(sorted(box.confidence for box in consensus.boxes))
    return max(1 - consensus.confidence / of_boxes, 0.0) if of_boxes > 0 else 0.0


def _total(values: Iterable[float]) -> float:
    """Return the sum, the same to the last bit in any order."""
    return math.fsum(values)
