"""From sheets to agreements: the library's methods on many images at once, with what was learnt about the workers."""

from collections.abc import Sequence
from dataclasses import dataclass

from aggregation import BoxSettings, ImageAnswers, ReliabilityState, aggregate_many, resolve_reliability, with_outlines
from aggregation import Consensus as Agreement
from curation.models import Consensus, ConsensusRun, ReliabilityFit, Stage
from curation.services.consensus import runs
from curation.services.consensus.answers import Sheet
from curation.services.consensus.settings import LEARNING, ConsensusSettings, for_library


@dataclass(frozen=True, slots=True)
class Way:
    """How answers are added up under a run: whose answers, by which settings, with what is known of the workers."""

    run: ConsensusRun
    stage: Stage
    source: Stage
    settings: ConsensusSettings
    fit: ReliabilityFit | None


def way_of(run: ConsensusRun) -> Way:
    settings = runs.settings_of(run)
    source = Stage.objects.get(project_id=run.project_id, name=settings.source)
    return Way(run, run.stage, source, settings, fit_for(settings, source))


def agree(*, way: Way, sheets: Sequence[Sheet]) -> list[Agreement]:
    """Add up the answers of each image. Pure: the same way and sheets give the same agreements."""
    images = [sheet.image for sheet in sheets]
    return combine(images, for_library(way.settings, way.source), way.settings.method, state_of(way.fit))


def combine(
    images: Sequence[ImageAnswers], options: BoxSettings, method: str, state: ReliabilityState
) -> list[Agreement]:
    """Return one agreement an image; only the method that learns looks at what is known of the workers."""
    if method == LEARNING:
        agreed = resolve_reliability(images, state, options)
    else:
        agreed = aggregate_many(images, options, method=method)
    return [with_outlines(one, image, options) for one, image in zip(agreed, images, strict=True)]


def fit_for(settings: ConsensusSettings, source: Stage) -> ReliabilityFit | None:
    """Return what is known of the workers, where the method asks for it; nothing is known before the first fit."""
    return latest_fit(source) if settings.method == LEARNING else None


def state_of(fit: ReliabilityFit | None) -> ReliabilityState:
    """Return what a fit has learnt, as the library wrote it; before the first one nothing is known of anybody."""
    return ReliabilityState() if fit is None else ReliabilityState.from_json(fit.state)


def latest_fit(source: Stage) -> ReliabilityFit | None:
    """Return the newest fit that the library of today can read; after an upgrade there may be none at first."""
    readable = ReliabilityFit.objects.filter(stage=source, state__version=ReliabilityState.VERSION)
    return readable.order_by("-number").first()


def is_out(status: str, settings: ConsensusSettings) -> bool:
    """Whether an image with this outcome stays out of the data set."""
    return status == "drop" and settings.on_drop == "drop"


def reason_of(agreement: Agreement | Consensus) -> str:
    """Return why an image on which nobody agreed leaves."""
    return f"disagree_{agreement.reason}" if agreement.reason else "disagree"
