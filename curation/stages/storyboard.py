"""Storyboard: videos that were found right are cut into frames, which go on in their place."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from curation.intake.video import EVERY
from curation.models import Stage
from curation.stages import sent_videos
from curation.stages.base import Done, NoCrowd, StageSettings, Work


class StoryboardSettings(StageSettings):
    every: int = Field(default=EVERY, ge=1, le=1_000, description="one frame of a video is taken out of so many")


class Storyboard(NoCrowd):
    slug: ClassVar[str] = "storyboard"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = StoryboardSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Cut one slice of frames from the first video that waits."""
        settings = StoryboardSettings.model_validate(stage.settings)
        return sent_videos.cut(stage=stage, every=settings.every, now=now)
