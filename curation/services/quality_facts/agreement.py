"""How far annotators agree before anybody decides who is right: boxes of an aggregate stage, labels of a check."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregation import Vote
from aggregation.agreement import Agreement, BoxAgreement, label_agreement
from curation.models import Annotation, Project, Stage
from curation.services.consensus import answers
from curation.services.consensus.settings import for_library, read, source_of

MOST_IMAGES = 2_000
MOST_VOTES = 20_000


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """Agreement over `images` of the `of` that were answered; more than 2,000 are represented by a sample.

    `workers` says who is meant by the names in the report.
    """

    images: int
    of: int
    report: Agreement
    workers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LabelFigures:
    title: str
    report: Agreement


def agreement_of_boxes(stage: Stage) -> BoxFigures | None:
    """Compare the annotators that an aggregate stage adds up; None while there is nothing to compare."""
    source = source_of(stage)
    ids = answers.answered(source)
    if not ids:
        return None
    collected = BoxAgreement(for_library(read(stage.settings), source))
    workers: dict[str, int] = {}
    chosen = answers.sample(ids, MOST_IMAGES)
    for some in answers.sliced(chosen):
        for sheet in answers.sheets(source, some):
            collected.add(sheet.image)
            workers |= sheet.workers
    return BoxFigures(len(chosen), len(ids), collected.report(), workers)


def agreement_of_labels(project: Project) -> list[LabelFigures]:
    """Compare the workers of each stage that asks for a label, over its latest 20,000 votes."""
    found = [(stage, _votes(stage)) for stage in project.stages.all() if stage.kind == "validate"]
    return [LabelFigures(stage.title, label_agreement(votes)) for stage, votes in found if votes]


def _votes(stage: Stage) -> list[Vote]:
    rows = Annotation.objects.filter(stage=stage, kind=Annotation.Kind.LABEL, discarded_at__isnull=True)
    latest = rows.order_by("-id").values_list("asset_id", "worker_id", "label")[:MOST_VOTES]
    return [Vote(task=str(asset_id), worker=str(worker_id), label=label) for asset_id, worker_id, label in latest]
