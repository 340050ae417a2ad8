"""Reading the groups: a distance, people's words on top, only pictures that are still there, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation.models import Asset, LookalikeSearch, LookalikeWord, Project
from curation.services.lookalikes import arrays
from curation.services.lookalikes.arrays import STOPS, Leaders, Pictures
from curation.services.lookalikes.searching import comparable

PAGE = 24
SHOWN = 12
USUAL_STOP = 16


@dataclass(frozen=True, slots=True)
class Member:
    asset: Asset
    distance: int | None  # None = a person put it here


@dataclass(frozen=True, slots=True)
class Group:
    """A picture that would be kept, and those that would go; `more` of them are not shown."""

    leader: Asset
    members: tuple[Member, ...]
    size: int

    @property
    def more(self) -> int:
        return self.size - 1 - len(self.members)


@dataclass(frozen=True, slots=True)
class GroupPage:
    groups: tuple[Group, ...]
    number: int
    found: int

    @property
    def pages(self) -> int:
        return -(-self.found // PAGE)


@dataclass(frozen=True, eq=False, slots=True)
class Resolved:
    """Leaders after people's words, over the pictures that are still there: places in `pictures`."""

    pictures: Pictures
    leaders: Leaders
    present: Any  # bool[n]
    distances: arrays.Distances

    @property
    def of(self) -> int:
        return int(self.present.sum())

    @property
    def kept(self) -> int:
        return int(((self.leaders == np.arange(len(self.leaders))) & self.present).sum())


def search_of(project: Project) -> LookalikeSearch | None:
    return LookalikeSearch.objects.filter(project=project).first()


def resolved(search: LookalikeSearch, stop: int, present: Any | None = None) -> Resolved:
    """Return the groups at one of STOPS as they stand now."""
    pictures = arrays.pictures_of(search.arrays_key)
    grouping = arrays.grouping_of(search.arrays_key, stop)
    leaders = grouping.leaders.copy()
    here = presence(search) if present is None else present
    _without_gone(leaders, here)
    place = None
    for word in LookalikeWord.objects.filter(project_id=search.project_id).order_by("created_at", "id"):
        place = place or {pk: number for number, pk in enumerate(pictures.ids.tolist())}
        _apply(leaders, place.get(word.asset_id), word.leader_id and place.get(word.leader_id), has=word.leader_id)
    return Resolved(pictures, leaders, here, grouping.distances)


def presence(search: LookalikeSearch) -> Any:
    """Return for each picture of the search whether it is still in the project."""
    live = np.fromiter(comparable(search.project_id).values_list("id", flat=True).iterator(50_000), np.int64)
    return np.isin(arrays.pictures_of(search.arrays_key).ids, live)


def _without_gone(leaders: Leaders, present: Any) -> None:
    """Where a leader has left the project, its best member that is there leads the others."""
    orphans = np.flatnonzero(present & ~present[leaders])
    _, first, group = np.unique(leaders[orphans], return_index=True, return_inverse=True)
    leaders[orphans] = orphans[first[group]]


def _lead_by_best(leaders: Leaders, members: Any) -> None:
    if len(members):
        leaders[members] = members[0]


def _apply(leaders: Leaders, place: int | None, to: int | None, *, has: int | None) -> None:
    """One word: stand alone (`has` no leader), take over the own leader's group, or bring all one leads to another."""
    if place is None:
        return
    mine = np.flatnonzero(leaders == place)
    if has is None:
        _lead_by_best(leaders, mine[mine != place])
        leaders[place] = place
        return
    if to is None:
        return
    target = int(leaders[to])
    if target == place:  # it was led by the picture that now follows it
        leaders[mine] = to
    elif len(mine):
        leaders[mine] = target
    else:
        leaders[place] = target


def kept_at_all_stops(search: LookalikeSearch, present: Any) -> dict[int, int]:
    """Return how many pictures would be kept at each distance, as things stand now."""
    return {stop: resolved(search, stop, present).kept for stop in STOPS}


def page(found: Resolved, *, number: int, project: Project) -> GroupPage:
    """Return one page of groups with more than one picture, the biggest first."""
    here = found.leaders[found.present]
    leaders, sizes = np.unique(here, return_counts=True)
    many = sizes > 1
    leaders, sizes = leaders[many], sizes[many]
    order = np.lexsort((leaders, -sizes))
    number = max(1, min(number, -(-len(order) // PAGE)))
    chosen = order[(number - 1) * PAGE : number * PAGE]
    ids = found.pictures.ids
    rows = [(int(leaders[one]), int(sizes[one]), _members(found, int(leaders[one]))) for one in chosen]
    wanted = [int(ids[place]) for leader, _, members in rows for place in (leader, *members)]
    known = Asset.objects.filter(project=project).select_related("label_class", "parent").in_bulk(wanted)
    said = set(LookalikeWord.objects.filter(project=project, asset__in=wanted).values_list("asset_id", flat=True))
    groups = [_group(found, row, known, said) for row in rows]
    return GroupPage(tuple(one for one in groups if one is not None), number, len(order))


def _members(found: Resolved, leader: int) -> list[int]:
    places = np.flatnonzero((found.leaders == leader) & found.present)
    places = places[places != leader]
    order = np.lexsort((places, found.distances[places]))
    return [int(place) for place in places[order][:SHOWN]]


def _group(
    found: Resolved, row: tuple[int, int, Sequence[int]], known: dict[int, Asset], said: set[int]
) -> Group | None:
    leader, size, members = row
    ids = found.pictures.ids
    top = known.get(int(ids[leader]))
    if top is None:
        return None
    listed = [(place, known[int(ids[place])]) for place in members if int(ids[place]) in known]
    return Group(
        leader=top,
        members=tuple(
            Member(one, None if one.pk in said or top.pk in said else int(found.distances[place]))
            for place, one in listed
        ),
        size=size,
    )


def losers(search: LookalikeSearch, stop: int) -> list[tuple[int, int, int]]:
    """Return (picture, the one kept instead, bits between them) of all that would go."""
    found = resolved(search, stop)
    places = np.flatnonzero(found.present & (found.leaders != np.arange(len(found.leaders))))
    ids = found.pictures.ids
    return [(int(ids[place]), int(ids[found.leaders[place]]), int(found.distances[place])) for place in places.tolist()]
