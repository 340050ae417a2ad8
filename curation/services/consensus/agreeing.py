"""From sheets to agreements: the library's methods on many images at once, with what was learnt about the workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregation import Consensus as Agreement
from aggregation import aggregate_many
from curation.models import ConsensusRun, ReliabilityFit, Stage
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
    return aggregate_many(images, for_library(way.settings, way.source), method=way.settings.method)


def fit_for(settings: ConsensusSettings, source: Stage) -> ReliabilityFit | None:
    """Return what is known of the workers, where the method asks for it; nothing is known before the first fit."""
    return latest_fit(source) if settings.method == LEARNING else None


def state_of(fit: ReliabilityFit | None) -> Mapping[str, Any] | None:
    """Return what a fit has learnt, as the library wrote it."""
    return None if fit is None else fit.state


def latest_fit(source: Stage) -> ReliabilityFit | None:
    return ReliabilityFit.objects.filter(stage=source).order_by("-number").first()


def is_out(status: str, settings: ConsensusSettings) -> bool:
    """Whether an image with this outcome stays out of the data set."""
    return status == "drop" and settings.on_drop == "drop"


def reason_of(agreement: Agreement) -> str:
    return f"disagree_{agreement.reason}" if agreement.reason else "disagree"
