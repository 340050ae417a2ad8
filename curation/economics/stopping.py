"""What the three ways to stop buying votes cost and bring: settled, sure, all. Exact, for people of one skill. Pure."""

from collections.abc import Callable
from math import exp, log
from typing import Final

from curation.economics.answers import Bought

MOST_COUNTED: Final = 9  # votes on one item; more are not counted through
MOST_ABLE: Final = 0.98  # nobody is believed beyond doubt

Counts = tuple[int, ...]  # votes for the right label first, then for each wrong one, most first


def settled(right: float, *, overlap: int, options: int) -> Bought:
    """Return what a majority of `overlap` votes buys that stops when no vote to come can change the leader.

    Wrong votes are spread evenly over the other options. Raises ValueError for more votes than are counted through.
    """

    def ends(counts: Counts) -> bool:
        lead, second = sorted(counts, reverse=True)[:2]
        return lead - second > overlap - sum(counts)

    return _bought(right, options, most=overlap, ends=ends)


def sure(right: float, *, tau: float, first: int, most: int, options: int) -> Bought:
    """Return what votes buy that stop when one label has the probability tau, after `first` of them at the earliest.

    The one-coin model with this skill for everybody and no label likelier than another before anybody votes.
    Raises ValueError for more votes than are counted through.
    """
    able = min(max(right, 1 / options), MOST_ABLE)
    step = log(able * (options - 1) / (1 - able))

    def ends(counts: Counts) -> bool:
        top = max(counts)
        return sum(counts) >= first and 1 / sum(exp(step * (n - top)) for n in counts) >= tau

    return _bought(right, options, most=most, ends=ends)


def _bought(right: float, options: int, *, most: int, ends: Callable[[Counts], bool]) -> Bought:
    if not 1 <= most <= MOST_COUNTED or options < 2 or not 0 <= right <= 1:
        raise ValueError(f"{most} votes among {options} options are not counted through.")
    going: dict[Counts, float] = {(0,) * options: 1.0}
    votes = decided = undecided = 0.0
    while going:
        votes += sum(going.values())
        reached, going = _one_more(going, right), {}
        for counts, chance in reached.items():
            if not ends(counts) and sum(counts) < most:
                going[counts] = chance
            elif counts.count(max(counts)) > 1:
                undecided += chance
            else:
                decided += chance * (counts[0] == max(counts))
    return Bought(votes, decided, undecided)


def _one_more(going: dict[Counts, float], right: float) -> dict[Counts, float]:
    """Return where one more vote leads; wrong options that stand alike are one case."""
    reached: dict[Counts, float] = {}
    for (good, *wrong), chance in going.items():
        ways = [((good + 1, *wrong), right)]
        for at in range(len(wrong)):
            more = sorted((n + (place == at) for place, n in enumerate(wrong)), reverse=True)
            ways.append(((good, *more), (1 - right) / len(wrong)))
        for counts, share in ways:
            reached[counts] = reached.get(counts, 0.0) + chance * share
    return reached
