"""The lab's desk: a stage's stored answers, what stands about them now, and what other settings would make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Max

from aggregation import Box, BoxSettings, ImageAnswers, aggregate_many
from aggregation import Consensus as Agreement
from crowd.models import Batch
from crowd.services.publishing import most_per_page
from curation.models import Annotation, Consensus, ConsensusBox, ConsensusRun, Stage
from curation.services.consensus import agreeing, answers
from curation.services.consensus.lab_trial import (
    Bought,
    Change,
    Drawn,
    Outcome,
    Point,
    Resolve,
    Summary,
    bought,
    changes,
    curve,
    is_right,
    lot,
    outcome_of,
    summary,
)
from curation.services.consensus.settings import ConsensusSettings, for_library, source_of

WHOLE = 3_000  # up to so many images all are tried
SAMPLE = 2_000
CURVE_IMAGES = 500
REPLAYED = 500
SEED = 1


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers about all images of a stage, or about a sample, in an order drawn by lot; and what stands about them.

    `standing` is the machine's latest result by image, also where a person's boxes took its place.
    """

    stage: Stage
    source: Stage
    sheets: Sequence[answers.Sheet]
    standing: Mapping[str, Outcome]
    total: int
    affairs: "_Affairs"

    @property
    def is_sample(self) -> bool:
        return len(self.sheets) < self.total

    @property
    def images(self) -> list[ImageAnswers]:
        return [sheet.image for sheet in self.sheets]


@dataclass(frozen=True, slots=True)
class Trial:
    """What settings make of the answers on the desk, beside what stands."""

    settings: ConsensusSettings
    outcomes: Mapping[str, Outcome]
    after: Summary
    before: Summary
    changed: Sequence[Change]

    @property
    def wants_more(self) -> int:
        """Return the images for which one more answer would be asked."""
        return sum(outcome.wants_more for outcome in self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Right:
    """Of the images whose boxes a person decided: how many are right, as they stand and in a trial."""

    known: int
    before: int
    after: int


def desk(stage: Stage) -> Desk:
    """Lay out a stage's answers; they stay laid out in this process until an answer or a result is added."""
    return _desk(stage.pk, _state_of_affairs(stage))


def trial(on: Desk, settings: ConsensusSettings) -> Trial:
    """Add up all answers on the desk under these settings; nothing is stored."""
    return _trial(on.stage.pk, on.affairs, settings)


def curve_of(on: Desk, settings: ConsensusSettings) -> tuple[Sequence[Point], int]:
    """Return the shares over the least IoU, and on how many images they were counted."""
    return _curve(on.stage.pk, on.affairs, settings.model_copy(update={"iou": BoxSettings().iou}))


_Affairs = tuple[object, ...]


def _state_of_affairs(stage: Stage) -> _Affairs:
    source = source_of(stage)
    said = Annotation.objects.filter(stage=source).aggregate(last=Max("pk"), discarded=Max("discarded_at"))
    made = Consensus.objects.filter(stage=stage).aggregate(last=Max("pk"))
    run = ConsensusRun.objects.filter(stage=stage).order_by("-number").values_list("pk", "state").first()
    fit = agreeing.latest_fit(source)
    return source.pk, said["last"], said["discarded"], made["last"], run, fit and fit.pk


@lru_cache(maxsize=4)
def _desk(stage_id: int, affairs: _Affairs) -> Desk:
    stage = Stage.objects.get(pk=stage_id)
    source = source_of(stage)
    ids = answers.answered(source)
    chosen = ids if len(ids) <= WHOLE else answers.sample(ids, SAMPLE)
    sheets = [sheet for some in answers.sliced(chosen) for sheet in answers.sheets(source, some)]
    sheets.sort(key=lambda sheet: lot(sheet.image.image, SEED))
    return Desk(stage, source, sheets, _standing(stage, sheets), len(ids), affairs)


def _standing(stage: Stage, sheets: Sequence[answers.Sheet]) -> dict[str, Outcome]:
    image_of = {sheet.asset_id: sheet.image for sheet in sheets}
    rows = (
        Consensus.objects.filter(stage=stage, asset_id__in=image_of)
        .exclude(method="person")
        .order_by("asset_id", "-version")
        .distinct("asset_id")
    )
    return outcomes_of(list(rows), {pk: (image.image, image.width, image.height) for pk, image in image_of.items()})


Sizes = Mapping[int, tuple[str, float | None, float | None]]


def outcomes_of(rows: Sequence[Consensus], sizes: Sizes) -> dict[str, Outcome]:
    """Return stored results by image, boxes in pixels. `sizes` names each asset's image, width and height."""
    drawn: dict[int, list[Drawn]] = {row.pk: [] for row in rows}
    size_of = {row.pk: sizes[row.asset_id] for row in rows}
    boxes = ConsensusBox.objects.filter(consensus_id__in=drawn).order_by("consensus_id", "seq")
    for pk, label, x, y, w, h, sure in boxes.values_list("consensus_id", "label", "x", "y", "w", "h", "confidence"):
        _, width, height = size_of[pk]
        right, down = width or 1.0, height or 1.0
        drawn[pk].append(Drawn(x * right, y * down, w * right, h * down, label, sure))
    return {sizes[row.asset_id][0]: _stored(row, tuple(drawn[row.pk])) for row in rows}


def _stored(row: Consensus, boxes: tuple[Drawn, ...]) -> Outcome:
    return Outcome(
        status=row.status,
        boxes=boxes,
        confidence=row.confidence,
        question=_first_no(row.trace),
        reason=row.reason if row.status == Consensus.Status.DROP else "",
        trace=tuple(str(step) for step in row.trace),
        dropped=tuple(str(name) for name in row.dropped),
        lowest_iou=row.lowest_iou,
    )


def _first_no(trace: Sequence[object]) -> str:
    """Return the hard question that the sentences answer with no, as in "hard.count: no, 2 2 1 boxes"."""
    for step in trace:
        head, _, tail = str(step).partition(": ")
        if head.startswith("hard.") and tail.startswith("no"):
            return head.removeprefix("hard.")
    return ""


@lru_cache(maxsize=8)
def _trial(stage_id: int, affairs: _Affairs, settings: ConsensusSettings) -> Trial:
    on = _desk(stage_id, affairs)
    options, resolve = _ready(on, settings)
    results = resolve(on.images, options)
    outcomes = {result.image: outcome_of(result) for result in results}
    both = {name: outcome for name, outcome in outcomes.items() if name in on.standing}
    return Trial(
        settings=settings,
        outcomes=outcomes,
        after=summary(outcomes.values()),
        before=summary(on.standing[name] for name in both),
        changed=changes(on.standing, both),
    )


@lru_cache(maxsize=16)
def _curve(stage_id: int, affairs: _Affairs, settings: ConsensusSettings) -> tuple[Sequence[Point], int]:
    on = _desk(stage_id, affairs)
    options, resolve = _ready(on, settings)
    images = on.images[:CURVE_IMAGES]
    return curve(images, options, resolve), len(images)


def buying(on: Desk, settings: ConsensusSettings) -> Bought:
    """Replay the stored answers in their order: how many the buying rule would have taken."""
    options, resolve = _ready(on, settings)
    start = int(on.source.settings.get("overlap", settings.min_answers))
    return bought(on.images[:REPLAYED], options, resolve, start=start)


def right(on: Desk, tried: Trial, truth: Mapping[str, Sequence[Box]]) -> Right:
    """Count the images that agree with what a person decided, as they stand and in the trial."""
    known = [name for name in tried.outcomes if name in truth and name in on.standing]
    return Right(
        known=len(known),
        before=sum(is_right(on.standing[name], truth[name]) for name in known),
        after=sum(is_right(tried.outcomes[name], truth[name]) for name in known),
    )


def price_of_answer(source: Stage) -> int:
    """Return what one more answer costs at most, in micro-dollars: the dearest page with its fee over its tasks."""
    batches = Batch.objects.filter(stage_id=source.pk, kind=Batch.Kind.MAIN).select_related("account")
    return max(
        (most_per_page(batch) // max(1, batch.page_size - batch.control_per_page) for batch in batches), default=0
    )


def _ready(on: Desk, settings: ConsensusSettings) -> tuple[BoxSettings, Resolve]:
    def resolve(images: Sequence[ImageAnswers], options: BoxSettings) -> Sequence[Agreement]:
        return aggregate_many(images, options, method=settings.method)

    return for_library(settings, on.source), resolve
