"""Which earlier pictures of a project a new one may be compared with, and reading them for many at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from django.db.models import Case, F, Q, When

from crowd.models import Assignment
from curation.models import Asset
from curation.models.asset import AssetQuerySet
from curation.services.assets.reasons import ERASED
from curation.services.cuts import CUTS

MOST_COMPARED = 12
MOST_VOTED = 6
USELESS = ("unreadable", "template_copy")
POOR = ("low_resolution", *(cut.reason for cut in CUTS))
HIDING = frozenset({*USELESS, *POOR})
"""Reasons for which a picture may take no part: of anybody, or of the worker who sends it again, better."""
REJECTED = Assignment.State.REJECTED


def earlier_than(asset: Asset) -> AssetQuerySet:
    """Pictures sent before this one; unreadable ones and copies of an example take no part.

    Nor do the worker's own that were rejected as poor: whoever sends such a photo again, better, does what he was
    asked to. What was paid and taken out later does take part, or it would be paid twice.
    """
    others = _of_project(asset.project_id).filter(pk__lt=asset.pk)
    return others if asset.worker_id is None else others.exclude(_rejected_as_poor(), worker_id=asset.worker_id)


def _of_project(project_id: int) -> AssetQuerySet:
    return Asset.objects.filter(project_id=project_id).exclude(reason__in=USELESS)


def _rejected_as_poor() -> Q:
    rejected = Q(answer__assignment__state=REJECTED) | Q(parent__answer__assignment__state=REJECTED)
    return Q(rejected, state=Asset.State.DROPPED, reason__in=POOR)


def is_erased(asset: Asset) -> bool:
    """Say whether a picture that was read some moments ago has been erased since."""
    return Asset.objects.filter(pk=asset.pk, reason=ERASED).exists()


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pictures that may show what a new one shows, the likest first: near by hash, or only by corners (mirrored?)."""

    near: Sequence[int] = ()
    voted: Mapping[int, bool] = field(default_factory=dict)


class Earlier:
    """Reads the candidates of many pictures together, and one again when `forget` says that it was decided on."""

    def __init__(self, candidates: Mapping[Asset, Candidates]) -> None:
        self._candidates = candidates
        self._read: _Read | None = None

    def near(self, asset: Asset) -> list[Asset]:
        known = self._known()
        return known.rows_of(known.near(asset, self._of(asset)))

    def voted(self, asset: Asset) -> list[tuple[Asset, bool]]:
        """Return those found by corners, and whether each is mirrored."""
        known, its = self._known(), self._of(asset)
        return [(other, its.voted[other.pk]) for other in known.rows_of(known.voted(asset, its))]

    def may_show(self, asset: Asset, other: Asset) -> bool:
        """Tell whether another picture is among the candidates of this one; one of a video may be by its others."""
        its = self._of(asset)
        return other.parent_id is not None or other.pk in its.near or other.pk in its.voted

    def forget(self, asset: Asset) -> None:
        """Read this one anew, should it be asked for: a decision may have changed whether it takes part."""
        if self._read is not None:
            self._read.again(asset)

    def _of(self, asset: Asset) -> Candidates:
        return self._candidates.get(asset, Candidates())

    def _known(self) -> "_Read":
        if self._read is None:
            self._read = _Read.of(self._candidates)
        return self._read


@dataclass(slots=True)
class _Read:
    """Which candidates take part, by id: the worker for whose pictures they do not, if any; and the likest of them."""

    there: AssetQuerySet
    ids: Set[int]
    not_for: dict[int, int | None] = field(default_factory=dict)
    rows: dict[int, Asset] = field(default_factory=dict)

    @classmethod
    def of(cls, candidates: Mapping[Asset, Candidates]) -> "_Read":
        ids = {pk for its in candidates.values() for pk in (*its.near, *its.voted)}
        if not ids:
            return cls(Asset.objects.none(), ids)
        known = cls(_of_project(next(iter(candidates)).project_id).filter(preview__isnull=False), ids)
        known.not_for |= known.taking_part(Q(pk__in=ids))
        first = {pk for one, its in candidates.items() for pk in (*known.near(one, its), *known.voted(one, its))}
        known.rows_of(first)
        return known

    def taking_part(self, asked: Q) -> dict[int, int | None]:
        excused = Case(When(_rejected_as_poor(), then=F("worker_id")), default=None)
        return dict(self.there.filter(asked).annotate(not_for=excused).values_list("pk", "not_for"))

    def again(self, asset: Asset) -> None:
        """Read one anew; a frame with the others of its video, which are rejected when none of them is left."""
        if asset.pk not in self.ids and asset.parent_id is None:
            return
        for known in (self.not_for, self.rows):
            known.pop(asset.pk, None)
        together = Q(pk=asset.pk) if asset.parent_id is None else Q(parent=asset.parent_id)
        self.not_for |= {pk: worker for pk, worker in self.taking_part(together).items() if pk in self.ids}

    def rows_of(self, ids: Collection[int]) -> list[Asset]:
        """Return candidates in this order; those that were not asked for before are read now."""
        missing = [pk for pk in ids if pk not in self.rows]
        if missing:
            self.rows |= self.there.select_related("preview").in_bulk(missing)
        return [self.rows[pk] for pk in ids if pk in self.rows]

    def near(self, asset: Asset, its: Candidates) -> list[int]:
        return self._taking_part(asset, its.near)[:MOST_COMPARED]

    def voted(self, asset: Asset, its: Candidates) -> list[int]:
        return self._taking_part(asset, its.voted)[:MOST_VOTED]

    def _taking_part(self, asset: Asset, ids: Iterable[int]) -> list[int]:
        return [pk for pk in ids if pk < asset.pk and self._takes_part(pk, asset.worker_id)]

    def _takes_part(self, pk: int, worker_id: int | None) -> bool:
        return pk in self.not_for and (worker_id is None or self.not_for[pk] != worker_id)
