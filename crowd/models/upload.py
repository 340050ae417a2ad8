import uuid
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.models.work import Answer
from crowd.models.worker import Worker
from crowd.states import StateMachine, state_check


class UploadQuerySet(models.QuerySet["Upload"]):
    def of_answers(self, answer_ids: list[int]) -> Self:
        return self.filter(answer_id__in=answer_ids).order_by("id")


class Upload(StateMachine):
    """A file a worker sends in pieces. The pieces lie apart until all are there and the digest is right."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        DONE = "done"
        REFUSED = "refused"

    TRANSITIONS = {
        State.RECEIVING: frozenset({State.DONE, State.REFUSED}),
        State.DONE: frozenset(),
        State.REFUSED: frozenset(),
    }

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="uploads")
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255, blank=True, help_text="text from outside; never a path")
    size = models.PositiveBigIntegerField(help_text="bytes announced")
    sha256 = models.CharField(max_length=64, help_text="digest announced, checked at the end")
    received = models.PositiveBigIntegerField(default=0)
    parts = models.JSONField(default=list, help_text="storage keys of the pieces, in order")
    key = models.CharField(max_length=255, blank=True, help_text="storage key of the whole file")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVING)
    reason = models.CharField(max_length=300, blank=True, help_text="what the worker reads when it is refused")
    created_at = models.DateTimeField(db_default=Now())

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            state_check(["receiving", "done", "refused"], "upload_state_known"),
            models.CheckConstraint(condition=models.Q(received__lte=models.F("size")), name="upload_not_longer"),
        ]
        indexes = [models.Index(fields=["answer", "id"], name="upload_of_answer")]

    def __str__(self) -> str:
        return f"upload {self.public_id}"

    def as_answer(self) -> dict[str, Any]:
        """Return the answer payload of the photo interface."""
        return {"file": {"key": self.key, "sha256": self.sha256, "bytes": self.size, "name": self.name}}
