"""What a stage kind is: one file here, one line in the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from crowd.models import Assignment
from curation.models import LabelClass, Pool, Stage
from curation.services.pool_drafts import KnownTask, PoolDraft

Work = Literal["machine", "crowd", "people"]


class StageSettings(BaseModel):
    """Base of every kind's settings: unknown names are refused, so a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Done:
    """How many assets a call has moved, and whether more are waiting."""

    moved: int
    more: bool = False


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

    def take_in(self, stage: Stage, page: Assignment, now: datetime) -> None:
        """Store what a submitted page of this stage's main pools says, in the caller's transaction."""
        ...


class NoCrowd:
    """What kinds without crowd work answer."""

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        return []

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        return []

    def take_in(self, stage: Stage, page: Assignment, now: datetime) -> None:
        raise NotImplementedError(f"The stage {stage} takes no answers.")
