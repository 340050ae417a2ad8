"""What is said about reviewing: decisions as they are sent, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from crowd.errors import CrowdError

REASONS = ("misplaced", "wrong_label", "missing_box", "extra_box", "cut_off", "third_party")


class Refused(CrowdError):
    """A decision that cannot be stored; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as a browser or a program sends it. `key` makes it happen once."""

    key: UUID
    asset: UUID
    verdict: str
    reason: str = ""
    boxes: Sequence[Mapping[str, Any]] | None = None
    ms: int | None = None
    undoes: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    key: UUID
    why: str


@dataclass(frozen=True, slots=True)
class Saved:
    saved: list[UUID] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the review is, and the person's own pace."""

    done: int
    left: int
    per_hour: int
    with_others: int
