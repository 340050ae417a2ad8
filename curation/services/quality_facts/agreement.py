"""How far annotators agree before anybody decides who is right: boxes of an aggregate stage, labels of a check."""

from dataclasses import dataclass

from aggregation import Vote
from aggregation.agreement import Agreement, BoxAgreement, label_agreement
from crowd.models import Worker
from curation.models import Annotation, Stage
from curation.services.consensus import answers
from curation.services.consensus.settings import for_library, read, source_of

MOST_IMAGES = 2_000
MOST_VOTES = 20_000


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """Agreement over `images` of the `of` that were answered; more than 2,000 are represented by a sample."""

    images: int
    of: int
    report: Agreement


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
    chosen = answers.sample(ids, MOST_IMAGES)
    for some in answers.sliced(chosen):
        for sheet in answers.sheets(source, some):
            collected.add(sheet.image)
    return BoxFigures(len(chosen), len(ids), collected.report())


def agreement_of_labels(project_id: int) -> list[LabelFigures]:
    """Compare the workers of each stage that asks for a label, over its latest 20,000 votes."""
    stages = Stage.objects.filter(project_id=project_id, kind="validate").order_by("position")
    found = [(stage, _votes(stage)) for stage in stages]
    return [LabelFigures(stage.title, label_agreement(votes)) for stage, votes in found if votes]


def _votes(stage: Stage) -> list[Vote]:
    rows = Annotation.objects.filter(stage=stage, kind=Annotation.Kind.LABEL, discarded_at__isnull=True)
    latest = rows.order_by("-id").values_list("asset_id", "worker_id", "label")[:MOST_VOTES]
    return [Vote(task=str(asset_id), worker=str(worker_id), label=label) for asset_id, worker_id, label in latest]


def ids_of_workers(project_id: int) -> dict[str, int]:
    """Return the workers of a project's answers by the name that agreement knows them by."""
    answered = Annotation.objects.filter(project_id=project_id).order_by().values("worker_id").distinct()
    return {worker.short_id: worker.pk for worker in Worker.objects.filter(pk__in=answered)}
