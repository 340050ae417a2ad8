from django.db import models
from django.db.models.functions import Now

from crowd.models import QueueRow
from crowd.states import state_check


class Job(QueueRow):
    """Our own work. A recurring job is one row that is woken again (`again` remembers a wake-up during a run)."""

    class State(models.TextChoices):
        DUE = "due"
        RUNNING = "running"
        DONE = "done"
        DEAD = "dead"
        CANCELLED = "cancelled"

    TRANSITIONS = {
        State.DUE: frozenset({State.RUNNING, State.CANCELLED, State.DEAD}),
        State.RUNNING: frozenset({State.DONE, State.DUE, State.DEAD, State.CANCELLED}),
        State.DONE: frozenset({State.DUE}),
        State.DEAD: frozenset({State.DUE, State.CANCELLED}),
        State.CANCELLED: frozenset(),
    }

    project_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.DUE)
    cursor = models.JSONField(default=dict)
    done_n = models.BigIntegerField(default=0)
    total_n = models.BigIntegerField(null=True, blank=True)
    again = models.BooleanField(default=False)
    request_id = models.CharField(max_length=64, blank=True, db_default="")  # who asked for it last, for the logs

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="job_once"),
            state_check(["due", "running", "done", "dead", "cancelled"], "job_state_known"),
        ]
        indexes = [
            models.Index(fields=["queue", "-priority", "next_at"], condition=models.Q(state="due"), name="job_due"),
            models.Index(fields=["lease_until"], condition=models.Q(state="running"), name="job_leases"),
            models.Index(
                fields=["kind", "queue", "state"],
                condition=models.Q(state__in=["due", "running", "dead"]),
                name="job_unfinished",
            ),
        ]


class Tick(models.Model):
    """One firing of a schedule. The unique slot lets only one of two beats win."""

    name = models.CharField(max_length=60)
    slot = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="tick_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.slot}"
