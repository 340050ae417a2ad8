"""What a stage kind is: one file here, one line in the registry."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from crowd.models import Assignment
from curation.models import LabelClass, Pool, Stage

Work = Literal["machine", "crowd", "people"]


class StageSettings(BaseModel):
    """Base of every kind's settings: unknown names are refused, so a typing error is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task whose answer is known, for training, exam and control."""

    payload: dict[str, Any]
    answer: dict[str, Any]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PoolDraft:
    """A pool a stage wants, with all that its batch needs to know."""

    kind: str
    title: str
    interface: str
    spec: dict[str, Any]
    label_class: LabelClass | None = None
    wanted: int = 0
    page_size: int = 1
    control_per_page: int = 0
    per_worker: int = 0
    overlap: int = 1
    price_micro: int = 0
    price_table: list[tuple[int, int, int]] = field(default_factory=list)
    price_skill: str = ""
    needs_skill: str = ""
    needs_value: int = 0
    grants_skill: str = ""
    auto_accept: bool = True
    rules: dict[str, Any] = field(default_factory=dict)
    assignment_seconds: int = 900


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
