"""Control tasks from answers that are certain: pictures that a person has reviewed, offered to the crowd again.

Who made the answer never gets the task: neither the sender of the picture nor anybody who has met it at this stage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from crowd.errors import CrowdError
from crowd.models import Answer, Batch, Task
from crowd.services import publishing
from crowd.services.control import NOT_FOR
from curation.models import Annotation, Asset, Consensus, Pool, Review, Stage, User
from curation.services import events, locked_parts, versions
from curation.services.consensus.settings import read
from curation.services.pool_rules import batch_of
from curation.services.reviews.fixing import DRAWS
from curation.services.reviews.verdicts import boxes_of, last_words

Verdict = Review.Verdict
KEY = "reviewed-"
SHOWN = 12
OF_LABELS = frozenset({"choice", "pair"})


@dataclass(frozen=True, slots=True)
class Certain:
    """A picture whose right answer is known, and what it is."""

    asset: Asset
    says: str
    answer: Mapping[str, Any]


def certain_answers(batch: Batch, *, n: int = SHOWN) -> list[Certain]:
    """Return pictures that can become control tasks of this pool, those reviewed last first."""
    if not _takes_controls(batch):
        return []
    return _answers(batch, list(_candidates(batch).order_by("-pk")[:n]))


def _takes_controls(batch: Batch) -> bool:
    """Where pages are issued by us we see to it that nobody gets his own answer; a platform could not."""
    is_known = batch.interface in OF_LABELS or batch.interface in DRAWS
    return is_known and batch.kind == Batch.Kind.MAIN and publishing.is_local(batch)


def _candidates(batch: Batch) -> QuerySet[Review]:
    """Return the last words that accepted or fixed a picture which this pool once gave out."""
    rows = last_words(batch.project_id).filter(verdict__in=[Verdict.ACCEPT, Verdict.FIX])
    there = Asset.objects.filter(project=batch.project_id).exclude(state=Asset.State.DROPPED)
    rows = rows.filter(asset__in=locked_parts.without(there, batch.project_id))
    key = Concat(Value(KEY), Cast(OuterRef("asset_id"), CharField()))
    rows = rows.filter(
        Exists(Task.objects.filter(batch=batch, item_id=OuterRef("asset_id"), known_answer__isnull=True)),
        ~Exists(Task.objects.filter(batch=batch, key=key)),
    )
    if batch.interface in OF_LABELS:
        agreed = Consensus.objects.current().filter(stage_id=batch.stage_id, asset=OuterRef("asset_id"))
        return rows.filter(Exists(agreed.filter(status=Consensus.Status.LABEL)), ~Exists(_dissent(batch)))
    about = [batch.stage_id, *_adding_up(batch)]
    return rows.filter(
        Q(verdict=Verdict.FIX, boxes__0__isnull=False) | Q(consensus__stage__in=about, verdict=Verdict.ACCEPT)
    )


def _dissent(batch: Batch) -> QuerySet[Annotation]:
    """Return votes for another label than was agreed."""
    votes = Annotation.objects.filter(asset=OuterRef("asset_id"), stage=batch.stage_id, discarded_at=None)
    agreed = Consensus.objects.current().filter(stage_id=batch.stage_id, asset=OuterRef("asset_id"))
    return votes.exclude(label__in=agreed.values("label"))


def _adding_up(batch: Batch) -> list[int]:
    """Return the stages that add up what this pool's stage answers."""
    stages = Stage.objects.filter(project_id=batch.project_id)
    own = stages.filter(pk=batch.stage_id).values_list("name", flat=True).first()
    return [one.pk for one in stages.filter(kind="aggregate") if read(one.settings).source == own]


def _answers(batch: Batch, reviews: Sequence[Review]) -> list[Certain]:
    assets = Asset.objects.select_related("label_class").in_bulk([row.asset_id for row in reviews])
    if batch.interface in OF_LABELS:
        found = Consensus.objects.current().filter(stage_id=batch.stage_id, asset_id__in=list(assets))
        labels = {row.asset_id: row for row in found}
        return [_of_label(assets[row.asset_id], labels[row.asset_id]) for row in reviews]
    accepted = boxes_of([row.consensus_id for row in reviews if row.verdict == Verdict.ACCEPT and row.consensus_id])
    made = [(row, row.boxes if row.verdict == Verdict.FIX else accepted.get(row.consensus_id or 0)) for row in reviews]
    return [_of_boxes(assets[row.asset_id], row, boxes) for row, boxes in made if boxes]


def _of_label(asset: Asset, agreed: Consensus) -> Certain:
    says = f"{agreed.label.replace('_', ' ')}, said by all {agreed.n_answers}"
    return Certain(asset, says, {"answer": agreed.label})


def _of_boxes(asset: Asset, review: Review, boxes: Sequence[Mapping[str, Any]]) -> Certain:
    plain = [{name: box[name] for name in ("label", "x", "y", "w", "h")} for box in boxes]
    word = "drawn by a reviewer" if review.verdict == Verdict.FIX else "accepted by a reviewer"
    return Certain(asset, f"{len(plain)} {'box' if len(plain) == 1 else 'boxes'}, {word}", {"boxes": plain})


@transaction.atomic
def make_control(*, pool: Pool, asset_id: UUID, by: User, now: datetime) -> Task:
    """Give a reviewed picture to the crowd as a control task of this pool. The same one twice is one."""
    batch = batch_of(pool)
    if batch is None:
        raise CrowdError(f"{pool.title} is not made yet.")
    Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)  # two clicks at once make one task
    reviews = _candidates(batch).filter(asset__public_id=asset_id) if _takes_controls(batch) else Review.objects.none()
    certain = next(iter(_answers(batch, list(reviews))), None)
    if certain is None:
        raise CrowdError("The answer for this picture is not certain any more, or it is a control task already.")
    first = Task.objects.filter(batch=batch, item_id=certain.asset.pk, known_answer__isnull=True).order_by("id")[0]
    task = Task.objects.create(
        batch=batch,
        key=f"{KEY}{certain.asset.pk}",
        project_id=batch.project_id,
        payload=first.payload,
        author_id=first.author_id,
        known_answer={**certain.answer, NOT_FOR: _who_met_it(batch, certain.asset)},
        overlap=None,
    )
    text = f"{by.name} made a control task of {pool.title} from a reviewed picture."
    events.record(kind="pool.control", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
    return task


def _who_met_it(batch: Batch, asset: Asset) -> list[int]:
    met = Answer.objects.filter(task__item_id=asset.pk, task__batch__stage_id=batch.stage_id)
    return sorted(set(met.values_list("worker_id", flat=True)))


def withdraw(*, project_id: int, asset_ids: Sequence[int]) -> None:
    """Give control tasks made from these pictures to nobody any more."""
    made = Task.objects.filter(batch__project_id=project_id, key__in=[f"{KEY}{one}" for one in asset_ids])
    made.filter(cancelled=False).update(cancelled=True)
