"""Boxes: several workers draw a box around every hand. The next stage adds them up and may ask for one more."""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from crowd.models import Answer, Assignment
from curation.models import Annotation, Stage
from curation.services.consensus.settings import USUAL_ANSWERS
from curation.stages import crowdwork
from curation.stages.answering import Answering, AnsweringSettings
from curation.stages.base import StageSettings
from curation.stages.prices import Price


class BoxLabel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    colour: str = "blue"


class Flag(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: str
    label: str


class BoxesSettings(AnsweringSettings):
    title: str = "Box every hand"
    labels: list[BoxLabel] = Field(min_length=1)
    flags: list[Flag] = []
    overlap: int = Field(default=USUAL_ANSWERS, ge=1, le=30_000)
    page_size: int = Field(default=6, ge=1, le=100)
    price_usd: Price = "0.06"

    def spec(self) -> dict[str, Any]:
        labels = [
            {"name": label.name, "colour": label.colour, "key": str(number)}
            for number, label in enumerate(self.labels, start=1)
        ]
        return {"labels": labels, "flags": [flag.model_dump() for flag in self.flags]}


class Boxes(Answering):
    slug: ClassVar[str] = "boxes"
    interface: ClassVar[str] = "boxes"
    Settings: ClassVar[type[StageSettings]] = BoxesSettings

    def note(self, stage: Stage, page: Assignment, answer: Answer, now: datetime) -> None:
        payload = answer.raw.payload
        crowdwork.annotate(
            stage=stage,
            page=page,
            answer=answer,
            kind=Annotation.Kind.BOXES,
            flags=payload.get("flags", []),
            boxes=payload["boxes"],
            now=now,
        )
