"""HITs: places on our page, nine in each at most, made once, opened, ended and moved to a new price.

Many calls are needed for a big batch. They are made in slices: what is left is taken up when the command comes again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

from crowd.clock import database_now
from crowd.errors import StateConflict, StillRunning
from crowd.platforms.mturk import offers
from crowd.platforms.mturk.client import Client, Json, Repeated
from crowd.platforms.mturk.marks import Mark, Tier
from crowd.services import quotas

PLACES: Final = 9
"""With ten the fee doubles, and a HIT made with fewer can never be given ten."""
SLICE: Final = 20
SOON: Final = timedelta(seconds=1)
LIFE: Final = timedelta(days=90)
LONGEST_LIFE: Final = timedelta(days=365)
LONG_AGO: Final = datetime(2015, 1, 1, tzinfo=UTC)
AFTER: Final = "after"
Move = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A HIT that should be there; it is known again by its note, and by its token for a day."""

    note: str
    tier: Tier
    places: int

    @property
    def token(self) -> str:
        return hashlib.sha256(self.note.encode()).hexdigest()


def of(client: Client, mark: Mark) -> Iterator[Json]:
    """Give every HIT of a batch: all of them ask for its mark."""
    return client.each("list_hits_for_qualification_type", "HITs", QualificationTypeId=mark.id)


def offer(client: Client, mark: Mark, pages: int, key: str) -> None:
    """Make places for so many pages at every price, each HIT once for this key."""
    there = {str(hit.get("RequesterAnnotation", "")): hit for hit in of(client, mark)}
    wanted = _plan(mark, pages, key)
    missing = [one for one in wanted if one.note not in there]
    if missing:  # about two new ones a second is what MTurk does not throttle
        quotas.take(account=client.account, name="hits", n=min(SLICE, len(missing)), now=database_now())
    _in_slices((partial(_make, client, mark, one) for one in missing), "HITs to be made")
    if not mark.is_open:  # a HIT is offered from its first second on; one whose ending was lost is ended now
        _end(client, (there[one.note] for one in wanted if one.note in there), LONG_AGO)


def _plan(mark: Mark, pages: int, key: str) -> list[Wanted]:
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return [
        Wanted(f"winnow {mark.id} {tier.label} {digest} {number}", tier, min(PLACES, pages - taken))
        for tier in mark.tiers
        for number, taken in enumerate(range(0, pages, PLACES))
    ]


def _make(client: Client, mark: Mark, wanted: Wanted) -> None:
    now = database_now()
    life = min(LONGEST_LIFE, max(timedelta(seconds=30), _end_of(mark, now) - now))
    try:
        made = client.call(
            "create_hit_with_hit_type",
            HITTypeId=wanted.tier.type_id,
            Question=offers.question(mark.key),
            MaxAssignments=wanted.places,
            LifetimeInSeconds=int(life.total_seconds()),
            RequesterAnnotation=wanted.note,
            UniqueRequestToken=wanted.token,
        )
    except Repeated:  # it is there, but no list shows it yet
        return
    if not mark.is_open:
        _expire(client, made["HIT"])


def _end_of(mark: Mark, now: datetime) -> datetime:
    end = mark.end() or now + LIFE
    if end <= now:
        raise StateConflict(f"The time of this pool ended on {end:%d %B %Y}. Give it a later end, then open it again.")
    return end


def open_all(client: Client, mark: Mark, now: datetime) -> None:
    """Give every HIT with places time again; one of an old price is replaced."""
    until = min(_end_of(mark, now), now + LONGEST_LIFE)
    follow(client, mark, now)
    ended = (hit for hit in of(client, mark) if not _is_live(hit, now) and _has_type_of(mark, hit))
    _in_slices((partial(_expire, client, hit, until) for hit in ended if not _is_full(hit)), "HITs to be opened")


def end_all(client: Client, mark: Mark, now: datetime) -> None:
    """Let nobody take a HIT any more; those who have one may finish it."""
    _end(client, list(of(client, mark)), now)


def _end(client: Client, hits: Iterable[Json], now: datetime) -> None:
    _in_slices((partial(_expire, client, hit) for hit in hits if _is_live(hit, now)), "HITs to be ended")


def _expire(client: Client, hit: Json, at: datetime = LONG_AGO) -> None:
    client.call("update_expiration_for_hit", HITId=hit["HITId"], ExpireAt=at)


def _is_live(hit: Json, now: datetime) -> bool:
    expiration: datetime = hit["Expiration"]
    return expiration > now


def _is_full(hit: Json) -> bool:
    return bool(hit["NumberOfAssignmentsCompleted"] >= hit["MaxAssignments"])


def follow(client: Client, mark: Mark, now: datetime) -> None:
    """Bring HITs to the prices and words of now: an untouched one is moved, another ends and a new one goes on."""
    hits = list(of(client, mark))
    replaced = {_replaces(hit) for hit in hits}
    old = [hit for hit in hits if not _has_type_of(mark, hit) and hit["HITId"] not in replaced]
    moves = (_renewal(client, mark, hit, now) for hit in old)
    _in_slices((move for move in moves if move is not None), "HITs to be brought up to date")


def _label(hit: Json) -> str:
    words = str(hit.get("RequesterAnnotation", "")).split()
    return words[2] if len(words) > 2 else ""  # winnow MARK LABEL …


def _replaces(hit: Json) -> str:
    words = str(hit.get("RequesterAnnotation", "")).split()
    return words[-1] if AFTER in words else ""


def _has_type_of(mark: Mark, hit: Json) -> bool:
    tier = mark.tier(_label(hit))
    return tier is not None and tier.type_id == hit["HITTypeId"]


def _renewal(client: Client, mark: Mark, hit: Json, now: datetime) -> Move | None:
    """Return what has to be done about a HIT of an old price. What is taken of it keeps that price."""
    tier, handed_in = mark.tier(_label(hit)), _handed_in(client, hit)
    taken = hit["NumberOfAssignmentsPending"] + len(handed_in)
    if tier is not None and not taken:
        return partial(client.call, "update_hit_type_of_hit", HITId=hit["HITId"], HITTypeId=tier.type_id)
    if tier is not None and taken < hit["MaxAssignments"]:
        return partial(_replace, client, mark, hit, tier)
    return partial(_expire, client, hit) if _is_live(hit, now) else None


def _replace(client: Client, mark: Mark, hit: Json, tier: Tier) -> None:
    """End a HIT first: then it is certain how many of its places nobody has."""
    _expire(client, hit)
    ended = client.call("get_hit", HITId=hit["HITId"])["HIT"]
    left = hit["MaxAssignments"] - ended["NumberOfAssignmentsPending"] - len(_handed_in(client, hit))
    if left > 0:
        _make(client, mark, Wanted(f"winnow {mark.id} {tier.label} {AFTER} {hit['HITId']}", tier, left))


def _handed_in(client: Client, hit: Json) -> list[Json]:
    return list(client.each("list_assignments_for_hit", "Assignments", HITId=hit["HITId"]))


def _in_slices(moves: Iterable[Move], what: str) -> None:
    """Make the first moves; when there are more, ask to come again."""
    some = list(islice(moves, SLICE + 1))
    for move in some[:SLICE]:
        move()
    if len(some) > SLICE:
        raise StillRunning(database_now() + SOON, f"there are more {what}")
