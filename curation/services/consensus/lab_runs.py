"""The runs of a stage as the lab lists and compares them: what each made of the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Count

from curation.models import Consensus, ConsensusRun
from curation.services.consensus import answers
from curation.services.consensus.lab import SAMPLE, SEED, WHOLE, Affairs, Desk, outcomes_of
from curation.services.consensus.lab_trial import Change, Summary, changes, lot, summary
from curation.services.consensus.settings import source_of

MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A run with the results that were stored under it, counted by status."""

    run: ConsensusRun
    statuses: dict[str, int]

    @property
    def images(self) -> int:
        return sum(self.statuses.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the images that both have a result about; `sheets` hold what people drew."""

    before: Summary
    after: Summary
    changed: Sequence[Change]
    sheets: Sequence[answers.Sheet]
    total: int

    @property
    def is_sample(self) -> bool:
        return len(self.sheets) < self.total


def history(on: Desk) -> Sequence[Told]:
    """Return the latest runs; they are counted again only after an answer or a result was added."""
    return _history(on.stage.pk, on.affairs)


@lru_cache(maxsize=16)
def _history(stage_id: int, _affairs: Affairs) -> Sequence[Told]:
    rows = ConsensusRun.objects.filter(stage_id=stage_id).select_related("by").order_by("-number")
    runs = list(rows[:MOST_RUNS])
    latest = Consensus.objects.filter(run__in=runs).order_by("run_id", "asset_id", "-version")
    latest = latest.distinct("run_id", "asset_id")
    counted: dict[int, dict[str, int]] = {run.pk: {} for run in runs}
    results = Consensus.objects.filter(pk__in=latest.values("pk")).order_by()
    for run_id, status, n in results.values_list("run_id", "status").annotate(n=Count("pk")):
        counted[run_id][status] = n
    return [Told(run, counted[run.pk]) for run in runs]


def compare(first: ConsensusRun, second: ConsensusRun) -> Comparison:
    """Put the latest results of two runs of a stage side by side; of very many images a sample."""
    ids = sorted(set(_assets(first)) & set(_assets(second)))
    chosen = ids if len(ids) <= WHOLE else answers.sample(ids, SAMPLE)
    source = source_of(first.stage)
    sheets = [sheet for some in answers.sliced(chosen) for sheet in answers.sheets(source, some)]
    sheets.sort(key=lambda sheet: lot(sheet.image.image, SEED))
    sizes = {sheet.asset_id: (sheet.image.image, sheet.image.width, sheet.image.height) for sheet in sheets}
    before, after = (outcomes_of(_latest(run, chosen), sizes) for run in (first, second))
    return Comparison(summary(before.values()), summary(after.values()), changes(before, after), sheets, len(ids))


def _assets(run: ConsensusRun) -> list[int]:
    return list(Consensus.objects.filter(run=run).values_list("asset_id", flat=True).distinct())


def _latest(run: ConsensusRun, asset_ids: Sequence[int]) -> list[Consensus]:
    rows = Consensus.objects.filter(run=run, asset_id__in=asset_ids).order_by("asset_id", "-version")
    return list(rows.distinct("asset_id"))
