"""The tasks of pages that are given out one after the other in one transaction: read ahead, chosen in memory.

Who may have which task is as `offers.on_offer` and `own_queue.pick` say of one page.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from crowd.models import Answer, Batch, Task, Worker
from crowd.services import control
from crowd.services.standing import Standing

PAGES_AHEAD, MORE = 3, 4
ON_OFFER = """
SELECT task.* FROM unnest(%s::bigint[], %s::int[]) AS asked (batch, most)
 CROSS JOIN LATERAL (SELECT * FROM crowd_task WHERE batch_id = asked.batch AND NOT cancelled AND issued < overlap
                      ORDER BY priority DESC, id LIMIT asked.most FOR UPDATE SKIP LOCKED) AS task
"""


@dataclass(slots=True)
class _Queue:
    """The first tasks of a batch, in the order in which they are given out; at most so many were asked for."""

    most: int
    tasks: list[Task] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        return len(self.tasks) == self.most


@dataclass(slots=True)
class ReadAhead:
    """Tasks for these workers, who have no queue of their own, good while nobody else gives out any.

    Places are given out in memory; whoever writes the pages counts them, and then says so.
    """

    workers: Sequence[Worker]
    batches: Sequence[Batch] = ()
    _queues: dict[int, _Queue] = field(default_factory=dict)
    _sets: dict[int, list[Task]] = field(default_factory=dict)
    _seen: dict[int, set[int]] = field(default_factory=dict)
    _given: Counter[int] = field(default_factory=Counter)

    def whole_set(self, *, batch: Batch, worker: Worker) -> list[Task]:
        """Return the training or exam for somebody who was never in it: the same for each."""
        if batch.pk not in self._sets:
            self._sets[batch.pk] = control.whole_set(batch=batch, worker=worker)
        return self._sets[batch.pk]

    def take(self, *, batch: Batch, known: Standing, n: int) -> list[Task]:
        """Give the worker the next tasks of a batch that he has neither seen nor made."""
        worker, queue = known.worker, self._queue_of(batch)
        found = list(islice(self._free(queue, worker), max(0, n)))
        while len(found) < n and queue.goes_on:
            queue = self._read({batch.pk: MORE * queue.most})[batch.pk]
            found = list(islice(self._free(queue, worker), n))
        for task in found:
            task.issued += 1
            self._given[task.pk] += 1
            self._seen[worker.pk].add(task.pk)
        return found

    def are_counted(self) -> None:
        """The places that were given out are in the database now."""
        self._given.clear()

    def _free(self, queue: _Queue, worker: Worker) -> Iterator[Task]:
        for task in queue.tasks:
            is_free = task.overlap is not None and task.issued < task.overlap - task.kept
            if is_free and task.author_id != worker.pk and task.pk not in self._seen[worker.pk]:
                yield task

    def _queue_of(self, batch: Batch) -> _Queue:
        if not self._queues:
            self._seen = self._answered()
            self._read({one.pk: PAGES_AHEAD * one.page_size for one in self.batches if one.kind == Batch.Kind.MAIN})
        return self._queues.get(batch.pk) or self._read({batch.pk: PAGES_AHEAD * batch.page_size})[batch.pk]

    def _answered(self) -> dict[int, set[int]]:
        seen: defaultdict[int, set[int]] = defaultdict(set)
        given = Answer.objects.filter(worker__in=[worker.pk for worker in self.workers])
        for worker_id, task_id in given.values_list("worker_id", "task_id"):
            seen[worker_id].add(task_id)
        return seen

    def _read(self, most: Mapping[int, int]) -> Mapping[int, _Queue]:
        """Read and lock so many tasks of each of these batches; what others hold is passed by."""
        self._queues |= {pk: _Queue(n) for pk, n in most.items()}
        found = Task.objects.raw(ON_OFFER, [list(most), list(most.values())])
        for task in sorted(found, key=lambda task: (-task.priority, task.pk)):
            task.issued += self._given[task.pk]
            self._queues[task.batch_id].tasks.append(task)
        return self._queues
