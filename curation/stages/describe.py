"""Describe: people write a few words about each picture. Texts are kept as they are; nobody adds them up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from crowd.models import Assignment, Batch
from crowd.money import micro
from curation.models import Annotation, LabelClass, Pool, Stage
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.stages import crowdwork
from curation.stages.base import CrowdSettings, Done, StageSettings, Work
from curation.stages.boxes import hand_on
from curation.stages.prices import Price

SUMMARY = 60  # what lists show of a text; all of it stays in the answer


class DescribeSettings(CrowdSettings):
    title: str = "What is in the picture?"
    conditions: list[str] = []
    most_characters: int = Field(default=300, ge=1, le=10_000)
    overlap: int = Field(default=1, ge=1, le=30_000)
    page_size: int = Field(default=5, ge=1, le=100)
    price_usd: Price = "0.05"
    needs_skill: str = ""
    needs_value: int = Field(default=0, ge=0, le=100)
    assignment_seconds: int = Field(default=1800, ge=60, le=86_400)


class Describe:
    slug: ClassVar[str] = "describe"
    does: ClassVar[Work] = "crowd"
    Settings: ClassVar[type[StageSettings]] = DescribeSettings

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        settings = DescribeSettings.model_validate(stage.settings)
        spec: dict[str, Any] = {"kind": "text", "title": settings.title, "instructions": settings.conditions}
        return [
            PoolDraft(
                kind=Batch.Kind.MAIN,
                title="DESCRIBE",
                interface="text",
                spec={**spec, "most_characters": settings.most_characters},
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
            text = " ".join(answer.raw.payload["text"].split())
            crowdwork.annotate(
                stage=stage,
                page=page,
                answer=answer,
                kind=Annotation.Kind.TEXT,
                label=text if len(text) <= SUMMARY else f"{text[: SUMMARY - 1]}…",
                now=now,
            )
            if answer.task.item_id is not None:
                hand_on(stage=stage, asset_id=answer.task.item_id, now=now)
