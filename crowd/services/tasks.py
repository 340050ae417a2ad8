"""Tasks of a batch: adding some, asking for more answers. Platforms elsewhere learn of it by `to_push`."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet

from crowd.bulk import insert_all
from crowd.models import Batch, Task
from crowd.platforms.registry import elsewhere


def add(*, batch: Batch, tasks: Sequence[Task]) -> None:
    """Store new tasks of one batch."""
    for task in tasks:
        task.to_push = batch.account.platform in elsewhere()
    insert_all(tasks, numbered=True)


@transaction.atomic
def want_more(tasks: QuerySet[Task], *, answers: int = 1) -> int:
    """Ask for more answers to each of these tasks."""
    ids = list(tasks.values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("overlap") + answers, cancelled=False)
    mark_changed(ids)
    return len(ids)


def mark_changed(ids: Sequence[int]) -> None:
    """Let the platforms know of tasks whose overlap or cancellation has changed."""
    Task.objects.filter(pk__in=ids, batch__account__platform__in=elsewhere()).update(to_push=True)
