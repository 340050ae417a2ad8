from django.db import models
from django.db.models.functions import Now

from crowd.models.work import Task
from crowd.models.worker import Worker


class OwnTask(models.Model):
    """A place of a task that is kept for one worker. The row goes when the worker gets the task, or a lead frees it."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="kept_places")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="own_tasks")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "worker"], name="own_task_once")]

    def __str__(self) -> str:
        return f"task {self.task_id} for worker {self.worker_id}"
