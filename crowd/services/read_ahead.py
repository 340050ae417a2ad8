"""The tasks of pages that are given out one after the other in one transaction: read ahead, chosen in memory.

Who may have which task is as `offers.on_offer` and `own_queue.pick` say of one page.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from django.db.models import F, Q

from crowd.models import Answer, Batch, Task, Worker
from crowd.services import control, retrying
from crowd.services.standing import Standing

PAGES_AHEAD, PEOPLE_A_PAGE, MORE = 3, 20, 2
ON_OFFER = """
SELECT task.* FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::bigint[]) AS asked (batch, most, priority, last)
 CROSS JOIN LATERAL (SELECT * FROM crowd_task WHERE batch_id = asked.batch AND NOT cancelled AND issued < overlap
                        AND priority <= asked.priority AND (priority < asked.priority OR id > asked.last)
                      ORDER BY priority DESC, id LIMIT asked.most FOR UPDATE SKIP LOCKED) AS task
"""
FIRST: Final = (2**31 - 1, 0)  # before every priority and id


@dataclass(slots=True)
class _Queue:
    """The first tasks of a batch that have a place, in the order in which they are given out.

    At most so many are asked for next, after the last one so far.
    """

    most: int
    last: tuple[int, int] = FIRST
    goes_on: bool = True
    tasks: dict[int, Task] = field(default_factory=dict)

    def goes_on_with(self, found: Sequence[Task]) -> None:
        """Add what was found: where it is all that was asked for, there may be more."""
        self.goes_on = len(found) == self.most
        self.most *= MORE
        for task in found:
            self.last = task.priority, task.pk
            self.keep(task)

    def keep(self, task: Task) -> None:
        """Keep a task while it has a place: one that is full is looked at no more."""
        if task.overlap is not None and task.issued < task.overlap - task.kept:
            self.tasks[task.pk] = task
        else:
            self.tasks.pop(task.pk, None)


@dataclass(slots=True)
class ReadAhead:
    """Tasks for these workers, who have no queue of their own, good while nobody else gives out any.

    Places are given out in memory; whoever writes the pages counts them, and then says so.
    """

    workers: Sequence[Worker]
    batches: Sequence[Batch] = ()
    _queues: dict[int, _Queue] = field(default_factory=dict)
    _sets: dict[int, list[Task]] = field(default_factory=dict)
    _questions: dict[int, list[Task]] = field(default_factory=dict)
    _seen: defaultdict[int, set[int]] | None = None
    _given: Counter[int] = field(default_factory=Counter)

    def whole_set(self, *, batch: Batch, worker: Worker) -> list[Task]:
        """Return the training or exam for somebody who was never in it: the same for each."""
        if batch.pk not in self._sets:
            self._sets[batch.pk] = control.whole_set(batch=batch, worker=worker)
        return self._sets[batch.pk]

    def controls(self, *, batch: Batch, worker: Worker) -> list[Task]:
        """Return the control tasks of a page, as `control.for_page` does."""
        if control.is_adaptive(batch):
            return control.for_page(batch=batch, worker=worker)
        seen = self._seen_by(worker)
        free = (task for task in self._questions_of(batch) if task.pk not in seen and not control.is_of(task, worker))
        return list(islice(free, batch.control_per_page))

    def take(self, *, batch: Batch, known: Standing, n: int) -> list[Task]:
        """Give the worker the next tasks of a batch that he has neither seen nor made."""
        worker, queue = known.worker, self._queue_of(batch)
        found = list(islice(self._free(queue, worker), max(0, n)))
        while len(found) < n and queue.goes_on:
            self._read({batch.pk: queue})
            found = list(islice(self._free(queue, worker), n))
        for task in found:
            task.issued += 1
            self._given[task.pk] += 1
            queue.keep(task)
        return found

    def is_empty(self, batch: Batch) -> bool:
        """Whether it is known that no task of real work is left, for anybody."""
        queue = self._queues.get(batch.pk)
        return queue is not None and not queue.goes_on and not queue.tasks

    def are_shown(self, tasks: Iterable[Task], worker: Worker) -> None:
        """The worker has seen these tasks."""
        self._seen_by(worker).update(task.pk for task in tasks)

    def are_counted(self) -> None:
        """The places that were given out are in the database now."""
        self._given.clear()

    def read_anew(self) -> None:
        """There is more on offer than before, and people may have seen it."""
        self._queues.clear()
        if self._seen is not None:
            for worker_id, tasks in self._answered().items():
                self._seen[worker_id] |= tasks

    def _free(self, queue: _Queue, worker: Worker) -> Iterator[Task]:
        seen, who = self._seen_by(worker), worker.pk
        for pk, task in queue.tasks.items():
            if pk not in seen and task.author_id != who:
                yield task

    def _seen_by(self, worker: Worker) -> set[int]:
        if self._seen is None:
            self._seen = self._answered()
        return self._seen[worker.pk]

    def _questions_of(self, batch: Batch) -> Sequence[Task]:
        if batch.pk not in self._questions:
            self._questions[batch.pk] = list(retrying.questions(batch).order_by("id")) if batch.control_per_page else []
        return self._questions[batch.pk]

    def _queue_of(self, batch: Batch) -> _Queue:
        pages = PAGES_AHEAD + len(self.workers) // PEOPLE_A_PAGE
        if not self._queues:
            self._begin({one.pk: pages * one.page_size for one in self.batches if one.kind == Batch.Kind.MAIN})
        if batch.pk not in self._queues:
            self._begin({batch.pk: pages * batch.page_size})
        return self._queues[batch.pk]

    def _begin(self, most: Mapping[int, int]) -> None:
        fresh = {pk: _Queue(n) for pk, n in most.items()}
        self._read(fresh)
        self._queues |= fresh

    def _answered(self) -> defaultdict[int, set[int]]:
        """Return which of the tasks that can still be given out each worker has seen."""
        on_offer = Task.objects.filter(
            Q(issued__lt=F("overlap")) | Q(known_answer__isnull=False),
            cancelled=False,
            batch__state=Batch.State.OPEN,
            batch__kind=Batch.Kind.MAIN,
        )
        given = Answer.objects.filter(worker__in=[worker.pk for worker in self.workers], task__in=on_offer)
        seen: defaultdict[int, set[int]] = defaultdict(set)
        for worker_id, task_id in given.values_list("worker_id", "task_id"):
            seen[worker_id].add(task_id)
        return seen

    def _read(self, queues: Mapping[int, _Queue]) -> None:
        """Read and lock the next tasks of these batches; what others hold is passed by."""
        asked = queues.values()
        where = [[one.most for one in asked], [one.last[0] for one in asked], [one.last[1] for one in asked]]
        found: dict[int, list[Task]] = {pk: [] for pk in queues}
        for task in Task.objects.raw(ON_OFFER, [list(queues), *where]):
            task.issued += self._given[task.pk]
            found[task.batch_id].append(task)
        for pk, tasks in found.items():
            queues[pk].goes_on_with(sorted(tasks, key=lambda task: (-task.priority, task.pk)))
