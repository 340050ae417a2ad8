"""Automatic checks before anything is paid: unreadable, low resolution, the same picture again, the example itself."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar, Literal

from django.core.files.storage import default_storage
from django.db import transaction
from pydantic import Field

from crowd.models import Evidence
from crowd.services import trust
from curation.models import Asset, Decision, Stage
from curation.preprocessing.decode import Analysis
from curation.preprocessing.limits import Limits, Unreadable
from curation.preprocessing.quality import is_low_resolution
from curation.preprocessing.video import looks_like_video
from curation.services import assets, previews, submissions
from curation.stages.base import Done, NoCrowd, StageSettings, Work
from curation.stages.lookalikes import Hit, examples_of, lookalike_of, template_of

Verdict = Decision.Verdict
SAME_PICTURE = ("same_file", "same_photo")


class ChecksSettings(StageSettings):
    min_long: int = Field(default=1920, ge=1, description="least pixels of the long side")
    min_short: int = Field(default=1080, ge=1, description="least pixels of the short side")
    radius: int = Field(default=64, ge=0, le=80, description="how near a hash must be to be looked at, of 256 bits")
    block_difference: float = Field(default=0.5, gt=0, le=2)
    duplicates: bool = True
    templates: bool = True
    edited_templates: Literal["hold", "reject"] = Field(
        default="hold",
        description="an example sent back untouched is always rejected; an edited one may wait for a person",
    )
    most_megabytes: int = Field(default=50, ge=1, le=500)


class Checks(NoCrowd):
    slug: ClassVar[str] = "checks"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = ChecksSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        settings = ChecksSettings.model_validate(stage.settings)
        waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).exclude(media=Asset.Media.VIDEO)
        ids = list(waiting.order_by("id").values_list("id", flat=True)[: limit + 1])
        for asset_id in ids[:limit]:
            check(asset_id=asset_id, stage=stage, settings=settings, now=now)
        return Done(len(ids[:limit]), more=len(ids) > limit)


def check(*, asset_id: int, stage: Stage, settings: ChecksSettings, now: datetime) -> None:
    """Measure one picture outside of any transaction, then decide in one."""
    asset = Asset.objects.filter(pk=asset_id, stage=stage, state=Asset.State.WAITING).first()
    if asset is None:
        return
    try:
        with default_storage.open(asset.storage_key, "rb") as file:
            data = file.read()
    except FileNotFoundError:  # one lost file must not stop the whole stage
        _decide(asset, now, "unreadable", {"code": "lost", "sentence": "the stored file is missing"})
        return
    if looks_like_video(data[:16]):
        _decide(asset, now, "video_not_asked", {})
        return
    try:
        seen = previews.measure(data, Limits(max_bytes=settings.most_megabytes * 1_048_576))
    except Unreadable as refusal:
        _decide(asset, now, "unreadable", {"code": refusal.reason_code, "sentence": str(refusal)})
        return
    previews.keep(asset=asset, seen=seen)
    _compare(asset, seen.analysis, settings, now)


def _compare(asset: Asset, analysis: Analysis, settings: ChecksSettings, now: datetime) -> None:
    """Look for what is dishonest before what is merely too small: a shrunken copy is a copy."""
    copy = template_of(analysis, examples_of(asset.project_id)) if settings.templates else None
    if copy is not None:
        class_name, template = copy
        details = {**_rounded(asdict(template)), "template_class": class_name}
        sure = template.level == Evidence.Level.TEMPLATE or settings.edited_templates == "reject"
        _decide(asset, now, "template_copy", details, level=template.level, sure=sure)
        return
    hit = lookalike_of(asset, analysis, settings.radius, settings.block_difference) if settings.duplicates else None
    if hit is not None and hit.pair.verdict in SAME_PICTURE:
        _decide(asset, now, hit.pair.verdict, _pair(hit), level=Evidence.Level.DUPLICATE, other=hit.asset)
        return
    if is_low_resolution(analysis.width, analysis.height, settings.min_long, settings.min_short):
        _decide(asset, now, "low_resolution", {"width": analysis.width, "height": analysis.height})
        return
    _decide(asset, now, "", _pair(hit) if hit else {})


def _pair(hit: Hit) -> dict[str, Any]:
    """The evidence of a pair; `same_scene` is only noted, it never rejects."""
    return {**_rounded(asdict(hit.pair)), "other_asset": str(hit.asset.public_id)}


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


@transaction.atomic
def _decide(
    seen: Asset,
    now: datetime,
    reason: str,
    evidence: Mapping[str, Any],
    *,
    level: int | None = None,
    other: Asset | None = None,
    sure: bool = True,
) -> None:
    """Drop with a reason, hold for a person, or pass on; keep the evidence against the worker if there is any.

    A frame accuses nobody: frames of one video look alike, and videos are compared as a whole.
    Measuring takes a while: what has left the stage meanwhile is not decided on again.
    """
    asset = assets.locked(seen.pk)
    if asset.state != Asset.State.WAITING or asset.stage_id != seen.stage_id:
        return
    verdict = Verdict.PASSED if not reason else Verdict.DROPPED if sure else Verdict.HELD
    assets.decide(asset=asset, verdict=verdict, reason=reason, evidence=evidence, by_kind=Decision.By.RULE, now=now)
    if not reason:
        return
    if sure:
        submissions.reject(asset=asset, reason=reason, now=now)
    if level is not None and asset.worker_id is not None and asset.parent_id is None:
        trust.record_evidence(
            worker_id=asset.worker_id,
            project_id=asset.project_id,
            level=level,
            kind=reason,
            item_id=asset.pk,
            other_item_id=other.pk if other else None,
            details=dict(evidence),
            now=now,
        )
