"""Corners of pictures, by which crops are found: kept for each picture, looked up among the newest and one's own."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import itemgetter, neg
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import QuerySet

from curation.models import Asset, AssetCorners
from curation.preprocessing.corner_index import CornerIndex, Voted, voted
from curation.preprocessing.voting import Keys, packed, unpacked, unpacked_all

MOST = 20_000
"""So many of a project's newest pictures are in memory; older ones of other people are found by their hash alone."""
MOST_OWN = 500
MOST_PROJECTS = 3
LOOKED_BACK = 256

# Of each picture's worker the latest before it, by the index alone; then the corners of all of these once.
OWN = """
SELECT worker_id, asset_id, keys FROM curation_assetcorners WHERE asset_id IN (
    SELECT earlier.asset_id FROM unnest(%(workers)s::bigint[], %(pictures)s::bigint[]) AS part (worker, picture)
     CROSS JOIN LATERAL (
        SELECT asset_id FROM curation_assetcorners
         WHERE project_id = %(project)s AND worker_id = part.worker AND asset_id < part.picture
         ORDER BY asset_id DESC LIMIT %(most)s) AS earlier
) ORDER BY worker_id, asset_id DESC
"""

Both = tuple[Keys, Keys]


def keep_all(pictures: Sequence[tuple[Asset, Both]]) -> None:
    """Store the keys of pictures' corners. May be repeated."""
    rows = [
        AssetCorners(asset=asset, project_id=asset.project_id, worker_id=asset.worker_id, keys=packed(both[0]))
        for asset, both in pictures
    ]
    AssetCorners.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["asset"], update_fields=["project_id", "worker_id", "keys"]
    )


def near(*, pictures: Sequence[tuple[Asset, Both]], newest: CornerIndex) -> dict[int, list[Voted]]:
    """Return, by picture, earlier ones that share many corners with it: of its worker, and of the project's newest.

    Pictures of one worker often show one room: there the keys that all of them have count too.
    """
    own = _own([asset for asset, _ in pictures])
    found = newest.near_all([both for _, both in pictures])
    return {
        asset.pk: _near(asset, both, among, own.get(asset.worker_id))
        for (asset, both), among in zip(pictures, found, strict=True)
    }


def _near(asset: Asset, both: Both, newest: Sequence[Voted], own: "_Own | None") -> list[Voted]:
    found = {one.id: one for one in newest}
    if own is not None:
        found |= {one.id: one for one in voted(*own.before(asset.pk), *both)}
    earlier = [one for one in found.values() if one.id < asset.pk]
    return sorted(earlier, key=lambda one: (-one.votes, one.id))


@dataclass(frozen=True, slots=True)
class _Own:
    """The corners of a worker's pictures, the latest first."""

    ids: list[int]
    keys: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, rows: "Iterable[tuple[int, bytes | memoryview[int]]]") -> "_Own":
        ids, keys = zip(*rows, strict=True)
        return cls(list(ids), unpacked_all([bytes(one) for one in keys]))

    def before(self, pk: int) -> tuple[list[int], npt.NDArray[np.uint32]]:
        """Return the latest of those before this one."""
        start = bisect_left(self.ids, 1 - pk, key=neg)
        part = slice(start, start + MOST_OWN)
        return self.ids[part], self.keys[part]


def _own(assets: Sequence[Asset]) -> dict[int | None, _Own]:
    """Read, by worker, what may be compared with these pictures: the latest before each of them."""
    mine = [asset for asset in assets if asset.worker_id is not None]
    if not mine:
        return {}
    asked: dict[str, Any] = {
        "project": mine[0].project_id,
        "workers": [asset.worker_id for asset in mine],
        "pictures": [asset.pk for asset in mine],
        "most": MOST_OWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(OWN, asked)
        return {worker: _Own.of(row[1:] for row in each) for worker, each in groupby(cursor, key=itemgetter(0))}


def _read(rows: "QuerySet[AssetCorners]") -> list[tuple[int, Keys]]:
    return [(pk, unpacked(bytes(keys))) for pk, keys in rows.values_list("asset_id", "keys")]


@dataclass(slots=True)
class Newest:
    """The newest pictures of a project as this process has read them; the database is the truth."""

    index: CornerIndex = field(default_factory=lambda: CornerIndex(MOST))
    ids: set[int] = field(default_factory=set)

    def read_on(self, rows: "QuerySet[AssetCorners]") -> None:
        """Append what is new. Ids are given out before they can be seen, so the last few are looked at again."""
        newest = rows.order_by("-asset_id")
        last = list(newest.values_list("asset_id", flat=True)[:LOOKED_BACK])
        missing = [pk for pk in last if pk not in self.ids]
        if len(missing) < LOOKED_BACK:
            self._append(_read(rows.filter(asset_id__in=missing)) if missing else [])
            return
        since = max(self.ids, default=0)
        wanted = newest.filter(asset_id__gt=since).values("asset_id")[:MOST]
        for start in range(0, MOST, 2_000):
            some = _read(rows.filter(asset_id__in=wanted).order_by("asset_id")[start : start + 2_000])
            self._append(some)
            if len(some) < 2_000:
                return

    def _append(self, rows: Iterable[tuple[int, Keys]]) -> None:
        for pk, keys in sorted(rows, key=lambda row: row[0]):
            if pk not in self.ids:
                self.index.add(pk, keys)
                self.ids.add(pk)


@lru_cache(maxsize=MOST_PROJECTS)
def _newest_of(_project_id: int) -> Newest:
    return Newest()


def newest(project_id: int) -> CornerIndex:
    """Return the corners of the project's newest pictures, as they are now."""
    known = _newest_of(project_id)
    known.read_on(AssetCorners.objects.filter(project_id=project_id))
    return known.index
