from django.db import models
from django.db.models.functions import Now

from crowd.models.account import Account
from crowd.models.worker import DIGEST_BYTES, Skill, Worker
from crowd.states import StateMachine, state_check


class Batch(StateMachine):
    """Tasks at one price, published on one platform account. Project, pool and stage ids are opaque here."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"
        ARCHIVED = "archived"

    class Kind(models.TextChoices):
        TRAINING = "training"
        EXAM = "exam"
        MAIN = "main"

    TRANSITIONS = {
        State.DRAFT: frozenset({State.OPEN, State.ARCHIVED}),
        State.OPEN: frozenset({State.PAUSED, State.CLOSED}),
        State.PAUSED: frozenset({State.OPEN, State.CLOSED}),
        State.CLOSED: frozenset({State.OPEN, State.ARCHIVED}),
        State.ARCHIVED: frozenset(),
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="batches")
    key = models.CharField(max_length=120, unique=True, help_text="our idempotency key for find-or-create")
    remote_id = models.CharField(max_length=200, blank=True)
    project_id = models.BigIntegerField(db_index=True)
    pool_id = models.BigIntegerField(db_index=True)
    stage_id = models.BigIntegerField(db_index=True)
    kind = models.CharField(max_length=10, choices=Kind)
    interface = models.CharField(max_length=40, help_text="which task page: photo, choice, boxes")
    spec = models.JSONField(default=dict, help_text="title, instructions, options, labels, template of the task page")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    priority = models.SmallIntegerField(default=0)
    page_size = models.PositiveSmallIntegerField(default=1)
    control_per_page = models.PositiveSmallIntegerField(default=0)
    per_worker = models.PositiveIntegerField(default=0, help_text="most real tasks for one worker; 0 = no limit")
    overlap = models.PositiveSmallIntegerField(default=1)
    price_micro = models.BigIntegerField(default=0, help_text="price of a page, micro-dollars")
    price_table = models.JSONField(default=list, help_text="[[lowest skill, highest skill, micro-dollars], …]")
    price_skill = models.ForeignKey(Skill, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    needs_skill = models.ForeignKey(Skill, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    needs_value = models.PositiveSmallIntegerField(default=0)
    grants_skill = models.ForeignKey(Skill, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    auto_accept = models.BooleanField(default=True, help_text="off = postponed acceptance")
    rules = models.JSONField(default=dict, help_text="quality rules, see crowd.services.trust")
    assignment_seconds = models.PositiveIntegerField(default=900)
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            state_check(["draft", "open", "paused", "closed", "archived"], "batch_state_known"),
            models.CheckConstraint(condition=models.Q(price_micro__gte=0), name="batch_price_not_negative"),
            models.CheckConstraint(condition=models.Q(page_size__gte=1), name="batch_page_not_empty"),
            models.CheckConstraint(condition=models.Q(overlap__gte=1), name="batch_overlap_not_zero"),
            models.CheckConstraint(condition=models.Q(needs_value__lte=100), name="batch_gate_to_100"),
        ]
        indexes = [models.Index(fields=["account", "state", "-priority", "id"], name="batch_on_offer")]

    def __str__(self) -> str:
        return f"batch {self.key}"


class Task(models.Model):
    """One thing to do, for `overlap` different workers. A task with a known answer is a control task: no limit."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=120, help_text="idempotency key inside the batch")
    project_id = models.BigIntegerField()
    item_id = models.BigIntegerField(null=True, blank=True, help_text="opaque: what the product calls an asset")
    payload = models.JSONField(default=dict, help_text="what the worker sees")
    author_id = models.BigIntegerField(null=True, blank=True, help_text="a worker who never gets this task")
    known_answer = models.JSONField(null=True, blank=True)
    hint = models.CharField(max_length=300, blank=True)
    priority = models.SmallIntegerField(default=0)
    overlap = models.PositiveSmallIntegerField(null=True, blank=True)
    issued = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    cancelled = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "key"], name="task_once_per_batch"),
            models.CheckConstraint(condition=models.Q(issued__gte=0, done__gte=0), name="task_counts_not_negative"),
        ]
        indexes = [
            models.Index(
                "batch",
                models.F("priority").desc(),
                "id",
                condition=models.Q(issued__lt=models.F("overlap"), cancelled=False),
                name="task_on_offer",
            ),
            models.Index(fields=["item_id"], name="task_of_item"),
        ]

    def __str__(self) -> str:
        return f"task {self.key}"


class Assignment(StateMachine):
    """A page of tasks in one worker's hands. The unprocessed submitted ones are the inbox."""

    class State(models.TextChoices):
        ACTIVE = "active"
        SUBMITTED = "submitted"
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        SKIPPED = "skipped"
        EXPIRED = "expired"

    TRANSITIONS = {
        State.ACTIVE: frozenset({State.SUBMITTED, State.SKIPPED, State.EXPIRED}),
        State.SUBMITTED: frozenset({State.ACCEPTED, State.REJECTED}),
        State.REJECTED: frozenset({State.ACCEPTED}),
        State.ACCEPTED: frozenset(),
        State.SKIPPED: frozenset(),
        State.EXPIRED: frozenset(),
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="assignments")
    ext_id = models.CharField(max_length=200)
    ext_digest = models.BinaryField(max_length=DIGEST_BYTES)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="assignments")
    project_id = models.BigIntegerField()
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="assignments")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    price_micro = models.BigIntegerField(default=0)
    issued_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.IntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="what the worker reads when it is rejected")
    processed_at = models.DateTimeField(null=True, blank=True, help_text="when the product took it in")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "ext_digest"], name="assignment_once"),
            models.UniqueConstraint(
                fields=["batch", "worker"], condition=models.Q(state="active"), name="one_active_page_per_worker"
            ),
            state_check(
                ["active", "submitted", "accepted", "rejected", "skipped", "expired"], "assignment_state_known"
            ),
            models.CheckConstraint(condition=models.Q(price_micro__gte=0), name="assignment_price_not_negative"),
        ]
        indexes = [
            models.Index(
                fields=["project_id", "id"],
                condition=models.Q(processed_at__isnull=True, submitted_at__isnull=False),
                name="inbox",
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state="active"), name="assignment_leases"),
            models.Index(fields=["worker", "state"], name="assignment_of_worker"),
            models.Index(fields=["batch", "state"], name="assignment_of_batch"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class Answer(models.Model):
    """One task of a page, answered or about to be."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="answers")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="answers")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="answers")
    seq = models.PositiveSmallIntegerField(default=0)
    control_ok = models.BooleanField(null=True, blank=True, help_text="null = not a control task, or not answered")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "worker"], name="a_task_once_per_worker")]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class AnswerRaw(models.Model):
    """What the worker sent, as it came. Cold; never changed."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, primary_key=True, related_name="raw")
    payload = models.JSONField()

    def __str__(self) -> str:
        return f"raw answer {self.pk}"
