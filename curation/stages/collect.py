"""Collect: workers send photos or videos. Paid only when a later stage accepts them (postponed acceptance)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from crowd.models import Answer, Assignment, Batch
from crowd.money import micro
from curation.intake.video import EVERY
from curation.models import Asset, LabelClass, Pool, Stage
from curation.preprocessing.limits import MEGABYTE, VIDEO_LIMITS
from curation.preprocessing.video_wish import VideoWish
from curation.services import assets, clips
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.stages import sent_videos
from curation.stages.base import CrowdSettings, Done, NoCrowd, StageSettings, Work
from curation.stages.prices import Price, PriceBySkill

INTERFACES = {"file": "photo", "link": "link"}
LONGEST_SOURCE, LONGEST_NAME = 200, 255
VIDEO_MEGABYTES = VIDEO_LIMITS.max_bytes // MEGABYTE


class CollectSettings(CrowdSettings):
    title: str = "Show this sign"
    sends: Literal["file", "link"] = Field(default="file", description="a photo, or a link to one on a file host")
    media: Literal["image", "video"] = Field(default="image", description="what is sent; a video is cut into frames")
    every: int = Field(default=EVERY, ge=1, le=1_000, description="one frame of a video is taken out of so many")
    min_seconds: float = Field(default=0, ge=0, le=600, description="shortest video; 0 = any")
    max_seconds: float = Field(default=0, ge=0, le=600, description="longest video; 0 = any up to 600")
    min_long: int = Field(default=0, ge=0, description="least pixels of a video's long side; 0 = any")
    min_short: int = Field(default=0, ge=0, description="least pixels of a video's short side; 0 = any")
    conditions: list[str] = []
    price_usd: Price = "0.03"
    price_by_skill: PriceBySkill | None = None
    per_worker: int = Field(default=0, ge=0, description="most photos of one worker in one pool; 0 = no limit")
    assignment_seconds: int = Field(default=1800, ge=60, le=86_400)

    @property
    def wish(self) -> VideoWish:
        return VideoWish(self.min_seconds, self.max_seconds, self.min_long, self.min_short)


class Collect(NoCrowd):
    slug: ClassVar[str] = "collect"
    does: ClassVar[Work] = "crowd"
    Settings: ClassVar[type[StageSettings]] = CollectSettings

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        return [self._pool(stage, label_class, wanted) for label_class in classes if not label_class.is_negative]

    def _pool(self, stage: Stage, label_class: LabelClass, wanted: int) -> PoolDraft:
        settings = CollectSettings.model_validate(stage.settings)
        by_skill = settings.price_by_skill
        return PoolDraft(
            kind=Batch.Kind.MAIN,
            title=label_class.name.upper(),
            interface=INTERFACES[settings.sends],
            spec={
                "kind": INTERFACES[settings.sends],
                **(_of_videos(settings) if settings.media == "video" else {}),
                "title": f"{settings.title}: {label_class.name.replace('_', ' ')}",
                "instructions": settings.conditions,
            },
            label_class=label_class,
            wanted=wanted,
            per_worker=settings.per_worker,
            price_micro=micro(settings.price_usd),
            price_table=by_skill.table() if by_skill else [],
            price_skill=by_skill.skill if by_skill else "",
            grants_skill=by_skill.skill if by_skill else "",
            auto_accept=False,
            assignment_seconds=settings.assignment_seconds,
        )

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        return []

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Cut the videos that were sent into frames, or pass them on whole where people judge them first.

        A photo begins at the next stage.
        """
        settings = CollectSettings.model_validate(stage.settings)
        if _storyboard_after(stage):
            return sent_videos.examine(stage=stage, wish=settings.wish, now=now)
        return sent_videos.cut(stage=stage, every=settings.every, wish=settings.wish, now=now)

    def take_in(self, stage: Stage, pages: Sequence[Assignment], now: datetime) -> None:
        """Make an asset of every photo; it waits at the next stage, unpaid so far. A video waits here to be cut."""
        target = assets.next_stage(stage)
        if target is None:
            raise LookupError(f"There is no stage after {stage} that could judge the photos.")
        is_video = CollectSettings.model_validate(stage.settings).media == "video"
        page_of = {page.pk: page for page in pages}
        pools = Pool.objects.select_related("label_class").in_bulk({page.batch.pool_id for page in pages})
        rows = Answer.objects.filter(assignment__in=pages).select_related("raw").order_by("assignment_id", "seq")
        sent = [
            _asset(answer, page_of[answer.assignment_id], pools, stage if is_video else target, now) for answer in rows
        ]
        for asset in assets.enter_sent(sent=sent):
            spec = page_of[asset.answer.assignment_id].batch.spec if asset.answer else {}
            if "condition" in spec:
                key, value = spec["condition"]
                clips.note_condition(asset=asset, key=key, value=value)


def _asset(answer: Answer, page: Assignment, pools: Mapping[int, Pool], stage: Stage, now: datetime) -> Asset:
    """Make what an answer sent; a video begins at the stage that collects."""
    file, is_video = answer.raw.payload["file"], stage.kind == "collect"
    return Asset(
        project=stage.project,
        stage=stage,
        storage_key=file["key"],
        sha256=bytes.fromhex(file["sha256"]),
        bytes=file["bytes"],
        name=str(file.get("name", ""))[-LONGEST_NAME:],
        media=Asset.Media.VIDEO if is_video else Asset.Media.IMAGE,
        source=_source(page, answer.raw.payload),
        label_class=pools[page.batch.pool_id or 0].label_class,
        answer=answer,
        worker_id=page.worker_id,
        created_at=now,
    )


def _storyboard_after(stage: Stage) -> bool:
    later = Stage.objects.filter(project_id=stage.project_id, position__gt=stage.position)
    return later.filter(kind="storyboard").exists()


def _of_videos(settings: CollectSettings) -> dict[str, Any]:
    """What a task says of the videos it takes."""
    return {
        "media": "video",
        "most_megabytes": VIDEO_MEGABYTES,
        "seconds": [settings.min_seconds, settings.max_seconds],
        "least_pixels": [settings.min_long, settings.min_short],
    }


def _source(page: Assignment, payload: Mapping[str, Any]) -> str:
    """Say who sent it, and where it lay if it was a link."""
    sender, link = f"sent by {page.worker.short_id}", payload.get("link")
    return f"{sender}, from {link}"[:LONGEST_SOURCE] if link else sender
