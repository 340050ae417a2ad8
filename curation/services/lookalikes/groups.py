"""Reading the groups: a distance, people's words on top, only pictures that are still there, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

import numpy as np
from django.db.models import Count, Max

from curation.models import Asset, LookalikeSearch, LookalikeWord, Project
from curation.services.lookalikes import standing
from curation.services.lookalikes.arrays import STOPS
from curation.services.lookalikes.standing import Resolved

PAGE = 24
SHOWN, SHOWN_WHOLE = 12, 96
USUAL_STOP = 16


@dataclass(frozen=True, slots=True)
class Member:
    asset: Asset
    distance: int | None  # None = a person put it here
    is_new: bool = False
    is_said: bool = False
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A picture that would be kept, and those that would go, nearest first; `new` joined lately.

    Of those that would go, `before` nearer ones and `more` further away are not shown.
    """

    leader: Asset
    members: tuple[Member, ...]
    size: int
    new: int
    before: int = 0

    @property
    def until(self) -> int:
        return self.before + len(self.members)

    @property
    def more(self) -> int:
        return max(0, self.size - 1 - self.until)


@dataclass(frozen=True, slots=True)
class GroupPage:
    groups: tuple[Group, ...]
    number: int
    found: int

    @property
    def pages(self) -> int:
        return -(-self.found // PAGE)


def search_of(project: Project) -> LookalikeSearch | None:
    return LookalikeSearch.objects.filter(project=project).first()


def resolved(search: LookalikeSearch, stop: int) -> Resolved:
    """Return the groups at one of STOPS as they stand now."""
    return standing.read(search).at(stop)


@dataclass(frozen=True, eq=False, slots=True)
class Stands:
    """The newest search of a project, its groups at each distance, and how many pictures are in none of them yet."""

    search: LookalikeSearch
    groups: dict[int, Resolved]
    newer: int


def stands(project: Project) -> Stands:
    """Return how the groups stand at this version of the project; a newer search may come while this one is read."""
    search = LookalikeSearch.objects.get(project=project)
    try:
        return _stands_at(search, project)
    except FileNotFoundError:
        search.refresh_from_db()
        return _stands_at(search, project)


def _stands_at(search: LookalikeSearch, project: Project) -> Stands:
    if project.is_rehearsal:  # it moves without raising its version
        return _read(search)
    words = LookalikeWord.objects.filter(project=project).aggregate(said=Count("id"), newest=Max("id"))
    return _kept(search.pk, search.arrays_key, project.version, (words["said"], words["newest"]))


@lru_cache(maxsize=2)
def _kept(search_id: int, _arrays_key: str, _version: int, _words: tuple[int, int | None]) -> Stands:
    """A word holds at once: the version may follow a moment later, or not at all."""
    return _read(LookalikeSearch.objects.get(pk=search_id))


def _read(search: LookalikeSearch) -> Stands:
    now = standing.read(search)
    return Stands(search, {stop: now.at(stop) for stop in STOPS}, now.newer)


def page(found: Resolved, *, number: int, project: Project, joined: int = 0, only_new: bool = False) -> GroupPage:
    """Return one page of groups with more than one picture, the biggest first.

    The last `joined` pictures came after the comparison that was asked for; `only_new` = the groups they are in.
    """
    here = found.leaders[found.present]
    leaders, sizes = np.unique(here, return_counts=True)
    many = sizes > 1
    first_new = len(found.leaders) - joined
    new = Counter(found.leaders[first_new:][found.present[first_new:]].tolist())
    if only_new:
        many &= np.isin(leaders, list(new))
    leaders, sizes = leaders[many], sizes[many]
    order = np.lexsort((leaders, -sizes))
    number = max(1, min(number, -(-len(order) // PAGE)))
    chosen = order[(number - 1) * PAGE : number * PAGE]
    rows = [(int(leaders[one]), int(sizes[one]), _members(found, int(leaders[one]))) for one in chosen]
    return GroupPage(_groups(found, rows, project, new, first_new), number, len(order))


def whole(found: Resolved, *, picture: UUID, project: Project, joined: int = 0, before: int = 0) -> GroupPage | None:
    """Return the group that a picture is in, the next 96 after the `before` nearest; None when it is in no group."""
    pk = Asset.objects.filter(project=project, public_id=picture).values_list("pk", flat=True).first()
    (places,) = np.nonzero((found.pictures.ids == pk) & found.present)
    if not len(places):
        return None
    leader = int(found.leaders[places[0]])
    here = np.flatnonzero((found.leaders == leader) & found.present)
    first_new = len(found.leaders) - joined
    before = before if before < len(here) - 1 else 0
    row = (leader, len(here), _members(found, leader, before + SHOWN_WHOLE)[before:])
    new = Counter({leader: int((here >= first_new).sum())})
    groups = tuple(replace(one, before=before) for one in _groups(found, [row], project, new, first_new))
    return GroupPage(groups, 1, 1) if len(here) > 1 and groups else None


_Row = tuple[int, int, list[int]]
"""The place of a leader, how many are in its group, and the places of those that are shown."""


def _groups(
    found: Resolved, rows: Sequence[_Row], project: Project, new: Mapping[int, int], first_new: int
) -> tuple[Group, ...]:
    ids = found.pictures.ids
    wanted = [int(ids[place]) for leader, _, members in rows for place in (leader, *members)]
    known = Asset.objects.filter(project=project).select_related("label_class", "parent").in_bulk(wanted)
    said = set(LookalikeWord.objects.filter(project=project, asset__in=wanted).values_list("asset_id", flat=True))
    about = _About(known, said, {int(one) for one in ids[first_new:]})
    groups = (_group(found, row, about, new.get(row[0], 0)) for row in rows)
    return tuple(one for one in groups if one is not None)


def _members(found: Resolved, leader: int, most: int = SHOWN) -> list[int]:
    places = np.flatnonzero((found.leaders == leader) & found.present)
    places = places[places != leader]
    order = np.lexsort((places, found.distances[places]))
    return [int(place) for place in places[order][:most]]


@dataclass(frozen=True, slots=True)
class _About:
    """The pictures of a page by id, those a person has decided about, and those that joined lately."""

    known: dict[int, Asset]
    said: set[int]
    fresh: set[int]


def _group(found: Resolved, row: _Row, about: _About, new: int) -> Group | None:
    leader, size, members = row
    ids = found.pictures.ids
    known, said = about.known, about.said
    top = known.get(int(ids[leader]))
    if top is None:
        return None
    listed = [(place, known[int(ids[place])]) for place in members if int(ids[place]) in known]
    return Group(
        leader=top,
        members=tuple(
            Member(
                one,
                None if one.pk in said or top.pk in said else int(found.distances[place]),
                is_new=one.pk in about.fresh,
                is_said=one.pk in said,
                is_proven=bool(found.proven[place]),
            )
            for place, one in listed
        ),
        size=size,
        new=new,
    )


@dataclass(frozen=True, slots=True)
class Loser:
    """A picture that would go, by id, the one kept instead, the bits between them, and whether it was proven."""

    picture: int
    kept: int
    distance: int
    is_proven: bool


def losers(search: LookalikeSearch, stop: int) -> list[Loser]:
    found = resolved(search, stop)
    places = np.flatnonzero(found.present & (found.leaders != np.arange(len(found.leaders))))
    ids = found.pictures.ids
    return [
        Loser(
            picture=int(ids[place]),
            kept=int(ids[found.leaders[place]]),
            distance=int(found.distances[place]),
            is_proven=bool(found.proven[place]),
        )
        for place in places.tolist()
    ]
