"""What the stages share in which people say something about an asset and somebody else adds it up: boxes, words."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from django.db.models import Count
from pydantic import Field

from crowd.models import Assignment, Batch, Task
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
        interface = self.interface_for(settings)
        told = {"kind": interface, "title": settings.title, "instructions": settings.conditions}
        return [
            PoolDraft(
                kind=Batch.Kind.MAIN,
                title=self.slug.upper(),
                interface=interface,
                spec={**told, **settings.spec()},
                page_size=settings.page_size,
                overlap=settings.overlap,
                price_micro=micro(settings.price_usd),
                needs_skill=settings.needs_skill,
                needs_value=settings.needs_value,
                assignment_seconds=settings.assignment_seconds,
            )
        ]

    def interface_for(self, settings: AnsweringSettings) -> str:
        """Return which page asks for the answers."""
        return self.interface

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        return []

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        return crowdwork.offer(stage=stage, now=now, limit=limit)

    def take_in(self, stage: Stage, pages: Sequence[Assignment], now: datetime) -> None:
        answers = crowdwork.real_answers(pages)
        crowdwork.annotate(stage=stage, pages=pages, said=[self.said(answer) for answer in answers], now=now)
        _hand_on(stage=stage, asset_ids=crowdwork.items_of(answers), now=now)

    @abstractmethod
    def said(self, answer: crowdwork.Given) -> crowdwork.Said:
        """Read what an answer says."""
        ...


def _hand_on(*, stage: Stage, asset_ids: Sequence[int], now: datetime) -> None:
    """Pass assets on as soon as they have all the answers asked for so far."""
    found = crowdwork.at_work(asset_ids, stage)
    ids = [asset.pk for asset in found]
    asked = Task.objects.filter(batch__stage_id=stage.pk, item_id__in=ids).order_by("-pk")
    wanted = dict(asked.values_list("item_id", "overlap"))  # the first task of each counts
    given = Annotation.objects.filter(asset__in=ids, stage=stage).order_by().values_list("asset_id")
    have = dict(given.annotate(n=Count("id")))
    done = [asset for asset in found if have.get(asset.pk, 0) >= (wanted.get(asset.pk) or math.inf)]
    moves = [assets.Move(asset, Decision.Verdict.PASSED) for asset in done]
    if moves:
        assets.decide_all(moves=moves, by_kind=Decision.By.CROWD, now=now)
