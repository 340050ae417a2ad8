"""What somebody else's campaign needed, as its authors printed it."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NOT_SAID: Final = "as_published"


class PublishedStage(BaseModel):
    """How many items entered a stage, how many answers each had, and what a page of so many tasks cost.

    `paid` are the pages paid for, where not all that were handed in are. `control` is the share of tasks with known
    answers. `of` names the items where they are not those delivered: videos before they are cut into frames.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    stage: str
    title: str
    note: str = ""
    of: str = ""
    n: int = Field(ge=0)
    answers: int = Field(ge=0)
    answers_with_aggregation: int | None = Field(default=None, ge=0)
    page_usd: Decimal | None = Field(default=None, ge=0)
    page_size: int = Field(default=1, ge=1)
    control: Decimal = Field(default=Decimal(0), ge=0, lt=1)
    partial_page: bool = True
    paid: int | None = Field(default=None, ge=0)


class PublishedStep(BaseModel):
    """How many things passed a stage, and why the others did not, where the authors say so.

    `cut` are the frames that the things which passed were cut into: from there on frames are counted. A step that the
    recipe itself has not got says its `kind` and `title`; it stands before the last stage.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    stage: str
    passed: int = Field(ge=0)
    reason: str = Field(default=NOT_SAID, max_length=40)
    cut: int = Field(default=0, ge=0)
    kind: str = ""
    title: str = ""


class Published(BaseModel):
    """A whole campaign, with one price for every answer where a stage names no other. `stated_usd`: as printed.

    `funnel` are the stages that lost something, in order, after `sent` things had come within `hours`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    sent: int = Field(default=0, ge=0)
    hours: float = Field(default=0, ge=0)
    funnel: list[PublishedStep] = []
    answer_usd: str = "0"
    stated_usd: str = ""
    delivered: int = Field(ge=1)
    stages: list[PublishedStage] = Field(min_length=1)

    @model_validator(mode="after")
    def _pays_for_no_more_than_comes_in(self) -> Self:
        for one in self.stages:
            if one.paid is not None and one.paid > one.n * one.answers:
                raise ValueError(f"the stage {one.stage} pays for {one.paid} pages of {one.n * one.answers}")
        return self

    @model_validator(mode="after")
    def _loses_on_the_way(self) -> Self:
        left = self.sent
        for step in self.funnel:
            if step.passed > left:
                raise ValueError(f"{step.passed} pass {step.stage}, where {left} come")
            left = step.cut or step.passed
        if self.funnel and left != self.delivered:
            raise ValueError(f"the funnel ends with {left}, and {self.delivered} are delivered")
        return self

    @property
    def is_mixed(self) -> bool:
        """Whether prices of different things would be added up: of videos and of frames."""
        return len({one.of for one in self.stages}) > 1

    def scaled(self, delivered: int) -> "Published":
        """Return the campaign for so many delivered, every stage losing the same share; counts are rounded up."""
        stages = [_scaled(one, Fraction(delivered, self.delivered)) for one in self.stages]
        return self.model_copy(update={"delivered": delivered, "stages": stages, "stated_usd": ""})


def _scaled(one: PublishedStage, factor: Fraction) -> PublishedStage:
    n = math.ceil(one.n * factor)
    paid = None if one.paid is None else round(Fraction(n * one.paid, one.n) if one.n else 0)
    return one.model_copy(update={"n": n, "paid": paid})
