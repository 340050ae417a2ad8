"""What follows when a quality rule strikes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from crowd.quality.wording import counted

LONGEST_DAYS = 3_650


class Words(BaseModel):
    """Unknown names are refused, so a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hold(Words):
    """No more pages while the condition holds; nothing is put on record about the worker."""

    kind: Literal["hold"] = "hold"

    def says(self) -> str:
        return "no further page while that is so"


class Warn(Words):
    kind: Literal["warn"] = "warn"

    def says(self) -> str:
        return "a warning on record"


class Suspend(Words):
    """No more work in this pool, until the days are over or a person lifts it."""

    kind: Literal["suspend"] = "suspend"
    days: int | None = Field(default=None, ge=1, le=LONGEST_DAYS)

    def says(self) -> str:
        return f"no more work in this pool {_lasting(self.days, 'until a person lifts it')}"


class Ban(Words):
    kind: Literal["ban"] = "ban"
    scope: Literal["project", "account"] = "project"
    days: int | None = Field(default=30, ge=1, le=LONGEST_DAYS)

    def says(self) -> str:
        where = {"project": "this project", "account": "every project of this account"}[self.scope]
        return f"no more work in {where} {_lasting(self.days, 'for good')}"


class Reject(Words):
    """What the worker has handed in here and nobody has judged yet is rejected; others do it again."""

    kind: Literal["reject"] = "reject"
    comment: str = Field(default="Too many answers were wrong.", min_length=1, max_length=300)

    def says(self) -> str:
        return f"what nobody has judged yet is rejected: “{self.comment}”"


class SetSkill(Words):
    kind: Literal["set_skill"] = "set_skill"
    skill: str = Field(min_length=1, max_length=120)
    value: int = Field(default=0, ge=0, le=100)

    def says(self) -> str:
        return f"the skill “{self.skill}” becomes {self.value}"


class StopPaying(Words):
    """Pages are no longer accepted by themselves: they wait until a person lifts it."""

    kind: Literal["stop_paying"] = "stop_paying"

    def says(self) -> str:
        return "pages are not paid before a person has looked"


def _lasting(days: int | None, otherwise: str) -> str:
    return otherwise if days is None else f"for {counted(days, 'day')}"


Action = Annotated[Hold | Warn | Suspend | Ban | Reject | SetSkill | StopPaying, Field(discriminator="kind")]
RESTRICTS = (Hold, Suspend, Ban)
