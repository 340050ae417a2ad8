"""What all stages share that ask a crowd about assets: offering tasks, storing answers, buying one more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q

from crowd.models import Answer, Assignment, Batch, Restriction, Task
from curation.models import Annotation, Asset, Box, Consensus, Stage
from curation.services import assets
from curation.stages.base import Done


def offer(*, stage: Stage, now: datetime, limit: int) -> Done:
    """Make one task of every asset that waits at the stage, in its main batch."""
    batch = Batch.objects.filter(stage_id=stage.pk, kind=Batch.Kind.MAIN).order_by("id").first()
    if batch is None:
        return Done(0)
    waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[: limit + 1])
    for asset_id in ids[:limit]:
        _offer_one(asset_id, stage, batch)
    return Done(len(ids[:limit]), more=len(ids) > limit)


@transaction.atomic
def _offer_one(asset_id: int, stage: Stage, batch: Batch) -> None:
    asset = assets.locked(asset_id)
    if asset.state != Asset.State.WAITING or asset.stage_id != stage.pk:
        return
    task = Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk).first()
    if task is None:
        Task.objects.create(
            batch=batch,
            key=f"asset-{asset.pk}",
            project_id=asset.project_id,
            item_id=asset.pk,
            payload=payload_of(asset),
            author_id=asset.worker_id,
            overlap=batch.overlap,
        )
    else:
        Task.objects.filter(pk=task.pk).update(overlap=F("overlap") + 1, cancelled=False)
    asset.move_to(Asset.State.WORKING)
    asset.save(update_fields=["state"])


def payload_of(asset: Asset) -> dict[str, Any]:
    return {
        **assets.class_payload(asset.label_class),
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
    banned = _is_banned(page, now)
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
        Task.objects.filter(pk=answer.task_id).update(overlap=F("overlap") + 1)
    return row


def _is_banned(page: Assignment, now: datetime) -> bool:
    in_force = Q(until=None) | Q(until__gt=now)
    return Restriction.objects.filter(
        in_force,
        worker_id=page.worker_id,
        scope=Restriction.Scope.PROJECT,
        scope_id=page.project_id,
        lifted_at__isnull=True,
        by_rule__in=["control", "speed"],
    ).exists()


def at_work(asset_id: int, stage: Stage) -> Asset | None:
    """Lock an asset that is in the crowd's hands at this stage; None when it has moved on."""
    asset = assets.locked(asset_id)
    return asset if asset.stage_id == stage.pk and asset.state == Asset.State.WORKING else None


def annotations_of(asset: Asset, stage: Stage) -> list[Annotation]:
    rows = Annotation.objects.filter(asset=asset, stage=stage, discarded_at__isnull=True)
    return list(rows.order_by("id").prefetch_related("boxes"))


def buy_one_more(*, stage: Stage, asset: Asset) -> None:
    """Ask one more worker. May be called again for the same count of answers."""
    Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk, done__lte=F("overlap")).exclude(
        issued__lt=F("overlap")
    ).update(overlap=F("issued") + 1)


def new_consensus(
    *,
    asset: Asset,
    stage: Stage,
    method: str,
    settings: Mapping[str, Any],
    status: str,
    confidence: float,
    n_answers: int,
    now: datetime,
    label: str = "",
    lowest_iou: float | None = None,
    used: Sequence[str] = (),
    dropped: Sequence[str] = (),
    trace: Sequence[str] = (),
) -> Consensus:
    """Add a version; the older ones stay and are no longer current."""
    rows = Consensus.objects.filter(asset=asset, stage=stage)
    version = (rows.aggregate(last=Max("version"))["last"] or 0) + 1
    rows.filter(is_current=True).update(is_current=False)
    return Consensus.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage=stage,
        version=version,
        method=method,
        settings=dict(settings),
        status=status,
        label=label,
        confidence=confidence,
        lowest_iou=lowest_iou,
        n_answers=n_answers,
        used=list(used),
        dropped=list(dropped),
        trace=list(trace),
        created_at=now,
    )
