"""What is known of a worker when he wants a page: asked as it is needed, or learned beforehand for many at once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.db.models import Count, Q, QuerySet

from crowd.models import Answer, Assignment, Batch, OwnTask, Restriction, SkillValue, Worker
from crowd.services import skills, trust

State = Assignment.State


class Standing(Protocol):
    """One worker, as whoever gives out pages sees him."""

    @property
    def worker(self) -> Worker: ...

    def is_restricted(self, batch: Batch, now: datetime) -> bool: ...

    def value_of(self, skill_id: int | None) -> int | None: ...

    def answered(self, batch: Batch) -> int:
        """How many real tasks of this batch he holds or has done (skipped and expired ones do not count)."""
        ...

    def pages(self) -> int:
        """How many pages he has ever taken."""
        ...

    def own_tasks(self) -> Sequence[int]:
        """Return the tasks that are kept for him by name."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Asks the database each time: for a worker who wants one page."""

    worker: Worker

    def is_restricted(self, batch: Batch, now: datetime) -> bool:
        return trust.is_restricted(worker=self.worker, batch=batch, now=now)

    def value_of(self, skill_id: int | None) -> int | None:
        return skills.value_of(worker_id=self.worker.pk, skill_id=skill_id)

    def answered(self, batch: Batch) -> int:
        return _counted([self.worker.pk]).filter(task__batch=batch).count()

    def pages(self) -> int:
        return Assignment.objects.filter(worker=self.worker).count()

    def own_tasks(self) -> Sequence[int]:
        return list(OwnTask.objects.filter(worker=self.worker).values_list("task_id", flat=True))


@dataclass(slots=True)
class Learned:
    """Has been read for many workers together, and is told what this one does."""

    worker: Worker
    values: dict[int, int]
    been_in: dict[int, int]  # how many pages he has taken, by batch
    in_hand: set[int]  # batches in which he has a page now
    own: Sequence[int]
    _answered: dict[int, int]  # by batch, of those where one person may do so much and no more
    _restrictions: Sequence[Restriction]  # also those whose time is over

    def takes(self, batch: Batch, real: int) -> None:
        """Take a page with so many real tasks."""
        self.been_in[batch.pk] = self.been_in.get(batch.pk, 0) + 1
        self._answered[batch.pk] = self.answered(batch) + real
        self.in_hand.add(batch.pk)

    def loses(self, batch: Batch, real: int) -> None:
        """Have a page in hand with so many real tasks taken back."""
        self._answered[batch.pk] = self.answered(batch) - real
        self.in_hand.discard(batch.pk)

    def is_restricted(self, batch: Batch, now: datetime) -> bool:
        """Bans of another account of the same person are asked for."""
        if self.worker.person_id is not None:
            return trust.is_restricted(worker=self.worker, batch=batch, now=now)
        return any(trust.keeps_from(row, batch, now) for row in self._restrictions)

    def is_unpaid(self, batch: Batch, now: datetime) -> bool:
        may_be = self._restrictions or self.worker.person_id is not None
        return bool(may_be) and trust.is_unpaid(worker_id=self.worker.pk, batch=batch, now=now)

    def value_of(self, skill_id: int | None) -> int | None:
        return None if skill_id is None else self.values.get(skill_id)

    def answered(self, batch: Batch) -> int:
        return self._answered.get(batch.pk, 0)

    def pages(self) -> int:
        return sum(self.been_in.values())

    def own_tasks(self) -> Sequence[int]:
        return self.own


@dataclass(slots=True)
class _Facts:
    values: dict[int, int] = field(default_factory=dict)
    been_in: dict[int, int] = field(default_factory=dict)
    in_hand: set[int] = field(default_factory=set)
    own: list[int] = field(default_factory=list)
    restrictions: list[Restriction] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)


def learn(workers: Sequence[Worker]) -> dict[int, Learned]:
    """Return what is known of these workers, by their ids, in a handful of statements."""
    ids = [worker.pk for worker in workers]
    facts: defaultdict[int, _Facts] = defaultdict(_Facts)
    for pk, skill_id, value in SkillValue.objects.filter(worker__in=ids).values_list("worker_id", "skill_id", "value"):
        facts[pk].values[skill_id] = value
    for pk, task_id in OwnTask.objects.filter(worker__in=ids).values_list("worker_id", "task_id"):
        facts[pk].own.append(task_id)
    taken = Assignment.objects.filter(worker__in=ids).values_list("worker_id", "batch_id")
    for pk, batch_id, n, active in taken.annotate(n=Count("id"), active=Count("id", filter=Q(state=State.ACTIVE))):
        facts[pk].been_in[batch_id] = n
        if active:
            facts[pk].in_hand.add(batch_id)
    limited = Batch.objects.filter(state=Batch.State.OPEN, per_worker__gt=0)
    in_batches = _counted(ids).filter(assignment__batch__in=limited).values_list("worker_id", "task__batch_id")
    for pk, batch_id, n in in_batches.annotate(n=Count("id")):
        facts[pk].answered[batch_id] = n
    for row in Restriction.objects.filter(worker__in=ids, lifted_at=None):
        facts[row.worker_id].restrictions.append(row)
    return {
        worker.pk: Learned(
            worker,
            facts[worker.pk].values,
            facts[worker.pk].been_in,
            facts[worker.pk].in_hand,
            facts[worker.pk].own,
            facts[worker.pk].answered,
            facts[worker.pk].restrictions,
        )
        for worker in workers
    }


def _counted(worker_ids: Collection[int]) -> QuerySet[Answer]:
    live = [State.ACTIVE, State.SUBMITTED, State.ACCEPTED]
    return Answer.objects.filter(worker__in=worker_ids, task__overlap__isnull=False, assignment__state__in=live)
