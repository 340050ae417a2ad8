"""A worker's own queue: places of tasks that are kept for somebody by name. Other places stay for anybody.

`Task.kept` counts the places kept that nobody has been given yet; a place given out is kept no more, whatever becomes
of the page.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from crowd.models import Answer, Batch, OwnTask, Task, Worker

GIVE_OUT = """
WITH own AS (DELETE FROM crowd_owntask WHERE worker_id = %(worker)s AND task_id = ANY(%(tasks)s) RETURNING task_id)
UPDATE crowd_task SET issued = issued + 1, kept = kept - (SELECT count(*) FROM own WHERE own.task_id = crowd_task.id)
 WHERE id = ANY(%(tasks)s)
"""


def may_have(worker: Worker) -> Q:
    """Select the tasks with a place for this worker: one of his own, or one that is kept for nobody."""
    mine = OwnTask.objects.filter(task=OuterRef("pk"), worker=worker)
    return Q(issued__lt=F("overlap") - F("kept")) | Q(Exists(mine))


@transaction.atomic
def keep(*, worker: Worker, task_ids: Collection[int]) -> int:
    """Keep one place of each task for the worker and return in how many there was one.

    A task that this worker has seen or made, that is kept for him already, or that has no free place is left out.
    """
    seen = Answer.objects.filter(task=OuterRef("pk"), worker=worker)
    mine = OwnTask.objects.filter(task=OuterRef("pk"), worker=worker)
    free = (
        Task.objects.select_for_update(of=("self",))
        .filter(pk__in=task_ids, cancelled=False, batch__account_id=worker.account_id)
        .filter(~Exists(seen), ~Exists(mine), ~Q(author_id=worker.pk) | Q(author_id=None))
        .filter(issued__lt=F("overlap") - F("kept"))
    )
    ids = list(free.order_by("pk").values_list("pk", flat=True))
    OwnTask.objects.bulk_create([OwnTask(task_id=pk, worker=worker) for pk in ids])
    Task.objects.filter(pk__in=ids).update(kept=F("kept") + 1)
    return len(ids)


@transaction.atomic
def free(*, worker_id: int, project_id: int) -> int:
    """Let anybody have the places of a project that are kept for this worker; returns how many they were."""
    own = OwnTask.objects.filter(worker_id=worker_id, task__project_id=project_id)
    tasks = Task.objects.select_for_update(of=("self",)).filter(pk__in=own.values("task_id")).order_by("pk")
    ids = list(tasks.values_list("pk", flat=True))
    OwnTask.objects.filter(worker_id=worker_id, task__in=ids).delete()
    Task.objects.filter(pk__in=ids).update(kept=F("kept") - 1)
    return len(ids)


def pick(*, on_offer: QuerySet[Task], own_ids: Sequence[int], n: int) -> list[Task]:
    """Lock a worker's next tasks: those kept for him first, then by priority.

    What somebody else is just taking is passed by.
    """
    if n <= 0:
        return []
    in_turn = on_offer.order_by("-priority", "id").select_for_update(of=("self",), skip_locked=True)
    own = list(in_turn.filter(pk__in=own_ids)[:n]) if own_ids else []
    return [*own, *in_turn.exclude(pk__in=[task.pk for task in own])[: n - len(own)]]


def give_out(*, worker: Worker, tasks: Sequence[Task]) -> None:
    """Count one place of each task as given to the worker, and keep none for him any more. The caller holds the tasks.

    Every page taken goes through here: one statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(GIVE_OUT, {"worker": worker.pk, "tasks": [task.pk for task in tasks]})


def waiting(*, worker_id: int) -> Counter[int]:
    """Return how many own tasks a worker can be given now, by batch."""
    rows = OwnTask.objects.filter(
        worker_id=worker_id,
        task__cancelled=False,
        task__issued__lt=F("task__overlap"),
        task__batch__state=Batch.State.OPEN,
    )
    return Counter(rows.values_list("task__batch_id", flat=True))


def by_worker(*, project_id: int) -> Counter[int]:
    """Return how many tasks of a project are kept for each worker."""
    return Counter(OwnTask.objects.filter(task__project_id=project_id).values_list("worker_id", flat=True))
