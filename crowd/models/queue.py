from django.db import models
from django.db.models.functions import Now

from crowd.models.account import Account
from crowd.states import StateMachine, state_check


class QueueRow(StateMachine):
    """Something that must happen once: the columns shared by jobs and by remote effects.

    The lease says who works on it until when; the fence counts claims, and a finish with an old fence is refused.
    """

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=120)
    queue = models.CharField(max_length=12, default="default")
    payload = models.JSONField(default=dict)
    priority = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=120, blank=True)
    fence = models.BigIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    rung_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class OutboxCommand(QueueRow):
    """One effect on a platform, written in the transaction that wants it and carried out afterwards."""

    class State(models.TextChoices):
        PLANNED = "planned"
        SENDING = "sending"
        DONE = "done"
        REFUSED = "refused"
        UNKNOWN = "unknown"
        NEEDS_PERSON = "needs_person"
        CANCELLED = "cancelled"
        DEAD = "dead"

    TRANSITIONS = {
        State.PLANNED: frozenset({State.SENDING, State.CANCELLED, State.DEAD}),
        State.SENDING: frozenset(
            {State.DONE, State.REFUSED, State.PLANNED, State.UNKNOWN, State.NEEDS_PERSON, State.DEAD}
        ),
        State.UNKNOWN: frozenset({State.DONE, State.PLANNED, State.NEEDS_PERSON, State.DEAD}),
        State.NEEDS_PERSON: frozenset({State.PLANNED, State.DONE, State.CANCELLED, State.DEAD}),
        State.DONE: frozenset(),
        State.REFUSED: frozenset({State.PLANNED}),
        State.CANCELLED: frozenset(),
        State.DEAD: frozenset({State.PLANNED}),
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="outbox")
    batch_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    lane = models.CharField(
        max_length=80, blank=True, help_text="commands of one lane are carried out one after the other"
    )
    state = models.CharField(max_length=12, choices=State, default=State.PLANNED)
    result = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="outbox_once"),
            state_check(
                ["planned", "sending", "done", "refused", "unknown", "needs_person", "cancelled", "dead"],
                "outbox_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "-priority", "next_at"], condition=models.Q(state="planned"), name="outbox_due"
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state="sending"), name="outbox_leases"),
            models.Index(
                fields=["lane", "id"],
                condition=models.Q(state__in=["planned", "sending", "unknown", "needs_person"]),
                name="outbox_lanes",
            ),
        ]
