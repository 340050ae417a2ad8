"""Aggregate: several answers become one, hard, soft, or not at all; the trace says how."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from django.db import transaction
from pydantic import Field, field_validator

from aggregation import BOX_METHODS, Box, BoxAnswer, BoxSettings, ImageAnswers, aggregate_boxes
from aggregation import Consensus as Agreement
from crowd.models import Worker
from curation.models import Annotation, Asset, ConsensusBox, Decision, Stage
from curation.services import assets
from curation.stages import crowdwork
from curation.stages.base import Done, NoCrowd, StageSettings, Work

Verdict = Decision.Verdict


class AggregateSettings(StageSettings):
    source: str = Field(default="boxes", description="name of the stage whose answers are added up")
    method: str = "hard-soft-drop"
    iou: float = Field(default=0.7, gt=0, le=1)
    min_answers: int = Field(default=3, ge=1)
    max_answers: int = Field(default=5, ge=1)
    buy_when: Literal["drop", "not_hard"] = "drop"
    on_drop: Literal["drop", "review"] = "drop"

    @field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        if method not in BOX_METHODS:
            raise ValueError(f"{method!r} is not a method; known are {', '.join(known_methods())}")
        return method


class Aggregate(NoCrowd):
    slug: ClassVar[str] = "aggregate"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = AggregateSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        settings = AggregateSettings.model_validate(stage.settings)
        source = Stage.objects.get(project_id=stage.project_id, name=settings.source)
        waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
        ids = list(waiting.values_list("id", flat=True)[: limit + 1])
        for asset_id in ids[:limit]:
            aggregate(asset_id=asset_id, stage=stage, source=source, settings=settings, now=now)
        return Done(len(ids[:limit]), more=len(ids) > limit)


@transaction.atomic
def aggregate(*, asset_id: int, stage: Stage, source: Stage, settings: AggregateSettings, now: datetime) -> None:
    """Add up the answers about one asset, store the consensus, and decide: on, out, or one more answer."""
    asset = assets.locked(asset_id)
    if asset.state != Asset.State.WAITING or asset.stage_id != stage.pk:
        return
    answers = crowdwork.annotations_of(asset, source)
    agreement = _agree(asset, answers, settings)
    _store(asset, stage, agreement, settings, now)
    if agreement.next == "buy":
        _send_back(asset, source, agreement, now)
        return
    dropped = agreement.status == "drop" and settings.on_drop == "drop"
    assets.decide(
        asset=asset,
        verdict=Verdict.DROPPED if dropped else Verdict.PASSED,
        reason=_reason(agreement) if dropped else "",
        evidence={"status": agreement.status, "answers": len(answers), "confidence": round(agreement.confidence, 4)},
        by_kind=Decision.By.RULE,
        now=now,
    )


def _reason(agreement: Agreement) -> str:
    return f"disagree_{agreement.reason}" if agreement.reason else "disagree"


def _send_back(asset: Asset, source: Stage, agreement: Agreement, now: datetime) -> None:
    """One more answer: the asset waits at the source stage again, which raises its overlap by one."""
    assets.decide(
        asset=asset,
        verdict=Verdict.RETURNED,
        reason="one_more",
        evidence={"because": _reason(agreement)},
        by_kind=Decision.By.RULE,
        to_stage=source,
        now=now,
    )


def _agree(asset: Asset, answers: Sequence[Annotation], settings: AggregateSettings) -> Agreement:
    names = _short_ids(answers)
    width, height = float(asset.width or 1), float(asset.height or 1)
    given = tuple(
        BoxAnswer(
            annotator=names[answer.worker_id],
            boxes=tuple(
                Box(box.x * width, box.y * height, box.w * width, box.h * height, box.label)
                for box in answer.boxes.all()
            ),
            flags=tuple(answer.flags),
        )
        for answer in answers
    )
    options = BoxSettings(
        iou=settings.iou,
        min_answers=settings.min_answers,
        max_answers=settings.max_answers,
        buy_when=settings.buy_when,
    )
    image = ImageAnswers(image=str(asset.public_id), annotations=given, width=width, height=height)
    return aggregate_boxes(image, options, method=settings.method)


def _short_ids(answers: Sequence[Annotation]) -> dict[int, str]:
    """Pseudonyms in order of arrival: the letter makes them unique and the screens draw it."""
    workers = Worker.objects.in_bulk([answer.worker_id for answer in answers])
    return {
        answer.worker_id: f"{chr(ord('A') + number % 26)} {workers[answer.worker_id].short_id}"
        for number, answer in enumerate(answers)
    }


def _store(asset: Asset, stage: Stage, agreement: Agreement, settings: AggregateSettings, now: datetime) -> None:
    width, height = float(asset.width or 1), float(asset.height or 1)
    row = crowdwork.new_consensus(
        asset=asset,
        stage=stage,
        method=settings.method,
        settings=settings.model_dump(),
        status=agreement.status,
        confidence=agreement.confidence,
        lowest_iou=agreement.lowest_iou,
        n_answers=len(agreement.used) + len(agreement.dropped),
        used=agreement.used,
        dropped=agreement.dropped,
        trace=[step.text for step in agreement.trace],
        now=now,
    )
    ConsensusBox.objects.bulk_create(
        ConsensusBox(consensus=row, seq=seq, **_fractions(box, width, height))
        for seq, box in enumerate(agreement.boxes)
    )


def _fractions(box: Any, width: float, height: float) -> dict[str, Any]:
    return {
        "label": box.label,
        "x": box.x / width,
        "y": box.y / height,
        "w": box.w / width,
        "h": box.h / height,
        "confidence": box.confidence,
        "support": list(box.support),
    }


def known_methods() -> list[str]:
    return sorted(BOX_METHODS)
