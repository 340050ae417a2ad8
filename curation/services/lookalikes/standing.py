"""How groups stand now: what was found, people's words on top, and without the pictures that have left the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curation.models import LookalikeSearch, LookalikeWord
from curation.preprocessing.leaders import ALONE, Words
from curation.services.lookalikes import arrays
from curation.services.lookalikes.arrays import Distances, Leaders, Pictures
from curation.services.lookalikes.proven import pairs_of
from curation.services.lookalikes.searching import comparable, hashes_of


@dataclass(frozen=True, eq=False, slots=True)
class Resolved:
    """Leaders after people's words, and the bits to them, over the pictures still there: places in `pictures`.

    `proven`: the checks have proven that the picture is another one of its group, however many bits differ.
    """

    pictures: Pictures
    leaders: Leaders
    present: Any  # bool[n]
    distances: Distances
    proven: Any  # bool[n]

    @property
    def of(self) -> int:
        return int(self.present.sum())

    @property
    def kept(self) -> int:
        return int(((self.leaders == np.arange(len(self.leaders))) & self.present).sum())


class Hashes:
    """The hashes of pictures by their place, read when they are first asked for."""

    def __init__(self, pictures: Pictures) -> None:
        self._ids = pictures.ids
        self._rows: Words = np.zeros((len(pictures.ids), 4), np.uint64)
        self._read = np.zeros(len(pictures.ids), bool)

    def bits(self, places: Any, others: Any) -> Distances:
        """Return the bits between each of `places` and the one beside it in `others`: int[n] both, uint8[n]."""
        wanted = np.unique(np.concatenate([places, others]))
        missing = wanted[~self._read[wanted]]
        self._rows[missing] = hashes_of(self._ids[missing])
        self._read[missing] = True
        differing = np.bitwise_count(self._rows[places] ^ self._rows[others]).sum(axis=1, dtype=np.uint16)
        bits: Distances = np.minimum(differing, ALONE).astype(np.uint8)
        return bits


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """What the groups of one search have in common at every distance."""

    arrays_key: str
    pictures: Pictures
    present: Any  # bool[n]
    newer: int  # pictures that are in none of the groups yet
    words: Sequence[LookalikeWord]
    pairs: Sequence[tuple[int, int]]  # (picture, the earlier one that it is), by id
    places: Mapping[int, int]
    hashes: Hashes = field(repr=False)

    def at(self, stop: int) -> Resolved:
        """Return the groups at one of STOPS."""
        grouping = arrays.grouping_of(self.arrays_key, stop)
        leaders = grouping.leaders.copy()
        for word in self.words:
            self._apply(word, leaders, stop)
        self._regroup(leaders, np.flatnonzero(self.present & ~self.present[leaders]), stop)
        proven = self._follow(leaders, stop)
        distances = grouping.distances.copy()
        moved = np.flatnonzero(self.present & (leaders != grouping.leaders))
        distances[moved] = self.hashes.bits(moved, leaders[moved])
        return Resolved(self.pictures, leaders, self.present, distances, proven)

    def _apply(self, word: LookalikeWord, leaders: Leaders, stop: int) -> None:
        """Let a picture stand alone, take over its leader's group, or bring all that it leads to another."""
        place = self.places.get(word.asset_id)
        if place is None:
            return
        mine = np.flatnonzero(leaders == place)
        if word.leader_id is None:
            self._regroup(leaders, mine[(mine != place) & self.present[mine]], stop)
            leaders[place] = place
            return
        to = self.places.get(word.leader_id)
        if to is None:
            return
        target = int(leaders[to])
        if target == place:  # it was led by the picture that now follows it
            leaders[mine] = to
        elif len(mine):
            leaders[mine] = target
        else:
            leaders[place] = target

    def _follow(self, leaders: Leaders, stop: int) -> Any:
        """Put what is proven to be an earlier picture with it, unless people spoke about it; return which those are.

        What it led itself was only near to it and is grouped anew.
        """
        proven = np.zeros(len(leaders), bool)
        said = {word.asset_id for word in self.words}
        sizes = np.bincount(leaders[self.present], minlength=len(leaders))
        for picture, earlier in self.pairs:
            place, other = self.places.get(picture), self.places.get(earlier)
            if place is None or other is None or picture in said or not self.present[leaders[other]]:
                continue
            target = int(leaders[other])
            if target == place:
                continue
            left = np.flatnonzero((leaders == place) & self.present) if sizes[place] > 1 else np.empty(0, np.int64)
            left = left[left != place]
            leaders[place], proven[place] = target, True
            self._regroup(leaders, left, stop)
            sizes[target] += 1
            sizes[left] += 2  # one of them leads the others now
        return proven

    def _regroup(self, leaders: Leaders, orphans: Any, stop: int) -> None:
        """Group those that have lost their leader anew: the best of them leads who is within the distance of it.

        A member was proven against its old leader alone; another member may be twice as far away.
        `orphans`: int[n], places in order of precedence, all present.
        """
        lost = leaders[orphans]
        while len(orphans):
            _, first, group = np.unique(lost, return_index=True, return_inverse=True)
            heads = orphans[first[group]]
            near = self.hashes.bits(orphans, heads) <= stop
            leaders[orphans[near]] = heads[near]
            orphans, lost = orphans[~near], lost[~near]


def read(search: LookalikeSearch) -> Standing:
    """Read what people said and which pictures are still in the project."""
    pictures = arrays.pictures_of(search.arrays_key)
    live = np.fromiter(comparable(search.project_id).values_list("id", flat=True).iterator(50_000), np.int64)
    words = list(LookalikeWord.objects.filter(project_id=search.project_id).order_by("created_at", "id"))
    pairs = pairs_of(search.project_id)
    places = {pk: number for number, pk in enumerate(pictures.ids.tolist())} if words or pairs else {}
    present = np.isin(pictures.ids, live)
    newer = len(live) - int(present.sum())
    return Standing(search.arrays_key, pictures, present, newer, words, pairs, places, Hashes(pictures))
