"""Describe: people write a few words about each picture. Texts are kept as they are; nobody adds them up."""

from typing import Any, ClassVar

from pydantic import Field

from curation.models import Annotation
from curation.stages import crowdwork
from curation.stages.answering import Answering, AnsweringSettings
from curation.stages.base import StageSettings
from curation.stages.prices import Price

SUMMARY = 60  # what lists show of a text; all of it stays in the answer


class DescribeSettings(AnsweringSettings):
    title: str = "What is in the picture?"
    most_characters: int = Field(default=300, ge=1, le=10_000)
    page_size: int = Field(default=5, ge=1, le=100)
    price_usd: Price = "0.05"

    def spec(self) -> dict[str, Any]:
        return {"most_characters": self.most_characters}


class Describe(Answering):
    slug: ClassVar[str] = "describe"
    interface: ClassVar[str] = "text"
    Settings: ClassVar[type[StageSettings]] = DescribeSettings

    def said(self, answer: crowdwork.Given) -> crowdwork.Said:
        text = " ".join(answer.payload["text"].split())
        label = text if len(text) <= SUMMARY else f"{text[: SUMMARY - 1]}…"
        return crowdwork.Said(answer, Annotation.Kind.TEXT, label=label)
