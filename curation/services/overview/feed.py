"""What has just happened in a project: what was recorded, and what was found against workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crowd.honesty import Policy
from crowd.models import Evidence
from curation.models import Event, Project
from curation.services.overview.honesty import Find

NEWEST: Final = 6
FIND: Final = "evidence.found"


@dataclass(frozen=True, slots=True)
class Told:
    kind: str
    text: str
    created_at: datetime
    worker_id: int | None = None


def feed(*, project: Project, finds: Sequence[Find], policy: Policy) -> list[Told]:
    """Return the newest first. Finds take half of the places at most, so that one cheat hides nothing else."""
    events = Event.objects.filter(project_id=project.pk).order_by("-id")[:NEWEST]
    told = [Told(event.kind, event.text, event.created_at) for event in events]
    told += [_find(one.evidence, policy) for one in finds]
    return sorted(told, key=lambda one: one.created_at, reverse=True)[:NEWEST]


def _find(row: Evidence, policy: Policy) -> Told:
    also = " A person decides." if row.awaits_person else ""
    text = f"{row.worker.short_id}: {policy.of(row.level).name}.{also}"
    return Told(FIND, text, row.created_at, row.worker_id)
