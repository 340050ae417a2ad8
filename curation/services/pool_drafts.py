"""What a stage wants of a pool, before there is one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from curation.models import LabelClass


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
    condition: str = ""
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
    audience: dict[str, Any] = field(default_factory=dict)
    review_days: int = 7
    whole_pages: bool = False
    expires_at: datetime | None = None
