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
from dataclasses import dataclass
from functools import cache

from aggregation.core.answers import Consensus, ConsensusBox

SENSITIVITY, FALSE_MARKS = 0.85, 0.12  # of somebody of whom nothing is known: the priors of the method `reliability`
STEEPNESS = 1.25  # logits of P(IoU >= .75) a unit of log precision: half the slope over the log of the doubt
LEAST_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of an image now, and of one, two, … more answers.

    `errors`: objects that are wrong at IoU 0.5, missing or too many; `fewer`: by how much so many more answers lower
    that; `closer`: how many more boxes they bring to IoU 0.75.
    """

    errors: float
    fewer: tuple[float, ...]
    closer: tuple[float, ...]

    def gain(self, placement: float) -> float:
        """Return the gain an answer in errors, a box that comes to IoU 0.75 counting `placement` of one.

        Of the number of answers that gains most an answer: where one cannot change a decision but two can, one alone
        would seem worth nothing (Frazier and Powell, 2010, "Paradoxes in learning and the marginal value of
        information").
        """
        pairs = zip(self.fewer, self.closer, strict=True)
        return max((fewer + placement * closer) / count for count, (fewer, closer) in enumerate(pairs, start=1))


def prospect(consensus: Consensus, most: int = 1) -> Prospect:
    """Return what 1 to `most` answers by unknown people are expected to do for an image.

    Objects are summed, not multiplied: one answer serves all of them. A dropped image counts as one object in doubt.
    """
    doubts = [_chance_of_something_missing(consensus), *(box.confidence for box in consensus.boxes)]
    counts = range(1, most + 1)
    return Prospect(
        errors=doubts[0] + math.fsum(1 - chance for chance in doubts[1:]),
        fewer=tuple(math.fsum(decision_gain(chance, answers) for chance in doubts) for answers in counts),
        closer=tuple(math.fsum(_closer(box, answers) for box in consensus.boxes) for answers in counts),
    )


def decision_gain(chance: float, answers: int = 1, hit: float = SENSITIVITY, false: float = FALSE_MARKS) -> float:
    """Return by how much so many answers raise the chance to decide rightly whether something is there.

    `chance` is that it is there, `hit` that somebody draws what is there, `false` what is not.
    """
    absent = 1 - chance
    ways = zip(_binomial(answers, hit), _binomial(answers, false), strict=True)
    right = math.fsum(max(chance * if_there, absent * if_not) for if_there, if_not in ways)
    return max(right - max(chance, absent), 0.0)


@cache
def _binomial(count: int, share: float) -> tuple[float, ...]:
    return tuple(math.comb(count, hits) * share**hits * (1 - share) ** (count - hits) for hits in range(count + 1))


def label_gain(chance: float, classes: int, accuracy: float) -> float:
    """Return by how much one more vote raises the chance of the right label, all doubt being about one rival."""
    rival, wrong = 1 - chance, (1 - accuracy) / (classes - 1)
    for_best, for_rival = max(chance * accuracy, rival * wrong), max(chance * wrong, rival * accuracy)
    elsewhere = (classes - 2) * max(chance, rival) * wrong
    return max(for_best + for_rival + elsewhere - max(chance, rival), 0.0)


def placed_after(chance: float, support: int, answers: int = 1) -> float:
    """Return P(IoU >= .75) when so many boxes are added to `support` boxes: precision grows as their number."""
    inside = min(max(chance, LEAST_CHANCE), 1 - LEAST_CHANCE)
    logit = math.log(inside / (1 - inside)) + STEEPNESS * math.log1p(answers / max(support, 1))
    return max(1 / (1 + math.exp(-logit)), chance)


def _closer(box: ConsensusBox, answers: int) -> float:
    if box.confidence_75 is None:
        return 0.0
    now = min(box.confidence_75, box.confidence)
    most = min(box.confidence + decision_gain(box.confidence, answers), 1.0)
    return max(min(placed_after(now, len(box.support), answers), most) - now, 0.0)


def _chance_of_something_missing(consensus: Consensus) -> float:
    """Return what the image's confidence lacks beyond that of its boxes; after a drop all of it."""
    if consensus.status == "drop":
        return 1 - consensus.confidence if consensus.confidence > 0 else 0.5
    of_boxes = math.prod(sorted(box.confidence for box in consensus.boxes))
    return max(1 - consensus.confidence / of_boxes, 0.0) if of_boxes > 0 else 0.0
