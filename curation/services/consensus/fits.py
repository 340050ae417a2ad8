"""Fits: what the reliability model has learnt about the people of a stage, refitted as answers and verdicts come in."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from aggregation import Box, BoxSettings, ImageAnswers, ReliabilityState, fit_reliability
from curation.models import Annotation, Job, ReliabilityFit, Stage
from curation.services import jobs
from curation.services.consensus import answers, gold, skills
from curation.services.consensus.agreeing import latest_fit
from curation.services.consensus.refitting import ask_for_refit
from curation.services.consensus.settings import ConsensusSettings, for_library, read

LEAST_IMAGES = 30
GROWN_BY, GROWN_SHARE = 200, 0.2
NEW_KNOWN = 20
MOST_IMAGES = 20_000  # what one process can hold; of more, a sample that is the same every time


def wake(source: Stage, *, inline: bool, now: datetime) -> None:
    """Have a job see whether enough has come in since the last fit, at most once a minute.

    A driver on a virtual clock has no jobs: it fits at once, where a method asks for it.
    """
    if jobs.is_moved_by_hand():
        if inline and is_due(source):
            refit(source=source, now=now)
        return
    ask_for_refit(source, now)


def is_due(source: Stage) -> bool:
    """Whether there are 30 images, and 200 answers, a fifth more or 20 known images more than at the last fit."""
    counted = Annotation.objects.filter(stage=source, discarded_at__isnull=True)
    n, last = counted.count(), latest_fit(source)
    if last is not None:
        grown = n - last.answers >= min(GROWN_BY, GROWN_SHARE * last.answers)
        return grown or gold.known_since(source, last.created_at) >= NEW_KNOWN
    return n >= LEAST_IMAGES and counted.values("asset_id").distinct().count() >= LEAST_IMAGES


def refit(*, source: Stage, now: datetime) -> ReliabilityFit:
    """Learn from all answers of a stage and from what is known to be true; store the fit and the workers' skills."""
    images = _images(source)
    known = gold.known_boxes(source)
    state = learn(images, for_library(_settings(source), source), source, known)
    fit = _store(source, state.to_json(), images, known, now)
    skills.publish(source=source, known=state.skills(), now=now)
    return fit


def learn(
    images: Sequence[ImageAnswers], options: BoxSettings, source: Stage, known: Mapping[str, tuple[Box, ...]]
) -> ReliabilityState:
    """Learn from answers and verdicts; how far promises hold, from verdicts about images drawn by chance alone."""
    sampled, refuted = gold.sampled_images(source), gold.refuted_images(source)
    return fit_reliability(images, options, known=known, sampled=sampled, refuted=refuted)


def _images(source: Stage) -> list[ImageAnswers]:
    chosen = answers.sample(answers.answered(source), MOST_IMAGES)
    return [sheet.image for some in answers.sliced(chosen) for sheet in answers.sheets(source, some)]


def _settings(source: Stage) -> ConsensusSettings:
    """Return the settings of the stage that adds these answers up; what it groups is what is learnt from."""
    stages = Stage.objects.filter(project_id=source.project_id, kind="aggregate").order_by("position")
    found = (read(stage.settings) for stage in stages)
    return next((one for one in found if one.source == source.name), ConsensusSettings())


@transaction.atomic
def _store(
    source: Stage,
    state: Mapping[str, object],
    images: list[ImageAnswers],
    known: Mapping[str, tuple[Box, ...]],
    now: datetime,
) -> ReliabilityFit:
    Stage.objects.select_for_update().get(pk=source.pk)
    last = ReliabilityFit.objects.filter(stage=source).aggregate(n=Max("number"))["n"] or 0
    return ReliabilityFit.objects.create(
        project_id=source.project_id,
        stage=source,
        number=last + 1,
        state=dict(state),
        images=len(images),
        answers=Annotation.objects.filter(stage=source, discarded_at__isnull=True).count(),
        known=sum(image.image in known for image in images),
        created_at=now,
    )


def run_refit(job: Job, now: datetime) -> None:
    """Job: refit a stage, once more where it has grown meanwhile."""
    source = Stage.objects.filter(pk=job.payload["stage_id"]).first()
    if source is not None and is_due(source):
        refit(source=source, now=now)
