"""The simulated crowd at work: one visit = one person takes one page of the local market and answers it.

Everything a visit does is in one transaction, alone or with some visits more. Its chance comes from the crowd's seed
and its number, its time is an argument or the crowd's own clock: killed anywhere, it happens again the same way.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

from django.db import transaction

from crowd.models import Account, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal import acting, pace
from crowd.rehearsal.arrivals import Coming
from crowd.rehearsal.darkrooms import CALM, DRAWN, Darkroom
from crowd.rehearsal.models import RehearsalCrowd
from crowd.rehearsal.own_market import MarketTogether, OwnMarket, PhotoRound, Visitor, stalls_of
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.population import luck_of
from crowd.services import handing_in
from crowd.services.rounds import NotTogether


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit: `page` (handed in), `abandoned`, `nothing` (no work for this person) or `budget`."""

    outcome: str
    at: datetime


def ensure_crowd(
    *, account: Account, seed: str, population: int, start: datetime, visits_per_second: float, follows_wall_clock: bool
) -> RehearsalCrowd:
    crowd, _ = RehearsalCrowd.objects.get_or_create(
        account=account,
        defaults={
            "seed": seed,
            "population": population,
            "clock": start,
            "visits_per_second": visits_per_second,
            "follows_wall_clock": follows_wall_clock,
        },
    )
    return crowd


def let_come(*, account_id: int, coming: Coming) -> None:
    """Let a crowd come by in this way; one that is at work keeps its own."""
    RehearsalCrowd.objects.filter(account_id=account_id, step=0).update(mix={"coming": asdict(coming)})


@transaction.atomic
def visit(*, account_id: int, now: datetime, darkroom: Darkroom = CALM) -> Visit:
    """Let the next person of a live crowd come by: the rows are dated `now`."""
    crowd = _locked(account_id)
    rng = _luck(crowd)
    person, offered = _who(crowd, rng), stalls_of(crowd.account_id)
    crowd.step, crowd.clock = crowd.step + 1, now
    crowd.save(update_fields=["step", "clock"])
    worker = _workers(crowd, [person], [now])[person.number]
    visitor = Visitor(worker, now, is_live=True, ring=_ring_of(crowd, person))
    return Visit(acting.visit(OwnMarket(visitor, offered), acting.Actor(person, rng, now, darkroom)), now)


def visit_some(*, account_id: int, visitors: int, darkroom: Darkroom = DRAWN) -> list[Visit]:
    """Let so many people come by, one after the other on the crowd's own clock, which nobody else keeps.

    All of them choose by what is on offer when the first one comes. What they do is written together; where the money
    does not last for all of it, they come one by one.
    """
    try:
        return _visit_some(account_id, visitors, darkroom, together=True)
    except NotTogether:
        return _visit_some(account_id, visitors, darkroom, together=False)


@transaction.atomic
def _visit_some(account_id: int, visitors: int, darkroom: Darkroom, *, together: bool) -> list[Visit]:
    crowd, offered, moments, found = _locked(account_id), stalls_of(account_id), [], []
    luck = [_luck(crowd, number) for number in range(visitors)]
    coming = [_who(crowd, rng) for rng in luck]
    for number, rng in enumerate(luck):
        crowd.step, crowd.clock = crowd.step + 1, _next_moment(crowd, rng, offered)
        moments.append(crowd.clock)
        if number == 0 and handing_in.expire_leases(now=crowd.clock, account_id=account_id):
            offered = stalls_of(account_id)
    workers = _workers(crowd, coming, moments)
    pages = PhotoRound(list(workers.values()), [stall.ref for stall in offered]) if together else None
    for person, rng, at in zip(coming, luck, moments, strict=True):
        visitor = Visitor(workers[person.number], at, is_live=False, ring=_ring_of(crowd, person))
        alone = OwnMarket(visitor, offered)
        market = alone if pages is None else MarketTogether(visitor, offered, pages)
        found.append(Visit(acting.visit(market, acting.Actor(person, rng, at, darkroom)), at))
    if pages is not None:
        pages.write()
        pages.album.write()
    crowd.save(update_fields=["step", "clock"])
    return found


def _locked(account_id: int) -> RehearsalCrowd:
    return RehearsalCrowd.objects.select_for_update().select_related("account").get(account_id=account_id)


def _luck(crowd: RehearsalCrowd, later: int = 0) -> random.Random:
    """Return the chance of the next visit, or of one so many visits later."""
    return random.Random(f"visit-{crowd.seed}-{crowd.step + later}")


def _next_moment(crowd: RehearsalCrowd, rng: random.Random, offered: list[acting.Stall]) -> datetime:
    coming, owed = _everybody(crowd).mix.coming, rng.expovariate(1)
    luck = luck_of(crowd.seed)
    return pace.next_visit(crowd.clock, owed, stalls=offered, people=crowd.population, coming=coming, seed=luck)


def _who(crowd: RehearsalCrowd, rng: random.Random) -> Person:
    """Draw a person by activity."""
    everybody = _everybody(crowd)
    return rng.choices(everybody.people, cum_weights=everybody.activity)[0]


@dataclass(frozen=True, slots=True)
class _Everybody:
    """The people of a crowd, their activity added up from the first one to each, and what they were drawn from."""

    people: tuple[Person, ...]
    activity: tuple[float, ...]
    mix: CrowdMix


def _everybody(crowd: RehearsalCrowd) -> _Everybody:
    return _drawn(crowd.seed, crowd.population, json.dumps(crowd.mix, sort_keys=True))


@lru_cache(maxsize=8)
def _drawn(seed: str, population: int, plain: str) -> _Everybody:
    mix = CrowdMix.from_json(json.loads(plain))
    people = tuple(profile(seed, number, mix) for number in range(population))
    return _Everybody(people, tuple(accumulate(person.activity for person in people)), mix)


def _ring_of(crowd: RehearsalCrowd, person: Person) -> tuple[str, ...]:
    if person.ring is None:
        return ()
    others = (one for one in _everybody(crowd).people if one.ring == person.ring and one.number != person.number)
    return tuple(_ext_id(crowd, one.number) for one in others)


def _ext_id(crowd: RehearsalCrowd, number: int) -> str:
    return f"sim-{crowd.seed}-{number}"


def person_of(worker: Worker, crowd: RehearsalCrowd) -> Person:
    """Return the character behind a simulated worker."""
    return profile(crowd.seed, int(worker.ext_id.rsplit("-", 1)[1]), CrowdMix.from_json(crowd.mix))


def _workers(crowd: RehearsalCrowd, people: Sequence[Person], moments: Sequence[datetime]) -> dict[int, Worker]:
    """Return the workers behind people who come at these moments, by the people's numbers; new ones are made."""
    numbers = {digest_of(_ext_id(crowd, person.number)): person.number for person in people}
    there = Worker.objects.select_related("team").filter(account=crowd.account, ext_digest__in=numbers)
    workers = {numbers[bytes(worker.ext_digest)]: worker for worker in there}
    fresh: dict[int, Worker] = {}
    for person, at in zip(people, moments, strict=True):
        if person.number not in workers:
            fresh.setdefault(person.number, _new_worker(crowd, person, at))
    Worker.objects.bulk_create(fresh.values())
    return workers | fresh


def _new_worker(crowd: RehearsalCrowd, person: Person, now: datetime) -> Worker:
    ext_id = _ext_id(crowd, person.number)
    return Worker(
        account=crowd.account,
        ext_id=ext_id,
        ext_digest=digest_of(ext_id),
        country=person.country,
        language=person.language,
        is_adult=True,
        consent_version="rehearsal",
        consented_at=now,
        first_seen=now,
    )
