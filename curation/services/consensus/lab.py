"""The lab's desk: a stage's stored answers, what stands about them now, and what other settings would make of them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from django.db.models import Count, Max

from aggregation import BadInput, Box, BoxSettings, ImageAnswers, ReliabilityState
from aggregation import Consensus as Agreement
from curation.models import Annotation, Consensus, ConsensusBox, ConsensusRun, Review, Stage
from curation.services.consensus import agreeing, answers, buying, fits, gold
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
from curation.services.consensus.prices import dearest_answer
from curation.services.consensus.settings import (
    GIVEN,
    LEARNING,
    USUAL_ANSWERS,
    ConsensusSettings,
    for_library,
    read,
    source_of,
)

WHOLE = 3_000  # up to so many images all are tried
SAMPLE = 2_000
# Leaving answers out is tried in every way, so each answer beyond three doubles the work on an image.
MOST_WORK = 8_000  # 2,000 images with 5 answers, 500 with 7
CURVE_WORK = 2_000  # nine times over
REPLAY_WORK = 2_000
SEED = 1


@dataclass(frozen=True, slots=True)
class Affairs:
    """All that the desk depends on; what is kept for other affairs is not shown. `price_micro`: of one more answer."""

    price_micro: int
    others: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers about all images of a stage, or about a sample, in an order drawn by lot; and what stands about them.

    `standing` is the machine's latest result by image, also where a person's boxes took its place. Images whose
    answers are not added up yet are no part of it, unless there are no others: `waiting` counts them.
    """

    stage: Stage
    source: Stage
    sheets: Sequence[answers.Sheet]
    standing: Mapping[str, Outcome]
    total: int
    waiting: int
    affairs: Affairs

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
        return sum(outcome.next_step == "buy" for outcome in self.outcomes.values())


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
    return _trial(on.stage.pk, on.affairs, _verdicts(on, settings), settings)


def curve_of(on: Desk, settings: ConsensusSettings) -> tuple[Sequence[Point], int]:
    """Return the shares over the least IoU, and on how many images they were counted."""
    at_any_iou = settings.model_copy(update={"iou": BoxSettings().iou})
    return _curve(on.stage.pk, on.affairs, _verdicts(on, settings), at_any_iou)


def _state_of_affairs(stage: Stage) -> Affairs:
    source = source_of(stage)
    said = Annotation.objects.filter(stage=source).aggregate(
        last=Max("pk"), discarded=Max("discarded_at"), aside=Count("discarded_at")
    )
    made = Consensus.objects.filter(stage=stage).aggregate(last=Max("pk"))
    run = ConsensusRun.objects.filter(stage=stage).order_by("-number").values_list("pk", "state").first()
    fit = agreeing.latest_fit(source)
    asked = json.dumps([source.settings, stage.settings], sort_keys=True)
    return Affairs(dearest_answer(source), (source.pk, asked, *said.values(), made["last"], run, fit and fit.pk))


def _verdicts(on: Desk, settings: ConsensusSettings) -> int:
    """Return which verdicts there are, an undone one included, where a method learns from them; else nothing."""
    if settings.method != LEARNING:
        return 0
    return Review.objects.filter(project_id=on.stage.project_id).aggregate(last=Max("pk"))["last"] or 0


@lru_cache(maxsize=4)
def _desk(stage_id: int, affairs: Affairs) -> Desk:
    stage = Stage.objects.get(pk=stage_id)
    source = source_of(stage)
    answered = answers.answered(source)
    ids = sorted(_with_a_result(stage).intersection(answered)) or answered
    chosen = ids if len(ids) <= WHOLE else answers.sample(ids, SAMPLE)
    sheets = [sheet for some in answers.sliced(chosen) for sheet in answers.sheets(source, some)]
    sheets.sort(key=lambda sheet: lot(sheet.image.image, SEED))
    sheets = _affordable(sheets, MOST_WORK)
    return Desk(stage, source, sheets, _standing(stage, sheets), len(ids), len(answered) - len(ids), affairs)


def _with_a_result(stage: Stage) -> set[int]:
    return set(Consensus.objects.filter(stage=stage).exclude(method__in=GIVEN).values_list("asset_id", flat=True))


def _affordable(sheets: Sequence[answers.Sheet], work: int) -> list[answers.Sheet]:
    """Return the first of them, all if that is no more work than asked for."""
    efforts = accumulate(2 ** max(0, len(sheet.image.annotations) - 3) for sheet in sheets)
    return [sheet for sheet, effort in zip(sheets, efforts, strict=True) if effort <= work] or list(sheets[:1])


def _images(sheets: Sequence[answers.Sheet], work: int) -> list[ImageAnswers]:
    return [sheet.image for sheet in _affordable(sheets, work)]


def _standing(stage: Stage, sheets: Sequence[answers.Sheet]) -> dict[str, Outcome]:
    image_of = {sheet.asset_id: sheet.image for sheet in sheets}
    rows = (
        Consensus.objects.filter(stage=stage, asset_id__in=image_of)
        .exclude(method__in=GIVEN)
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
        next_step=row.next_step,
    )


def _first_no(trace: Sequence[object]) -> str:
    """Return the hard question that the sentences answer with no, as in "hard.count: no, 2 2 1 boxes"."""
    for step in trace:
        head, _, tail = str(step).partition(": ")
        if head.startswith("hard.") and tail.startswith("no"):
            return head.removeprefix("hard.")
    return ""


@lru_cache(maxsize=8)
def _trial(stage_id: int, affairs: Affairs, verdicts: int, settings: ConsensusSettings) -> Trial:
    on = _desk(stage_id, affairs)
    results = _advised(on, settings, verdicts)(on.images, _options(on, settings))
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
def _curve(stage_id: int, affairs: Affairs, verdicts: int, settings: ConsensusSettings) -> tuple[Sequence[Point], int]:
    on = _desk(stage_id, affairs)
    images = _images(on.sheets, CURVE_WORK)
    return curve(images, _options(on, settings), _combining(on, settings, verdicts)), len(images)


def replayed(on: Desk, settings: ConsensusSettings) -> Bought:
    """Replay the stored answers in their order: how many the buying rule would have taken."""
    start = int(on.source.settings.get("overlap", USUAL_ANSWERS))
    resolve = _advised(on, settings, _verdicts(on, settings))
    return bought(_images(on.sheets, REPLAY_WORK), _options(on, settings), resolve, start=start)


def right(on: Desk, tried: Trial, truth: Mapping[str, Sequence[Box]]) -> Right:
    """Count the images that agree with what a person decided, as they stand and in the trial."""
    known = [name for name in tried.outcomes if name in truth and name in on.standing]
    return Right(
        known=len(known),
        before=sum(is_right(on.standing[name], truth[name]) for name in known),
        after=sum(is_right(tried.outcomes[name], truth[name]) for name in known),
    )


def _options(on: Desk, settings: ConsensusSettings) -> BoxSettings:
    return for_library(settings, on.source)


def _combining(on: Desk, settings: ConsensusSettings, verdicts: int) -> Resolve:
    """Return the method as it would be applied now, with what is known, or could be learnt, of the workers."""
    learns = settings.method == LEARNING
    state = _learnt(on.stage.pk, on.affairs, verdicts) if learns else ReliabilityState()

    def resolve(images: Sequence[ImageAnswers], options: BoxSettings) -> Sequence[Agreement]:
        return agreeing.combine(images, options, settings.method, state)

    return resolve


def _advised(on: Desk, settings: ConsensusSettings, verdicts: int) -> Resolve:
    """Return the same with what is to be bought next, where the price of an answer decides that."""
    combine = _combining(on, settings, verdicts)
    terms = buying.terms_of(_way(on, settings))

    def resolve(images: Sequence[ImageAnswers], options: BoxSettings) -> Sequence[Agreement]:
        return [buying.advised(agreement, terms) for agreement in combine(images, options)]

    return resolve


def _way(on: Desk, settings: ConsensusSettings) -> agreeing.Way:
    run = ConsensusRun(stage=on.stage, method=settings.method, settings=settings.model_dump())
    return agreeing.Way(run, on.stage, on.source, settings, fit=None)


@lru_cache(maxsize=4)
def _learnt(stage_id: int, affairs: Affairs, _verdicts: int) -> ReliabilityState:
    """Return the latest fit; one over the desk where a new one is due, or another library has written the latest."""
    on = _desk(stage_id, affairs)
    if not fits.is_due(on.source):
        with suppress(BadInput):
            return agreeing.state_of(agreeing.latest_fit(on.source))
    options = _options(on, read(on.stage.settings))
    return fits.learn(on.images, options, on.source, gold.known_boxes(on.source))
