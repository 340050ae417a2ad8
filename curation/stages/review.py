"""Review: only what needs a person reaches a person; the rest passes, a small sample excepted."""

import hashlib
from collections.abc import Sequence
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
        default=CONTROL_EVERY, ge=0, le=10_000, description="after so many images a reviewer gets a control; 0 = none"
    )


class Review(NoCrowd):
    slug: ClassVar[str] = "review"
    does: ClassVar[Work] = "people"
    Settings: ClassVar[type[StageSettings]] = ReviewSettings

    @transaction.atomic
    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Sort what arrives: pass it, or hold it for a person with the reason."""
        settings = ReviewSettings.model_validate(stage.settings)
        found = assets.next_waiting(stage=stage, limit=limit)
        why = reasons_for_a_person(found, settings)
        moves = [_move(asset, why[asset.pk]) for asset in found]
        if moves:
            assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
        return Done(len(moves), more=len(moves) == limit)


def _move(asset: Asset, why: str) -> assets.Move:
    return assets.Move(asset, Verdict.HELD if why else Verdict.PASSED, why)


def reasons_for_a_person(found: Sequence[Asset], settings: ReviewSettings) -> dict[int, str]:
    """Return for each asset why a person must look, or nothing."""
    rows: dict[int, Consensus] = {}
    for row in Consensus.objects.current().of_boxes().filter(asset__in=found):
        rows.setdefault(row.asset_id, row)
    return {asset.pk: _reason(asset, rows.get(asset.pk), settings) for asset in found}


def _reason(asset: Asset, row: Consensus | None, settings: ReviewSettings) -> str:
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
