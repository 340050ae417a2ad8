"""What the stages share in which people say something about an asset and somebody else adds it up: boxes, words."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from pydantic import Field

from crowd.models import Answer, Assignment, Batch, Task
from crowd.money import micro
from curation.models import Annotation, Decision, LabelClass, Pool, Stage
from curation.services import assets
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.stages import crowdwork
from curation.stages.base import CrowdSettings, Done, StageSettings, Work
from curation.stages.prices import Price


class AnsweringSettings(CrowdSettings):
    title: str
    conditions: list[str] = []
    overlap: int = Field(default=1, ge=1, le=30_000)
    page_size: int = Field(default=1, ge=1, le=100)
    price_usd: Price
    needs_skill: str = ""
    needs_value: int = Field(default=0, ge=0, le=100)
    assignment_seconds: int = Field(default=1800, ge=60, le=86_400)

    def spec(self) -> dict[str, Any]:
        """Return what the workers' page must know beside title and conditions."""
        return {}


class Answering(ABC):
    """One main pool without known answers; an asset goes on as soon as it has all the answers asked for."""

    slug: ClassVar[str]
    interface: ClassVar[str]
    does: ClassVar[Work] = "crowd"
    Settings: ClassVar[type[StageSettings]]

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        settings = cast(AnsweringSettings, self.Settings.model_validate(stage.settings))
        told = {"kind": self.interface, "title": settings.title, "instructions": settings.conditions}
        return [
            PoolDraft(
                kind=Batch.Kind.MAIN,
                title=self.slug.upper(),
                interface=self.interface,
                spec={**told, **settings.spec()},
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
            self.note(stage, page, answer, now)
            if answer.task.item_id is not None:
                _hand_on(stage=stage, asset_id=answer.task.item_id, now=now)

    @abstractmethod
    def note(self, stage: Stage, page: Assignment, answer: Answer, now: datetime) -> None:
        """Keep one answer as an annotation."""


def _hand_on(*, stage: Stage, asset_id: int, now: datetime) -> None:
    """Pass an asset on as soon as it has all the answers asked for so far."""
    asset = crowdwork.at_work(asset_id, stage)
    if asset is None:
        return
    wanted = Task.objects.filter(batch__stage_id=stage.pk, item_id=asset.pk).values_list("overlap", flat=True).first()
    have = Annotation.objects.filter(asset=asset, stage=stage).count()
    if wanted is not None and have >= wanted:
        assets.decide(asset=asset, verdict=Decision.Verdict.PASSED, by_kind=Decision.By.CROWD, now=now)
