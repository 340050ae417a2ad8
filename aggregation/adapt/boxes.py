"""Whether one more answer to an image is worth its price."""

from collections.abc import Sequence

from aggregation.adapt.advice import Advice, Case, decide, worth_buying
from aggregation.adapt.gains import prospect
from aggregation.adapt.settings import FEWEST, AdaptSettings
from aggregation.core.answers import Consensus, probability
from aggregation.core.geometry import TOLERANCE

DEFAULTS = AdaptSettings()
AHEAD = 7  # answers looked ahead


def advise_boxes(consensus: Consensus, settings: AdaptSettings = DEFAULTS, *, closed: bool = False) -> Advice:
    """Say whether to stop, to buy one more answer or to ask a reviewer, from the consensus of any method.

    `closed`: an earlier consensus of the same answers was good enough; it takes a clear loss to open it again. When
    an answer was taken back (its author banned), pass False.
    """
    fewer = expected_gain(consensus, settings)
    by_gain = settings.rule == "gain"
    wanting = worth_buying(fewer, settings, closed=closed) if by_gain else _doubt(consensus, settings, closed=closed)
    case = Case(answers_of(consensus), consensus.confidence, fewer, wanting)
    return decide(case, settings)


def expected_gain(consensus: Consensus, settings: AdaptSettings) -> float:
    """Return how many errors fewer are expected an answer, of as many answers as may still be bought."""
    left = settings.max_answers - answers_of(consensus)
    return prospect(consensus, min(max(left, 1), AHEAD)).gain(settings.placement)


def answers_of(consensus: Consensus) -> int:
    """Return how many answers were paid for, also those set aside."""
    return len(consensus.used) + len(consensus.dropped)


def choose(consensuses: Sequence[Consensus], settings: AdaptSettings, most: int) -> list[str]:
    """Return the images, at most so many, where one more answer is expected to gain most; the most worthy first.

    Images with the most answers already, or where nothing is to be gained, are left out; those with fewer than two
    answers come before all others. Ties go by name.
    """
    ranked = []
    for consensus in consensuses:
        answers, fewer = answers_of(consensus), expected_gain(consensus, settings)
        if answers < settings.max_answers and (fewer > TOLERANCE or answers < FEWEST):
            ranked.append((answers >= FEWEST, -fewer, consensus.image))
    return [image for *_, image in sorted(ranked)[:most]]


def _doubt(consensus: Consensus, settings: AdaptSettings, *, closed: bool) -> str | None:
    """Tell which threshold of the simple rule is not reached."""
    slack = TOLERANCE + (settings.hysteresis if closed else 0.0)
    found = consensus.confidence
    if found < settings.theta - slack:
        return f"the image is right with chance {probability(found):g}, {settings.theta:g} needed"
    placed = min((box.confidence_75 for box in consensus.boxes if box.confidence_75 is not None), default=1.0)
    if placed < settings.theta_75 - slack:
        return f"a box meets IoU 0.75 with chance {probability(placed):g}, {settings.theta_75:g} needed"
    return None
