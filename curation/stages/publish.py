"""Publish: what comes here is ready for a data set; freezing a version is a person's act."""

from datetime import datetime
from typing import ClassVar

from django.db import transaction

from curation.models import Decision, Stage
from curation.services import assets
from curation.stages.base import Done, NoCrowd, StageSettings, Work


class PublishSettings(StageSettings):
    pass


class Publish(NoCrowd):
    slug: ClassVar[str] = "publish"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = PublishSettings

    @transaction.atomic
    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        moves = [assets.Move(asset, Decision.Verdict.PASSED) for asset in assets.next_waiting(stage=stage, limit=limit)]
        if moves:
            assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
        return Done(len(moves), more=len(moves) == limit)
