"""What a stage kind is: one file here, one line in the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from crowd.audience import Audience
from crowd.models import Assignment
from crowd.quality.skill import KEPT_A_DAY
from curation.models import LabelClass, Pool, Stage
from curation.services.pool_drafts import KnownTask, PoolDraft

Work = Literal["machine", "crowd", "people"]


class StageSettings(BaseModel):
    """Base of every kind's settings: unknown names are refused, so a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CrowdSettings(StageSettings):
    """What all kinds of crowd work can be asked for."""

    platforms: list[str] = Field(
        default=[], description="platforms or accounts that share the work; empty = the campaign's platform"
    )
    audience: Audience = Audience()
    review_days: int = Field(default=7, ge=1, le=30, description="days in which sent work must be judged")
    whole_pages: bool = Field(default=False, description="a page with fewer tasks costs as much as a full one")
    skill_kept_a_day: float = Field(
        default=KEPT_A_DAY, gt=0, le=1, description="what is left, a day later, of the skill shown by control tasks"
    )
    expires_on: date | None = Field(default=None, description="last day on which platforms give work out")


@dataclass(frozen=True, slots=True)
class Done:
    """How many assets a call has moved, whether more can be done at once, or else after how many seconds."""

    moved: int
    more: bool = False
    again_after: float = 0.0


class StageKind(Protocol):
    """One kind of work. All methods are called inside jobs; `work` and `take_in` may be repeated after a crash."""

    slug: ClassVar[str]
    does: ClassVar[Work]
    Settings: ClassVar[type[StageSettings]]

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        """Return the pools this stage needs; machine and people stages return none."""
        ...

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        """Choose from the project's known tasks those that belong into this pool."""
        ...

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Do something about the assets that wait at this stage."""
        ...

    def take_in(self, stage: Stage, pages: Sequence[Assignment], now: datetime) -> None:
        """Store what submitted pages of this stage's main pools say, in the caller's transaction."""
        ...


class NoCrowd:
    """What kinds without crowd work answer."""

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        return []

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        return []

    def take_in(self, stage: Stage, pages: Sequence[Assignment], now: datetime) -> None:
        raise NotImplementedError(f"The stage {stage} takes no answers.")
