"""How many of the simulated people come by while a campaign runs: as many as its pools attract, hour by hour.

A pool has `eligible` people who could come, of whom its price and its media let so many take work in an average hour;
several pools at once share them. Those who are drawn stand for all of them, and none of those comes more than twice an
hour, so a small rehearsal with few people is no faster than they are. Where nothing is to do, people still look in.
"""

from collections.abc import Sequence
from datetime import datetime

from crowd.rehearsal.acting import Stall
from crowd.rehearsal.arrivals import Coming, after, competing, take_by_price

VISITS_PER_PERSON_AND_HOUR = 2.0
MICRO = 1_000_000


def next_visit(
    now: datetime, owed: float, *, stalls: Sequence[Stall], people: int, coming: Coming, seed: int | None = None
) -> datetime:
    """Return when the next one comes by, who is owed after so many average waits (an exponential number of mean 1).

    With a seed, an hour is better or worse than another for no reason that a curve knows.
    """
    return after(now, owed=owed, an_hour=visits_an_hour(stalls, people, coming), rhythm=coming.rhythm, seed=seed)


def visits_an_hour(stalls: Sequence[Stall], people: int, coming: Coming) -> float:
    """Return how many visits there are in an average hour: pages taken, where there is work, else looks."""
    most = people * VISITS_PER_PERSON_AND_HOUR
    asking = [stall for stall in stalls if stall.kind == "main" and stall.open_tasks]
    if not asking:
        return most
    return min(most, competing(len(asking)) * sum(pages_an_hour(stall, coming) for stall in asking))


def pages_an_hour(stall: Stall, coming: Coming) -> float:
    """Return how many pages of a pool would be taken in an average hour if it were the only one."""
    filming = stall.interface == "photo" and stall.media == "video"
    sessions = coming.films if filming else coming.photos
    price = take_by_price(stall.price_micro / MICRO, reference_usd=coming.reference_usd)
    return coming.eligible * sessions.an_hour * sessions.tasks_within(stall.per_worker) * price
