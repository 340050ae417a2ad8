"""Corners of pictures, by which crops are found: kept for each picture, looked up among the newest and one's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.db.models import QuerySet

from curation.models import Asset, AssetCorners
from curation.preprocessing.corner_index import CornerIndex, Voted, voted
from curation.preprocessing.voting import Keys, packed, unpacked

MOST = 20_000
"""So many of a project's newest pictures are in memory; older ones of other people are found by their hash alone."""
MOST_OWN = 500
MOST_PROJECTS = 3
LOOKED_BACK = 256

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


def near(*, asset: Asset, both: Both, newest: CornerIndex) -> list[Voted]:
    """Return earlier pictures that share many corners with this one: of its worker, then among the project's newest.

    Pictures of one worker often show one room: there the keys that all of them have count too.
    """
    found = {one.id: one for one in newest.near(*both)}
    if asset.worker_id is not None:
        found |= {one.id: one for one in voted(_own(asset), *both)}
    earlier = [one for one in found.values() if one.id < asset.pk]
    return sorted(earlier, key=lambda one: (-one.votes, one.id))


def _own(asset: Asset) -> list[tuple[int, Keys]]:
    mine = AssetCorners.objects.filter(project_id=asset.project_id, worker_id=asset.worker_id, asset_id__lt=asset.pk)
    return _read(mine.order_by("-asset_id")[:MOST_OWN])


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
