"""Review: only what needs a person reaches a person; the rest passes, a small sample excepted."""

import hashlib
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.crypto import salted_hmac
from pydantic import Field

from curation.models import Asset, Consensus, Decision, Stage
from curation.services import assets
from curation.services.reviews.controls import CONTROL_EVERY
from curation.services.reviews.verdicts import SAMPLED
from curation.stages.base import Done, NoCrowd, StageSettings, Work

Verdict = Decision.Verdict


class ReviewSettings(StageSettings):
    least_confidence: float = Field(default=0.8, ge=0, le=1, description="under this a person looks")
    sample: float = Field(default=0.02, ge=0, le=1, description="share of the sure ones that a person sees too")
    control_every: int = Field(
        default=CONTROL_EVERY, ge=0, le=10_000, description="each so manieth image of a reviewer is a control; 0 = none"
    )


class Review(NoCrowd):
    slug: ClassVar[str] = "review"
    does: ClassVar[Work] = "people"
    Settings: ClassVar[type[StageSettings]] = ReviewSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Sort what arrives: pass it, or hold it for a person with the reason."""
        settings = ReviewSettings.model_validate(stage.settings)
        waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
        ids = list(waiting.values_list("id", flat=True)[: limit + 1])
        for asset_id in ids[:limit]:
            _sort(asset_id, stage, settings, now)
        return Done(len(ids[:limit]), more=len(ids) > limit)


@transaction.atomic
def _sort(asset_id: int, stage: Stage, settings: ReviewSettings, now: datetime) -> None:
    asset = assets.locked(asset_id)
    if asset.state != Asset.State.WAITING or asset.stage_id != stage.pk:
        return
    why = reason_for_a_person(asset, settings)
    verdict = Verdict.HELD if why else Verdict.PASSED
    assets.decide(asset=asset, verdict=verdict, reason=why, by_kind=Decision.By.RULE, now=now)


def reason_for_a_person(asset: Asset, settings: ReviewSettings) -> str:
    """Return why a person must look, or nothing."""
    row = Consensus.objects.current().of_boxes().filter(asset=asset).first()
    if row is None:
        return "no_consensus"
    if row.method == "person":
        return ""
    if row.status == Consensus.Status.DROP:
        return "disagree"
    if row.next_step == Consensus.Next.REVIEW:
        return "in_doubt"
    if row.confidence < settings.least_confidence:
        return "unsure"
    return SAMPLED if _in_sample(asset, settings.sample) else ""


def _in_sample(asset: Asset, share: float) -> bool:
    """Chosen by the picture's bytes under a key of the project: stable, and the sender cannot work it out.

    A rehearsal draws without the key: the same pictures wherever and however often it is repeated.
    """
    picture = bytes(asset.sha256)
    if asset.project.is_rehearsal:
        digest = hashlib.sha256(b"review sample" + picture).digest()
    else:
        digest = salted_hmac(f"winnow.review-sample.{asset.project_id}", picture, algorithm="sha256").digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32
