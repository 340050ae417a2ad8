"""What all stages share that ask a crowd about assets: offering tasks, storing answers, buying one more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from crowd.models import Answer, Assignment, Batch, Task
from crowd.services import tasks, trust
from crowd.services.publishing import answers_to_come
from curation.models import Annotation, Asset, Box, Consensus, ConsensusRun, Stage
from curation.services import assets, class_examples
from curation.services.consensus.storing import Row, add_versions
from curation.stages.base import Done


def offer(*, stage: Stage, now: datetime, limit: int, starts_with: int | None = None) -> Done:
    """Make one task of every asset that waits at the stage, in its main batch.

    A task asks for all the answers of its pool at once, or for `starts_with` at first.
    """
    batches = list(
        Batch.objects.filter(stage_id=stage.pk, kind=Batch.Kind.MAIN).select_related("account").order_by("id")
    )
    if not batches:
        return Done(0)
    waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[: limit + 1])
    for asset_id in ids[:limit]:
        batch = _least_busy(batches)
        _offer_one(asset_id, stage, batch, batch.overlap if starts_with is None else starts_with)
    return Done(len(ids[:limit]), more=len(ids) > limit)


def _least_busy(batches: Sequence[Batch]) -> Batch:
    """Choose among the platforms of a stage: work goes to where the least is waiting, so the faster one does more."""
    if len(batches) == 1:
        return batches[0]
    on_offer = [batch for batch in batches if batch.state == Batch.State.OPEN] or batches[:1]
    return min(on_offer, key=answers_to_come)


@transaction.atomic
def _offer_one(asset_id: int, stage: Stage, batch: Batch, overlap: int) -> None:
    asset = assets.locked(asset_id)
    if asset.state != Asset.State.WAITING or asset.stage_id != stage.pk:
        return
    task = Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk).first()
    if task is None:
        row = Task(
            batch=batch,
            key=f"asset-{asset.pk}",
            project_id=asset.project_id,
            item_id=asset.pk,
            payload=payload_of(asset),
            author_id=asset.worker_id,
            overlap=overlap,
        )
        tasks.add(batch=batch, tasks=[row])
    else:
        tasks.want_more(Task.objects.filter(pk=task.pk))
    asset.move_to(Asset.State.WORKING)
    asset.save(update_fields=["state"])


def payload_of(asset: Asset) -> dict[str, Any]:
    return {
        **assets.class_payload(asset.label_class),
        "template_key": class_examples.sent_for([asset])[asset.pk],
        "image_key": asset.preview.screen_key,
        "width": asset.width,
        "height": asset.height,
        "sha256": bytes(asset.sha256).hex(),
    }


def real_answers(page: Assignment) -> Sequence[Answer]:
    """The answers of a page that are about assets, not about control tasks."""
    rows = page.answers.filter(task__known_answer__isnull=True).select_related("task", "raw")
    return list(rows.order_by("seq"))


def annotate(
    *,
    stage: Stage,
    page: Assignment,
    answer: Answer,
    kind: str,
    now: datetime,
    label: str = "",
    flags: Sequence[str] = (),
    boxes: Sequence[Mapping[str, Any]] = (),
) -> Annotation | None:
    """Store one answer as an annotation. Work of somebody banned by a quality rule is kept aside and offered again."""
    if answer.task.item_id is None or Annotation.objects.filter(answer_id=answer.pk).exists():
        return None
    banned = trust.is_distrusted(page=page, now=now)
    row = Annotation.objects.create(
        project_id=page.project_id,
        asset_id=answer.task.item_id,
        stage=stage,
        answer_id=answer.pk,
        worker_id=page.worker_id,
        kind=kind,
        label=label,
        flags=list(flags),
        is_empty=kind == Annotation.Kind.BOXES and not boxes,
        discarded_at=now if banned else None,
        created_at=now,
    )
    Box.objects.bulk_create(
        Box(annotation=row, seq=seq, label=box["label"], x=box["x"], y=box["y"], w=box["w"], h=box["h"])
        for seq, box in enumerate(boxes)
    )
    if banned:
        tasks.want_more(Task.objects.filter(pk=answer.task_id))
    return row


def at_work(asset_id: int, stage: Stage) -> Asset | None:
    """Lock an asset that is in the crowd's hands at this stage; None when it has moved on."""
    asset = assets.locked(asset_id)
    return asset if asset.stage_id == stage.pk and asset.state == Asset.State.WORKING else None


def annotations_of(asset: Asset, stage: Stage) -> list[Annotation]:
    rows = Annotation.objects.filter(asset=asset, stage=stage, discarded_at__isnull=True)
    return list(rows.order_by("id").prefetch_related("boxes"))


def buy_one_more(*, stage: Stage, asset: Asset) -> None:
    """Ask one more worker. May be called again for the same count of answers."""
    short = Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk, done__lte=F("overlap")).exclude(
        issued__lt=F("overlap")
    )
    ids = list(short.values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("issued") + 1)
    tasks.mark_changed(ids)


def withdraw_places(*, stage: Stage, asset: Asset) -> None:
    """Offer nobody what has been decided; a page already in somebody's hands is still taken in and paid."""
    open_places = Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk, issued__lt=F("overlap"), issued__gt=0)
    ids = list(open_places.values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("issued"))
    tasks.mark_changed(ids)


def new_consensus(
    *,
    asset: Asset,
    run: ConsensusRun,
    inputs: Sequence[int],
    next_step: str,
    status: str,
    label: str,
    confidence: float,
    trace: Sequence[str],
    now: datetime,
) -> None:
    """Add what these annotations come to under a run. The caller holds the asset's lock."""
    row = Consensus(
        project_id=asset.project_id,
        asset=asset,
        stage=run.stage,
        run=run,
        inputs=list(inputs),
        method=run.method,
        settings=run.settings,
        next_step=next_step,
        status=status,
        label=label,
        confidence=confidence,
        n_answers=len(inputs),
        trace=list(trace),
        created_at=now,
    )
    add_versions(stage=run.stage, rows=[Row(row)])
