"""Automatic checks before anything is paid: unreadable, the same picture again, the example itself, held out, poor."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, ClassVar, Literal, Self

from django.db import transaction
from pydantic import Field, model_validator

from crowd.models import Evidence
from crowd.services import dishonesty
from curation.models import Asset, Decision, Stage
from curation.preprocessing.copies import Measured
from curation.preprocessing.decode import Analysis
from curation.preprocessing.quality import is_low_resolution
from curation.preprocessing.taggers import registry
from curation.preprocessing.verify import SAME_FILE, SAME_PHOTO, SAME_SCENE
from curation.services import assets, corners, held_out, honesty, previews, submissions, tagging
from curation.services.cuts import CUTS
from curation.services.lookalikes import joining, thinning
from curation.services.sightings import evidence, rounded
from curation.stages.base import Done, NoCrowd, StageSettings, Work
from curation.stages.detecting import detected
from curation.stages.earlier import is_erased
from curation.stages.lookalikes import (
    Hit,
    Known,
    held_out_match,
    known_of,
    lookalikes_of,
    near_duplicate_of,
)
from curation.stages.measuring import Looked, Refusal, look_ahead

Verdict = Decision.Verdict
SAME_PICTURE = (SAME_FILE, SAME_PHOTO)
SECONDS_A_SLICE = 20.0  # a slice must end well before its lease
SECONDS_TO_DECIDE = 20.0  # in which what was measured ahead may still be decided
TOGETHER = 100


class ChecksSettings(StageSettings):
    min_long: int = Field(default=1920, ge=1, description="least pixels of the long side")
    min_short: int = Field(default=1080, ge=1, description="least pixels of the short side")
    radius: int = Field(default=64, ge=0, le=80, description="how near a hash must be to be looked at, of 256 bits")
    block_difference: float = Field(default=0.5, gt=0, le=2)
    duplicates: bool = True
    corners: bool = Field(
        default=True, description="also look for crops, by corners; frames are compared by hash alone"
    )
    templates: bool = True
    edited_templates: Literal["hold", "reject"] = Field(
        default="hold",
        description="an example sent back untouched is always rejected; an edited one may wait for a person",
    )
    same_photo: Literal["hold", "reject"] = Field(
        default="reject", description="the same file is always rejected; a photo in disguise may wait for a person"
    )
    same_scene: Literal["pass", "hold"] = Field(
        default="pass", description="a likeness that is no proof goes on, or waits for a person"
    )
    most_per_scene: int = Field(
        default=0, ge=0, le=1000, description="most pictures of one scene a worker may send; 0 = as many as he likes"
    )
    detector: str = Field(
        default="", description="a tagger that says whether a picture was generated; what it finds waits for a person"
    )
    detector_words: list[str] = Field(
        default=["generated", "deepfake"],
        min_length=1,
        description="what it says of such a picture: a value, or a key that it answers with yes",
    )
    detector_score: float = Field(default=0.9, gt=0, le=1, description="the least score with which that counts")
    near_distance: int | None = Field(
        default=None,
        ge=0,
        le=63,
        description="own files and frames this near (0 = the same hash) to one that is kept are dropped",
    )
    min_sharpness: float | None = Field(default=None, ge=0, description="the least sharpness; none = no cut")
    min_brightness: float | None = Field(default=None, ge=0, le=255, description="the least mean grey level")
    max_brightness: float | None = Field(default=None, ge=0, le=255, description="the greatest mean grey level")
    min_seconds: float = Field(default=0, ge=0, le=600, description="shortest video that is taken in; 0 = any")
    max_seconds: float = Field(default=0, ge=0, le=600, description="longest video that is taken in; 0 = any up to 600")
    video_min_long: int = Field(default=0, ge=0, description="least pixels of a video's long side; 0 = any")
    video_min_short: int = Field(default=0, ge=0, description="least pixels of a video's short side; 0 = any")
    most_megabytes: int = Field(default=50, ge=1, le=500)

    @model_validator(mode="after")
    def _seconds_are_possible(self) -> Self:
        if self.max_seconds and self.max_seconds < self.min_seconds:
            raise ValueError(f"no video lasts at least {self.min_seconds:g} s and at most {self.max_seconds:g} s")
        return self

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        known = registry.names(tagging.setups()) if self.detector else []
        if self.detector and self.detector not in known:
            raise ValueError(f"{self.detector!r} is no tagger that could detect; known are {', '.join(known)}")
        return self


@dataclass(frozen=True, slots=True)
class Finding:
    """What the checks say about a picture. No reason = it passes; not `sure` = a person decides."""

    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    level: int | None = None
    other: Asset | None = None
    sure: bool = True


class Checks(NoCrowd):
    slug: ClassVar[str] = "checks"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = ChecksSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        settings = ChecksSettings.model_validate(stage.settings)
        waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).exclude(media=Asset.Media.VIDEO)
        found = list(waiting.order_by("id")[: limit + 1])
        until, done = monotonic() + SECONDS_A_SLICE, 0
        for looked in look_ahead(found[:limit], settings, until, TOGETHER):
            left = check_all(looked=looked, stage=stage, settings=settings, now=now, until=until + SECONDS_TO_DECIDE)
            done += len(looked) - left
            if left:
                break
        if done:
            joining.ask(project_id=stage.project_id)
        return Done(done, more=len(found) > done)


def check_all(*, looked: Sequence[Looked], stage: Stage, settings: ChecksSettings, now: datetime, until: float) -> int:
    """Decide about pictures that were measured outside of any transaction, and return how many time has left.

    They are decided together, unless one may be compared with another that was refused: of copies of an example and
    of what was rejected as poor the pictures that follow must know. A failure leaves those before it decided.
    """
    here, done = _kept(looked), 0
    known = known_of(stage.project_id, [(one, found) for one, found in here if isinstance(found, Measured)], settings)
    undecided: list[tuple[Looked, Finding]] = []
    try:
        for asset, seen in here:
            if any(one.reason and known.may_meet(asset, other, settings) for (other, _), one in undecided):
                _decide_found(undecided, known, settings, now)
                undecided = []
            undecided.append(((asset, seen), _finding(asset, seen, known, settings)))
            done += 1
            if monotonic() > until:
                break
    finally:
        _decide_found(undecided, known, settings, now)
    return len(here) - done


def _decide_found(
    undecided: Sequence[tuple[Looked, Finding]], known: Known, settings: ChecksSettings, now: datetime
) -> None:
    """Look again where the earlier picture was erased meanwhile: nobody is said to repeat what is not there."""
    found = []
    for (asset, seen), one in undecided:
        while one.other is not None and is_erased(one.other):
            known.earlier.forget(one.other)
            one = _finding(asset, seen, known, settings)
        found.append((asset, one))
    decide_all(found=found, now=now)
    for asset, one in found:
        if one.reason:
            known.earlier.forget(asset)


@transaction.atomic
def _kept(looked: Sequence[Looked]) -> list[Looked]:
    """Store what was measured, and return what there is to decide about: nothing of a picture that was erased."""
    seen = previews.keep_all([(asset, found) for asset, found in looked if isinstance(found, Measured)])
    corners.keep_all([(asset, found.corners) for asset, found in seen if found.corners is not None])
    kept = {asset.pk for asset, _ in seen}
    return [one for one in looked if one[0].pk in kept or not isinstance(one[1], Measured)]


def _finding(asset: Asset, seen: Measured | Refusal, known: Known, settings: ChecksSettings) -> Finding:
    """Look for what is dishonest before what is merely poor: a shrunken copy is a copy."""
    if not isinstance(seen, Measured):
        return Finding(*seen)
    found = _template(seen.analysis, known, settings) or _held_out(asset, seen.analysis, known)
    found = found or _repeated(asset, seen, known, settings) or _poor(seen.analysis, settings) or Finding()
    return (None if found.reason else _generated(asset, settings)) or found


def _template(analysis: Analysis, known: Known, settings: ChecksSettings) -> Finding | None:
    copy = known.templates.best(analysis)
    if copy is None:
        return None
    key, template = copy
    details = {**rounded(template), "template_class": known.examples[key], "template_key": key}
    sure = template.level == Evidence.Level.TEMPLATE or settings.edited_templates == "reject"
    return Finding("template_copy", details, template.level, sure=sure)


def _held_out(asset: Asset, analysis: Analysis, known: Known) -> Finding | None:
    match = held_out_match(asset, analysis, known)
    if match is None:
        return None
    picture, pair = match
    return Finding(held_out.REASON, evidence(pair, picture, picture.held_out.name))


def _repeated(asset: Asset, seen: Measured, known: Known, settings: ChecksSettings) -> Finding | None:
    """`same_file` and `same_photo` are proven; `same_scene` only counts how often a worker shows one scene."""
    analysis = seen.analysis
    if settings.near_distance is not None and (asset.worker_id is None or asset.parent_id is not None):
        kept = near_duplicate_of(asset, analysis, known, settings.near_distance)
        if kept is not None:
            return Finding(thinning.REASON, {"distance": kept[1], "other_asset": str(kept[0].public_id)})
    if not settings.duplicates:
        return None
    hits = lookalikes_of(asset, seen, known, settings.radius, settings.block_difference)
    if not hits:
        return None
    first = hits[0]
    if first.pair.verdict in SAME_PICTURE:
        sure = first.pair.verdict == SAME_FILE or settings.same_photo == "reject"
        return Finding(first.pair.verdict, _pair(first), Evidence.Level.DUPLICATE, first.asset, sure=sure)
    return _same_scene(asset, hits, settings) or _poor(analysis, settings) or Finding(evidence=_pair(first))


def _same_scene(asset: Asset, hits: Sequence[Hit], settings: ChecksSettings) -> Finding | None:
    """A likeness never rejects by itself: the variety rule counts, or a person looks."""
    mine = [hit for hit in hits if asset.worker_id is not None and hit.asset.worker_id == asset.worker_id]
    standing = [hit for hit in mine if hit.asset.state != Asset.State.DROPPED]
    if settings.most_per_scene and len(standing) >= settings.most_per_scene:
        return Finding("scene_again", {**_pair(standing[0]), "of_this_scene": len(standing)})
    if settings.same_scene == "hold" and asset.parent_id is None:
        return Finding(SAME_SCENE, _pair(hits[0]), sure=False)
    return None


def _poor(analysis: Analysis, settings: ChecksSettings) -> Finding | None:
    if is_low_resolution(analysis.width, analysis.height, settings.min_long, settings.min_short):
        return Finding("low_resolution", {"width": analysis.width, "height": analysis.height})
    for cut in CUTS:
        value, measured = getattr(settings, cut.setting), float(getattr(analysis, cut.column))
        if value is not None and cut.is_beyond(measured, value):
            return Finding(cut.reason, {cut.column: round(measured, 2), "cut": value})
    return None


def _generated(asset: Asset, settings: ChecksSettings) -> Finding | None:
    """Only what somebody has sent is looked at; a detector may be wrong, so a person decides."""
    if not settings.detector or asset.worker_id is None or asset.parent_id is not None:
        return None
    least = settings.detector_score
    found = detected(asset=asset, detector=settings.detector, words=settings.detector_words, least_score=least)
    if found is None:
        return None
    return Finding(assets.GENERATED, {**asdict(found), "least_score": least}, Evidence.Level.SYNTHETIC, sure=False)


def _pair(hit: Hit) -> dict[str, Any]:
    """The evidence of a pair."""
    return {**rounded(hit.pair), "other_asset": str(hit.asset.public_id)}


@transaction.atomic
def decide_all(*, found: Sequence[tuple[Asset, Finding]], now: datetime) -> None:
    """Drop each with a reason, hold it for a person, or pass it on; keep the evidence against workers if there is any.

    A frame accuses nobody: frames of one video look alike, and videos are compared as a whole.
    Measuring takes a while: what has left the stage meanwhile is not decided on again.
    """
    accused = {seen.worker_id for seen, one in found if one.level is not None and seen.worker_id is not None}
    if accused:
        dishonesty.lock(*accused)
    refused = [seen.pk for seen, one in found if one.reason and one.sure]
    if refused:
        assets.lock_purse(*refused)
    locked = assets.all_locked(seen.pk for seen, _ in found)
    here = [(locked[seen.pk], seen.stage_id, one) for seen, one in found if seen.pk in locked]
    due = [(asset, one) for asset, at, one in here if asset.state == Asset.State.WAITING and asset.stage_id == at]
    moves = [assets.Move(asset, _verdict(one), one.reason, one.evidence) for asset, one in due]
    assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    submissions.reject_all(found=[(asset, one.reason) for asset, one in due if one.reason and one.sure], now=now)
    accusations = [
        honesty.Accusation(asset, one.level, one.reason, one.other, one.evidence)
        for asset, one in due
        if one.reason and one.level is not None
    ]
    honesty.record_all(found=accusations, now=now)


def _verdict(found: Finding) -> str:
    if not found.reason:
        return Verdict.PASSED
    return Verdict.DROPPED if found.sure else Verdict.HELD
