"""What applying settings would do with the images, by the rules of applying itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curation.models import Asset, Consensus
from curation.services.consensus.answers import sliced
from curation.services.consensus.lab import Desk, Trial
from curation.services.consensus.moving import looked_up, where_to


@dataclass(frozen=True, slots=True)
class Effect:
    """Counts of images; where the desk holds a sample they are estimates for all."""

    comes_back: int
    leaves: int
    sorted_again: int
    decided: int
    frozen: int
    is_estimate: bool


def effect(on: Desk, tried: Trial) -> Effect:
    """Count the moves that the trial's outcomes would cause now. Nothing is moved."""
    image_of = {sheet.asset_id: sheet.image.image for sheet in on.sheets}
    counts: Counter[str] = Counter()
    for ids in sliced(list(image_of)):
        counts.update(_moves(on, tried, image_of, ids))

    def of_all(name: str) -> int:
        return round(counts[name] * on.total / len(on.sheets)) if on.sheets else 0

    return Effect(
        comes_back=of_all("came_back"),
        leaves=of_all("left"),
        sorted_again=of_all("sorted_again"),
        decided=of_all("kept_person"),
        frozen=of_all("kept_frozen"),
        is_estimate=on.is_sample,
    )


def _moves(on: Desk, tried: Trial, image_of: Mapping[int, str], ids: Sequence[int]) -> Counter[str]:
    assets = Asset.objects.filter(pk__in=ids).select_related("stage").in_bulk()
    current = Consensus.objects.filter(stage=on.stage, asset_id__in=ids, is_current=True)
    counts: Counter[str] = Counter()
    for image in looked_up([(assets[row.asset_id], row) for row in current]):
        outcome = tried.outcomes[image_of[image.asset.pk]]
        where = where_to(image, outcome, on.stage, tried.settings)
        counts[where] += bool(where)
    return counts
