"""Why a worker finds nothing to begin: what others hold, what a training or exam guards, what rests, who is barred."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from crowd.models import Answer, Assignment, Batch, Restriction, Worker
from crowd.services.offers import Offer, gate_sentence
from crowd.services.standing import learn

State = Assignment.State


@dataclass(frozen=True, slots=True)
class Gate:
    """Work that waits behind a training or exam."""

    skill: str
    tasks: int


@dataclass(frozen=True, slots=True)
class QueueFacts:
    held: int
    held_until: datetime | None
    gates: tuple[Gate, ...]
    paused: int
    closed: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A worker gets no work: everywhere or in a project, until a time or for good, and what about his work it was."""

    everywhere: bool
    until: datetime | None
    about: str


def facts(*, worker: Worker, offers: Sequence[Offer], now: datetime) -> QueueFacts:
    """Say what stands between a worker and the work there is."""
    held = _held_by_others(worker, offers, now)
    resting = _resting(worker)
    return QueueFacts(
        held=held["tasks"],
        held_until=held["until"],
        gates=_gates(worker, offers),
        paused=resting["paused"],
        closed=resting["closed"],
    )


def _held_by_others(worker: Worker, offers: Sequence[Offer], now: datetime) -> dict[str, Any]:
    batches = [offer.batch.pk for offer in offers if not offer.available]
    pages = Assignment.objects.filter(batch__in=batches, state=State.ACTIVE, lease_until__gt=now).exclude(worker=worker)
    real = Answer.objects.filter(assignment__in=pages, task__overlap__isnull=False)
    return real.aggregate(tasks=Count("task", distinct=True), until=Min("assignment__lease_until"))


def _gates(worker: Worker, offers: Sequence[Offer]) -> tuple[Gate, ...]:
    """Sum the work by the skill that is missing for it."""
    work = [offer for offer in offers if offer.available and offer.batch.kind == Batch.Kind.MAIN]
    gated = [(offer, offer.batch.needs_skill) for offer in work if offer.batch.needs_skill is not None]
    if not gated:
        return ()
    behind: dict[str, int] = {}
    known = learn([worker])[worker.pk]
    for offer, skill in gated:
        if gate_sentence(offer.batch, known):
            behind[skill.name] = behind.get(skill.name, 0) + offer.available
    return tuple(Gate(name, tasks) for name, tasks in behind.items())


def _resting(worker: Worker) -> dict[str, int]:
    here = Batch.objects.filter(account_id=worker.account_id, kind=Batch.Kind.MAIN)
    here = here.filter(Q(team=None) | Q(team=worker.team_id))
    if worker.only_projects:
        here = here.filter(project_id__in=worker.only_projects)
    return here.aggregate(
        paused=Count("pk", filter=Q(state=Batch.State.PAUSED)), closed=Count("pk", filter=Q(state=Batch.State.CLOSED))
    )


def bars(*, worker: Worker, now: datetime) -> list[Bar]:
    """Return what keeps a worker from whole projects or from everything, the widest and longest first."""
    people = Q(worker=worker)
    if worker.person_id is not None:
        people |= Q(worker__person_id=worker.person_id)
    wide = Restriction.objects.in_force(now).no_work().filter(people).exclude(scope=Restriction.Scope.BATCH)
    found = [
        Bar(row.scope == Restriction.Scope.ACCOUNT, row.until, row.by_rule.replace(" ", ":").partition(":")[0])
        for row in wide.order_by("id")
    ]
    return sorted(found, key=lambda bar: (not bar.everywhere, bar.until is not None))
