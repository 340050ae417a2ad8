"""Writing down what a person decided: a row of the review, and the move of the image."""

from datetime import datetime

from curation.models import Asset, Consensus, Decision, Review, Stage, User
from curation.services import assets
from curation.services.reviews.values import Decided


def append(
    asset: Asset,
    user: User,
    decided: Decided,
    now: datetime,
    *,
    consensus: Consensus | None = None,
    undoes: Review | None = None,
) -> Review:
    return Review.objects.create(
        project_id=asset.project_id,
        key=decided.key,
        asset=asset,
        consensus=consensus,
        by=user,
        verdict=decided.verdict,
        reason=decided.reason,
        boxes=None if decided.boxes is None else [dict(box) for box in decided.boxes],
        undoes=undoes,
        duration_ms=None if decided.ms is None else min(max(decided.ms, 0), 86_400_000),
        created_at=now,
    )


def decide(
    asset: Asset,
    user: User,
    decided: Decided,
    verdict: str,
    now: datetime,
    *,
    reason: str = "",
    to_stage: Stage | None = None,
) -> None:
    assets.decide(
        asset=asset,
        verdict=verdict,
        reason=reason,
        by_kind=Decision.By.REVIEWER,
        by_id=user.pk,
        evidence={"review": str(decided.key)},
        to_stage=to_stage,
        now=now,
    )
