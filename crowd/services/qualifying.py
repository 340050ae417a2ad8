"""Skills that people give and take, beside those that exams and checks measure."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Batch, Skill, SkillEvent, SkillValue, Worker
from crowd.services import offers
from crowd.services.standing import Asked

MOST_REASON = 120


@dataclass(frozen=True, slots=True)
class Qualified:
    """A pool and what a worker still needs for it; an empty `needs` = he may work there."""

    batch: Batch
    needs: str


def skills_of(*, project_id: int, account_id: int) -> QuerySet[Skill]:
    """Return the skills that the pools of a project ask for, pay by or give."""
    asked = Batch.objects.filter(project_id=project_id, account_id=account_id)
    ids = asked.values_list("needs_skill", "price_skill", "grants_skill")
    wanted = {pk for row in ids for pk in row if pk is not None}
    return Skill.objects.filter(Q(pk__in=wanted), account_id=account_id).order_by("name")


@transaction.atomic
def set_by_hand(*, worker_id: int, skill: Skill, value: int, reason: str, now: datetime) -> SkillValue:
    """Give a worker a skill, or another value of it, with the reason. What was counted before is forgotten."""
    worker = Worker.objects.select_for_update(of=("self",)).get(pk=worker_id)
    if skill.account_id != worker.account_id:
        raise CrowdError(f"{skill.name} is a skill of another platform account.")
    if not 0 <= value <= 100:
        raise CrowdError(f"A skill is a whole number from 0 to 100, not {value:,}.")
    if not reason.strip():
        raise CrowdError("Say why: the reason stays in the history of the skill.")
    row, _ = SkillValue.objects.update_or_create(
        worker=worker, skill=skill, defaults={"value": value, "ok": 0, "n": 0, "updated_at": now}
    )
    text = f"by hand: {reason.strip()[:MOST_REASON]}"
    SkillEvent.objects.create(worker=worker, skill=skill, value=value, reason=text, created_at=now)
    return row


def take_away(*, worker_id: int, skill: Skill, reason: str, now: datetime) -> SkillValue:
    """Take a skill away. It stays as 0, so that an exam whose answers are known is not sat again."""
    if not SkillValue.objects.filter(worker_id=worker_id, skill=skill).exists():
        raise CrowdError(f"This worker has no skill “{skill.name}”.")
    return set_by_hand(worker_id=worker_id, skill=skill, value=0, reason=reason, now=now)


def qualified_for(*, worker: Worker, project_id: int) -> list[Qualified]:
    """Return the main pools of a project with what this worker still needs for each."""
    main = Batch.objects.filter(project_id=project_id, account_id=worker.account_id, kind=Batch.Kind.MAIN)
    rows = main.exclude(state=Batch.State.ARCHIVED).select_related("needs_skill", "team").order_by("-priority", "id")
    return [Qualified(batch, _needs(batch, worker)) for batch in rows]


def _needs(batch: Batch, worker: Worker) -> str:
    if batch.team is not None and batch.team_id != worker.team_id:
        return f"Kept for {batch.team.name}."
    return offers.gate_sentence(batch, Asked(worker))
