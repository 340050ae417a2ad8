"""What the automatic checks say of photos that were planted instead of drawn: their facts stand for the pixels.

Everything else is the real thing: the same settings, the same decisions, evidence and rejections, in the same order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from django.db import transaction

from crowd.bulk import bulk_change
from crowd.errors import CrowdError
from crowd.models import Evidence
from crowd.rehearsal import truths
from crowd.rehearsal.answers import COPIES, SHARED
from crowd.rehearsal.darkrooms import PLANTED, TEMPLATE_COPY
from crowd.rehearsal.models import PlayedTrick
from crowd.rehearsal.pictures import Truth
from crowd.rehearsal.pictures.truth import TEMPLATE
from curation.engine.asking import Campaign, settings_for
from curation.models import Asset, AssetPreview, Stage
from curation.preprocessing.quality import is_low_resolution
from curation.preprocessing.verify import SAME_FILE, SAME_PHOTO
from curation.stages.checks import ChecksSettings, Finding, decide_all
from curation.stages.earlier import HIDING, earlier_than

AT_ONCE = 1_000
NEEDS_PIXELS: Final = ("most_per_scene", "detector", "min_sharpness", "min_brightness", "max_brightness")
LOOKS_AT_PIXELS: Final = ("storyboard", "tag")


def require_no_pixels(asked: Campaign) -> None:
    """Refuse, in one sentence, a rehearsal without pictures whose stages must look at some."""
    for stage in asked.recipe.stages:
        if stage.kind in LOOKS_AT_PIXELS or asked.recipe.media != "image":
            raise CrowdError(f"{asked.recipe.name} looks into its files at “{stage.title}”: rehearse it with pictures.")
        if stage.kind == "checks":
            checks = ChecksSettings.model_validate(settings_for(asked, stage.name, stage.settings))
            wanted = [name for name in NEEDS_PIXELS if getattr(checks, name)]
            wanted += ["same_scene"] if checks.same_scene != "pass" else []
            if wanted:
                raise CrowdError(f"{stage.name}.{wanted[0]} needs pixels to look at: rehearse with pictures.")


def check_planted(*, stage: Stage, now: datetime) -> bool:
    """Decide about the next planted photos that wait at the checks; returns whether more are waiting."""
    settings = ChecksSettings.model_validate(stage.settings)
    waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
    found = list(waiting[: AT_ONCE + 1])
    seen = found[:AT_ONCE]
    if not seen:
        return False
    shown, tricks = _truths_of(seen), _tricks_of(seen)
    _note_measures(seen, shown)
    undecided: list[tuple[Asset, Finding]] = []
    for asset in seen:
        truth, trick = shown[bytes(asset.sha256)], tricks.get(asset.answer_id or 0, "")
        if settings.duplicates and trick in COPIES and any(_hides(asset, *one) for one in undecided):
            decide_all(found=undecided, now=now)
            undecided = []
        undecided.append((asset, _finding(asset, truth, trick, settings)))
    decide_all(found=undecided, now=now)
    return len(found) > AT_ONCE


def _hides(copy: Asset, earlier: Asset, found: Finding) -> bool:
    """Whether what is decided about an earlier photo may take it out of those that a copy repeats.

    One that passes stays among them, and so does one that repeats another.
    """
    is_asked_for = earlier.worker_id == copy.worker_id or bytes(earlier.sha256) == bytes(copy.sha256)
    return is_asked_for and found.reason in HIDING


def _truths_of(seen: Sequence[Asset]) -> dict[bytes, Truth]:
    return truths.truths_of({bytes(asset.sha256) for asset in seen})


def _tricks_of(seen: Sequence[Asset]) -> dict[int, str]:
    played = PlayedTrick.objects.filter(answer_id__in=[asset.answer_id for asset in seen])
    return dict(played.values_list("answer_id", "trick"))


def _note_measures(seen: Sequence[Asset], shown: Mapping[bytes, Truth]) -> None:
    """Keep the size that was planted; the grey point stands for every copy."""
    for asset in seen:
        truth = shown[bytes(asset.sha256)]
        asset.width, asset.height = truth.width, truth.height
    copies = [
        AssetPreview(asset=one, thumb_key=one.storage_key, screen_key=one.storage_key, grey_key=one.storage_key)
        for one in seen
    ]
    with transaction.atomic():
        bulk_change(model=Asset, columns=["width", "height"], rows=[(one.pk, one.width, one.height) for one in seen])
        AssetPreview.objects.bulk_create(copies, ignore_conflicts=True)


def _finding(asset: Asset, truth: Truth, trick: str, settings: ChecksSettings) -> Finding:
    """Find what eyes would find in the drawn photo, in the order of the checks."""
    if settings.templates and truth.has(TEMPLATE):
        untouched = truth.sign is not None and bytes(asset.sha256) == _example(truth.sign)
        level = Evidence.Level.TEMPLATE if untouched else Evidence.Level.PROCESSED
        sure = untouched or settings.edited_templates == "reject"
        return Finding("template_copy", {"template_class": truth.sign or ""}, level, sure=sure)
    other = _original(asset, truth, trick) if settings.duplicates and trick in COPIES else None
    if other is not None:
        same = SAME_FILE if bytes(other.sha256) == bytes(asset.sha256) else SAME_PHOTO
        sure = same == SAME_FILE or settings.same_photo == "reject"
        return Finding(same, {"other_asset": str(other.public_id)}, Evidence.Level.DUPLICATE, other, sure=sure)
    if is_low_resolution(truth.width, truth.height, settings.min_long, settings.min_short):
        return Finding("low_resolution", {"width": truth.width, "height": truth.height})
    return Finding()


@lru_cache(maxsize=64)
def _example(sign: str) -> bytes:
    return sha256(PLANTED.template_copy(TEMPLATE_COPY, sign, None)[0]).digest()


def _original(asset: Asset, truth: Truth, trick: str) -> Asset | None:
    """Return the earlier photo this one repeats: the same file if there is one, else the first of the same drawing."""
    if trick == SHARED:
        return earlier_than(asset).filter(sha256=asset.sha256).order_by("id").first()
    earlier = list(earlier_than(asset).filter(worker_id=asset.worker_id).order_by("id"))
    same_bytes = [one for one in earlier if bytes(one.sha256) == bytes(asset.sha256)]
    known = _truths_of(earlier)
    same_drawing = [one for one in earlier if known[bytes(one.sha256)].drawing == truth.drawing]
    return next(iter(same_bytes or same_drawing), None)
