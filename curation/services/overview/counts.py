"""How many assets stand where: one grouped query, from which funnel, facets and badges are added up."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count

from curation.models import Asset, Project

SECONDS = 60
BIG = 50_000


@dataclass(frozen=True, slots=True)
class Place:
    """Assets of one class that stand at one stage in one state for one reason."""

    stage_id: int
    state: str
    reason: str
    class_id: int | None
    n: int


@dataclass(frozen=True, slots=True)
class AssetCounts:
    places: tuple[Place, ...]

    def sum(
        self,
        *,
        stages: Iterable[int] | None = None,
        states: Iterable[str] | None = None,
        reason: str | None = None,
        class_id: int | None = None,
    ) -> int:
        """Add up the places that fit everything given."""
        at = None if stages is None else frozenset(stages)
        being = None if states is None else frozenset(states)
        return sum(
            place.n
            for place in self.places
            if (at is None or place.stage_id in at)
            and (being is None or place.state in being)
            and (reason is None or place.reason == reason)
            and (class_id is None or place.class_id == class_id)
        )

    @property
    def total(self) -> int:
        return self.sum()

    @property
    def published(self) -> int:
        return self.sum(states=[Asset.State.PUBLISHED])


def asset_counts(*, project: Project) -> AssetCounts:
    """Count a project's assets. The answer is kept for its version; a big project's for a minute whatever happens."""
    keys = [f"asset-counts:{project.pk}:{project.version}", f"asset-counts:{project.pk}"]
    kept: dict[str, AssetCounts] = cache.get_many(keys)
    for found in kept.values():
        return found
    counts = _count(project)
    cache.set(keys[1] if counts.total > BIG else keys[0], counts, SECONDS)
    return counts


def _count(project: Project) -> AssetCounts:
    rows = (
        Asset.objects.filter(project=project)
        .order_by()
        .values_list("stage_id", "state", "reason", "label_class_id")
        .annotate(n=Count("id"))
    )
    return AssetCounts(tuple(Place(*row) for row in rows))
