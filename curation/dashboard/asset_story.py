"""Everything that is known about one asset: what happened, who said what, what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery

from crowd.models import Answer, Assignment, Evidence, Worker
from curation.models import Annotation, Asset, Consensus, DatasetItem, Decision, Review, User


@dataclass(frozen=True, slots=True)
class Said:
    """One worker's answer as the page shows it."""

    worker_id: int
    worker: str
    stage: str
    words: str
    discarded: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Evidence against the picture, with what it is compared to."""

    evidence: Evidence
    other: UUID | None
    template_class: str


@dataclass(frozen=True, slots=True)
class Story:
    decisions: Sequence[Decision]
    answers: Sequence[Said]
    consensus: Sequence[Consensus]
    reviews: Sequence[Review]
    versions: Sequence[DatasetItem]
    pairs: Sequence[Pair]
    cost_micro: int

    @property
    def agreed(self) -> Consensus | None:
        """Return the current consensus over boxes, if there is one."""
        return next((row for row in self.consensus if row.is_current and row.status in {"hard", "soft", "drop"}), None)


def story(asset: Asset) -> Story:
    annotations = list(
        Annotation.objects.filter(asset=asset).select_related("stage").prefetch_related("boxes").order_by("id")
    )
    return Story(
        decisions=_decisions(asset),
        answers=_answers(annotations),
        consensus=list(
            Consensus.objects.filter(asset=asset).select_related("stage").prefetch_related("boxes").order_by("-id")
        ),
        reviews=list(Review.objects.filter(asset=asset).select_related("by").order_by("id")),
        versions=list(DatasetItem.objects.filter(asset=asset).select_related("dataset").order_by("dataset__number")),
        pairs=_pairs(asset),
        cost_micro=cost(asset, annotations),
    )


def _decisions(asset: Asset) -> list[Decision]:
    """Return the decisions in order; those made by a person carry the name."""
    people = User.objects.filter(pk=OuterRef("by_id")).values("name")[:1]
    rows = Decision.objects.filter(asset=asset).select_related("stage").annotate(person=Subquery(people)).order_by("id")
    return list(rows)


def _answers(annotations: Sequence[Annotation]) -> list[Said]:
    workers = Worker.objects.in_bulk([row.worker_id for row in annotations])
    return [_said(row, workers.get(row.worker_id)) for row in annotations]


def _said(row: Annotation, worker: Worker | None) -> Said:
    if row.kind == Annotation.Kind.LABEL:
        words = row.label.replace("_", " ")
    elif row.is_empty:
        words = ", ".join(str(flag).replace("_", " ") for flag in row.flags) or "nothing there"
    else:
        words = ", ".join(f"{box.label} at {box.x:.0%}, {box.y:.0%}" for box in row.boxes.all())
    name = worker.short_id if worker else "unknown"
    return Said(row.worker_id, name, row.stage.title, words, row.discarded_at is not None)


def _pairs(asset: Asset) -> list[Pair]:
    others = Asset.objects.filter(pk=OuterRef("other_item_id")).values("public_id")[:1]
    rows: Any = (
        Evidence.objects.filter(project_id=asset.project_id, item_id=asset.pk)
        .annotate(other=Subquery(others))
        .order_by("-level")
    )
    return [Pair(row, row.other, str(row.details.get("template_class", ""))) for row in rows]


def cost(asset: Asset, annotations: Sequence[Annotation]) -> int:
    """Return micro-dollars paid for the picture and for answers about it: a page's price over its tasks."""
    ids = [row.answer_id for row in annotations]
    if asset.answer_id is not None:
        ids.append(asset.answer_id)
    paid = Answer.objects.filter(pk__in=ids, assignment__state=Assignment.State.ACCEPTED).values_list(
        "assignment__price_micro", "task__batch__page_size", "task__batch__control_per_page"
    )
    return sum(price // max(1, size - control) for price, size, control in paid)
