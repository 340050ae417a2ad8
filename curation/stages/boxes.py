"""Boxes: several workers draw a box or an outline around every hand. The next stage adds them up, or asks one more."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from curation.models import Annotation
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
    shape: Literal["box", "outline"] = Field(default="box", description="outline: corner by corner, kept with its box")
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

    def interface_for(self, settings: AnsweringSettings) -> str:
        return "outlines" if isinstance(settings, BoxesSettings) and settings.shape == "outline" else self.interface

    def said(self, answer: crowdwork.Given) -> crowdwork.Said:
        payload = answer.payload
        return crowdwork.Said(
            answer,
            Annotation.Kind.BOXES,
            flags=payload.get("flags", []),
            boxes=payload["boxes"] if "boxes" in payload else [_around(one) for one in payload["outlines"]],
        )


def _around(outline: Mapping[str, Any]) -> dict[str, Any]:
    """Return the box around an outline, with its corners."""
    xs, ys = zip(*outline["points"], strict=True)
    sides = {"x": min(xs), "y": min(ys), "w": max(xs) - min(xs), "h": max(ys) - min(ys)}
    return {"label": outline["label"], **sides, "points": outline["points"]}
