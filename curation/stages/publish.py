"""Publish: what comes here is ready for a data set; freezing a version is a person's act."""

from datetime import datetime
from typing import ClassVar

from django.db import transaction

from curation.models import Asset, Decision, Stage
from curation.services import assets
from curation.stages.base import Done, NoCrowd, StageSettings, Work


class PublishSettings(StageSettings):
    pass


class Publish(NoCrowd):
    slug: ClassVar[str] = "publish"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = PublishSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
        ids = list(waiting.values_list("id", flat=True)[: limit + 1])
        for asset_id in ids[:limit]:
            _publish(asset_id, stage, now)
        return Done(len(ids[:limit]), more=len(ids) > limit)


@transaction.atomic
def _publish(asset_id: int, stage: Stage, now: datetime) -> None:
    asset = assets.locked(asset_id)
    if asset.state == Asset.State.WAITING and asset.stage_id == stage.pk:
        assets.decide(asset=asset, verdict=Decision.Verdict.PASSED, by_kind=Decision.By.RULE, now=now)
