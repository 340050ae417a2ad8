"""Boxes: several workers draw a box around every hand. The next stage adds them up and may ask for one more."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from crowd.models import Assignment, Batch, Task
from crowd.money import micro
from curation.models import Annotation, Decision, LabelClass, Pool, Stage
from curation.services import assets
from curation.services.consensus.settings import USUAL_ANSWERS
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.stages import crowdwork
from curation.stages.base import CrowdSettings, Done, StageSettings, Work
from curation.stages.prices import Price


class BoxLabel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    colour: str = "blue"


class Flag(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: str
    label: str


class BoxesSettings(CrowdSettings):
    title: str = "Box every hand"
    conditions: list[str] = []
    labels: list[BoxLabel] = Field(min_length=1)
    flags: list[Flag] = []
    overlap: int = Field(default=USUAL_ANSWERS, ge=1, le=30_000)
    page_size: int = Field(default=6, ge=1, le=100)
    price_usd: Price = "0.06"
    needs_skill: str = ""
    needs_value: int = Field(default=0, ge=0, le=100)
    assignment_seconds: int = Field(default=1800, ge=60, le=86_400)


class Boxes:
    slug: ClassVar[str] = "boxes"
    does: ClassVar[Work] = "crowd"
    Settings: ClassVar[type[StageSettings]] = BoxesSettings

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        settings = BoxesSettings.model_validate(stage.settings)
        labels = [
            {"name": label.name, "colour": label.colour, "key": str(number)}
            for number, label in enumerate(settings.labels, start=1)
        ]
        return [
            PoolDraft(
                kind=Batch.Kind.MAIN,
                title="BOXES",
                interface="boxes",
                spec={
                    "kind": "boxes",
                    "title": settings.title,
                    "instructions": settings.conditions,
                    "labels": labels,
                    "flags": [flag.model_dump() for flag in settings.flags],
                },
                page_size=settings.page_size,
                overlap=settings.overlap,
                price_micro=micro(settings.price_usd),
                needs_skill=settings.needs_skill,
                needs_value=settings.needs_value,
                assignment_seconds=settings.assignment_seconds,
            )
        ]

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        return []

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        return crowdwork.offer(stage=stage, now=now, limit=limit)

    def take_in(self, stage: Stage, page: Assignment, now: datetime) -> None:
        for answer in crowdwork.real_answers(page):
            payload = answer.raw.payload
            crowdwork.annotate(
                stage=stage,
                page=page,
                answer=answer,
                kind=Annotation.Kind.BOXES,
                flags=payload.get("flags", []),
                boxes=payload["boxes"],
                now=now,
            )
            if answer.task.item_id is not None:
                hand_on(stage=stage, asset_id=answer.task.item_id, now=now)


def hand_on(*, stage: Stage, asset_id: int, now: datetime) -> None:
    """Pass an asset on as soon as it has all the answers asked for so far."""
    asset = crowdwork.at_work(asset_id, stage)
    if asset is None:
        return
    wanted = Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk).values_list("overlap", flat=True).first()
    have = Annotation.objects.filter(asset=asset, stage=stage).count()
    if wanted is not None and have >= wanted:
        assets.decide(asset=asset, verdict=Decision.Verdict.PASSED, by_kind=Decision.By.CROWD, now=now)
