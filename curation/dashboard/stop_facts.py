"""What the ways to have enough votes buy and cost, in words beside the form."""

from dataclasses import replace
from typing import Final

from crowd.money import exact_text
from crowd.quality.wording import percent, whole_percent
from curation.economics import stopping
from curation.economics.answers import Bought
from curation.stages.validate import STOPS, ValidateSettings

GOOD: Final = 0.9
LEAST_TIES: Final = 0.0005


def ways_to_stop(terms: ValidateSettings, *, price_micro: int) -> list[str]:
    """Say for each way how many votes a picture takes, what they cost, and how often the label is right.

    First for which people that holds. Nothing where so many votes are asked for that they are not counted through.
    """
    options, first = len(terms.options), min(2, terms.overlap)
    try:
        by_way: dict[str, Bought] = {
            "curtailed": stopping.settled(GOOD, overlap=terms.overlap, options=options),
            "posterior": stopping.sure(GOOD, tau=terms.tau, first=first, most=terms.most_overlap, options=options),
        }
    except ValueError:
        return []
    by_way["fixed"] = replace(by_way["curtailed"], answers=float(terms.overlap))
    said = [
        f"{words}{' (chosen)' if way == terms.stop else ''}: {_bought(by_way[way], price_micro)}"
        for way, words in STOPS.items()
    ]
    return [f"With people who are right in {whole_percent(GOOD)}, votes are enough", *said]


def _bought(found: Bought, price_micro: int) -> str:
    money = exact_text(round(price_micro * found.answers))
    ties = f", {percent(found.undecided)} tie" if found.undecided > LEAST_TIES else ""
    return f"{found.answers:.2f} a picture, about {money}, right in {percent(found.right)}{ties}"
