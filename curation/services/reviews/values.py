"""What is said about reviewing: decisions as they are sent, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from crowd.errors import CrowdError

REASONS = ("misplaced", "wrong_label", "missing_box", "extra_box", "cut_off", "third_party")


class Refused(CrowdError):
    """A decision that cannot be stored; the sentence says why."""


class Stale(Refused):
    """A decision about boxes that are no longer the current ones."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as a browser or a program sends it. `key` makes it happen once.

    `seen` is the consensus that was looked at, 0 where there was none; None decides about whatever is current.
    `in_grid`: what was put aside there had something wrong; elsewhere putting aside says nothing.
    """

    key: UUID
    asset: UUID
    verdict: str
    reason: str = ""
    boxes: Sequence[Mapping[str, Any]] | None = None
    ms: int | None = None
    undoes: UUID | None = None
    seen: int | None = None
    in_grid: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    key: UUID
    why: str
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    saved: list[UUID] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the review is, and the person's own pace and agreement with control images."""

    done: int
    waiting: int
    left: int
    per_hour: int
    with_others: int
    controls: int = 0
    agreed: int = 0
