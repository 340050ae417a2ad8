"""Everything that is known about one asset: what happened, who said what, what it cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from crowd.honesty import Terms
from crowd.models import Answer, Assignment, Evidence
from crowd.quality.wording import whole_percent
from curation.models import (
    Annotation,
    Asset,
    Box,
    Consensus,
    ConsensusBox,
    Decision,
    HonestyTerms,
    Instruction,
    Review,
    User,
)
from curation.services import consents, honesty, instructions


@dataclass(frozen=True, slots=True)
class Said:
    """One worker's answer as the page shows it."""

    worker_id: int
    worker: str
    stage: str
    words: str
    discarded: bool
    guide: Instruction | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Evidence against the picture, with what it is compared to."""

    evidence: Evidence
    terms: Terms
    other: UUID | None
    template_class: str
    template_key: str


@dataclass(frozen=True, slots=True)
class Story:
    decisions: Sequence[Decision]
    answers: Sequence[Said]
    consensus: Sequence[Consensus]
    reviews: Sequence[Review]
    pairs: Sequence[Pair]
    costs: Mapping[str, int]
    guide: Instruction | None
    consent: str

    @property
    def agreed(self) -> Consensus | None:
        """Return the current boxes of the latest stage that has some: what versions hold."""
        rows = [row for row in self.consensus if row.is_current and row.status not in Consensus.OF_VOTES]
        return max(rows, key=lambda row: (row.stage.position, row.pk), default=None)


def story(asset: Asset) -> Story:
    annotations = _annotations(asset)
    answers = _behind(asset, annotations)
    guides = instructions.read_beside([answer.assignment for answer in answers.values()])
    rectangle = JSONObject(label="label", x="x", y="y", w="w", h="h", confidence="confidence", points="points")
    agreed = ConsensusBox.objects.filter(consensus=OuterRef("pk")).order_by("seq")
    return Story(
        decisions=_decisions(asset),
        answers=[_said(row, answers.get(row.answer_id), guides) for row in annotations],
        consensus=list(
            Consensus.objects.filter(asset=asset)
            .select_related("stage")
            .annotate(drawn=ArraySubquery(agreed.values(box=rectangle)))
            .order_by("-id")
        ),
        reviews=list(Review.objects.filter(asset=asset).select_related("by").order_by("id")),
        pairs=_pairs(asset),
        costs=_costs(answers.values()),
        guide=guides.get(answers[asset.answer_id].assignment_id) if asset.answer_id else None,
        consent=consents.agreed_to(asset.answer.worker, asset.project) if asset.answer else "",
    )


def _decisions(asset: Asset) -> list[Decision]:
    """Return the decisions in order; those made by a person carry the name."""
    people = User.objects.filter(pk=OuterRef("by_id")).values("name")[:1]
    rows = Decision.objects.filter(asset=asset).select_related("stage").annotate(person=Subquery(people)).order_by("id")
    return list(rows)


def _annotations(asset: Asset) -> list[Any]:
    """Return the answers about the asset, each with its boxes as short texts, in one query."""
    boxes = Box.objects.filter(annotation=OuterRef("pk")).order_by("seq")
    rows = Annotation.objects.filter(asset=asset).select_related("stage").order_by("id")
    return list(rows.annotate(drawn=ArraySubquery(boxes.values(box=JSONObject(label="label", x="x", y="y")))))


def _behind(asset: Asset, annotations: Sequence[Any]) -> dict[int, Answer]:
    """Return the crowd's answers behind the asset and its annotations, with page, worker and batch."""
    ids = [row.answer_id for row in annotations] + ([asset.answer_id] if asset.answer_id else [])
    return Answer.objects.select_related("worker", "assignment__batch", "assignment__account", "task__batch").in_bulk(
        ids
    )


def _said(row: Any, answer: Answer | None, guides: Mapping[int, Instruction]) -> Said:
    if row.kind == Annotation.Kind.LABEL:
        words = row.label.replace("_", " ")
    elif row.kind == Annotation.Kind.TEXT:
        words = row.label
    elif row.is_empty:
        words = ", ".join(str(flag).replace("_", " ") for flag in row.flags) or "nothing there"
    else:
        words = ", ".join(_placed(box) for box in row.drawn)
    name = answer.worker.short_id if answer else "unknown"
    guide = guides.get(answer.assignment_id) if answer else None
    return Said(row.worker_id, name, row.stage.title, words, row.discarded_at is not None, guide)


def _placed(box: Mapping[str, Any]) -> str:
    return f"{box['label']} at {whole_percent(box['x'])}, {whole_percent(box['y'])}"


def _pairs(asset: Asset) -> list[Pair]:
    others = Asset.objects.filter(pk=OuterRef("other_item_id")).values("public_id")[:1]
    terms = HonestyTerms.objects.filter(project_id=asset.project_id)
    rows: Any = (
        Evidence.objects.filter(project_id=asset.project_id, item_id=asset.pk)
        .annotate(other=Subquery(others), stored=Subquery(terms.values("terms")))
        .order_by("-level")
    )
    return [
        Pair(
            evidence=row,
            terms=honesty.policy_as_stored(row.stored).of(row.level),
            other=row.other,
            template_class=str(row.details.get("template_class", "")),
            template_key=str(row.details.get("template_key", "")),
        )
        for row in rows
    ]


def _costs(answers: Iterable[Answer]) -> dict[str, int]:
    """Return what was paid for these answers, in each currency."""
    found: Counter[str] = Counter()
    for answer in answers:
        found[answer.assignment.account.currency] += _paid(answer)
    return {currency: micro for currency, micro in sorted(found.items()) if micro}


def _paid(answer: Answer) -> int:
    """Return what was paid for one answer: an accepted page's price over its real tasks."""
    if answer.assignment.state != Assignment.State.ACCEPTED:
        return 0
    batch = answer.task.batch
    return answer.assignment.price_micro // max(1, batch.page_size - batch.control_per_page)
