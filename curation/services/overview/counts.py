"""How many assets stand where, from which funnel, facets and badges are added up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Key
from curation.models import Asset, Project

WORD = "assets."


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
    """Read a project's counts of assets, exact however many there are."""
    ids = [stage.pk for stage in project.stages.all()]
    return counts_of(tallies.totals(Key(Of.STAGE, pk, WORD) for pk in ids))


def counts_of(totals: Mapping[tuple[str, int], Mapping[str, int]]) -> AssetCounts:
    """Read the counts of stages."""
    return AssetCounts(
        tuple(
            _place(of_id, word, n)
            for (kind, of_id), words in totals.items()
            if kind == Of.STAGE
            for word, n in words.items()
            if word.startswith(WORD)
        )
    )


def _place(stage_id: int, word: str, n: int) -> Place:
    """Read `assets.STATE.CLASS.REASON`."""
    _, state, class_id, reason = word.split(".", 3)
    return Place(stage_id, state, reason, int(class_id) or None, n)
