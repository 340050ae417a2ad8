"""What applying settings, or going back, would do with the images, by the rules of applying itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from curation.models import Asset, Consensus, ConsensusRun, Stage
from curation.services.consensus import answers, applying, lab
from curation.services.consensus.agreeing import Way, way_of
from curation.services.consensus.answers import sliced
from curation.services.consensus.buying import agree_and_advise
from curation.services.consensus.lab import Desk, Trial
from curation.services.consensus.lab_trial import outcome_of
from curation.services.consensus.moving import Result, looked_up, where_to
from curation.services.consensus.settings import ConsensusSettings

MOST_COUNTED = 10_000  # a second of the process for every 4,000


@dataclass(frozen=True, slots=True)
class Effect:
    """Counts of images; estimates for all where not every image was looked at."""

    comes_back: int
    leaves: int
    sorted_again: int
    decided: int
    frozen: int
    is_estimate: bool


def effect(on: Desk, tried: Trial) -> Effect:
    """Count the moves that the trial's outcomes would cause now. Nothing is moved."""
    results = {sheet.asset_id: tried.outcomes[sheet.image.image] for sheet in on.sheets}
    moves = _moves(on.stage, tried.settings, results)
    return _effect([(moves, Fraction(on.total, len(on.sheets) or 1))], is_estimate=on.is_sample)


def effect_of_return(run: ConsensusRun) -> Effect:
    """Count the moves of going back to a run: by its stored results where the answers are the same, as going back does.

    Images whose answers are others by now are added up. Of very many images, or of very many such ones, a sample.
    """
    way = way_of(run)
    every = list(applying.answered_results(way).values_list("asset_id", flat=True))
    ids = answers.sample(every, MOST_COUNTED)
    share = Fraction(len(every), len(ids) or 1)
    stored: dict[int, Result] = {}
    for some in sliced(ids):
        now = answers.inputs(way.source, some)
        rows = Consensus.objects.filter(run=run, asset_id__in=some).defer("trace", "settings").order_by("version")
        then = {row.asset_id: row for row in rows}
        stored |= {pk: row for pk, row in then.items() if list(row.inputs) == now.get(pk)}
    others = [pk for pk in ids if pk not in stored]
    looked_at = answers.sample(others, lab.SAMPLE)
    parts = [
        (_moves(way.stage, way.settings, stored), share),
        (_moves(way.stage, way.settings, _added_up(way, looked_at)), share * len(others) / (len(looked_at) or 1)),
    ]
    return _effect(parts, is_estimate=len(ids) < len(every) or len(looked_at) < len(others))


def _added_up(way: Way, asset_ids: Sequence[int]) -> dict[int, Result]:
    found: dict[int, Result] = {}
    for some in sliced(asset_ids):
        sheets = answers.sheets(way.source, some)
        agreed = agree_and_advise(way=way, sheets=sheets, before={})
        found |= {sheet.asset_id: outcome_of(result) for sheet, result in zip(sheets, agreed, strict=True)}
    return found


def _effect(parts: Sequence[tuple[Counter[str], Fraction]], *, is_estimate: bool) -> Effect:
    """Sum up counts, each times the images that one looked at stands for."""

    def of_all(name: str) -> int:
        return round(sum(counts[name] * stands_for for counts, stands_for in parts))

    return Effect(
        comes_back=of_all("came_back"),
        leaves=of_all("left"),
        sorted_again=of_all("sorted_again"),
        decided=of_all("kept_person"),
        frozen=of_all("kept_frozen"),
        is_estimate=is_estimate,
    )


def _moves(stage: Stage, settings: ConsensusSettings, results: Mapping[int, Result]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for ids in sliced(list(results)):
        assets = Asset.objects.filter(pk__in=ids).select_related("stage").in_bulk()
        current = Consensus.objects.filter(stage=stage, asset_id__in=ids, is_current=True).defer("trace", "settings")
        for image in looked_up([(assets[row.asset_id], row) for row in current]):
            where = where_to(image, results[image.asset.pk], stage, settings)
            counts[where] += bool(where)
    return counts
