from django.db import models
from django.db.models.functions import Now

from crowd.models.account import Account
from crowd.models.worker import DIGEST_BYTES, Skill, Worker, WorkerTeam
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
    audience = models.JSONField(default=dict, help_text="who may work, see crowd.audience")
    review_days = models.PositiveSmallIntegerField(default=7, help_text="after so many days the platform accepts")
    expires_at = models.DateTimeField(null=True, blank=True)
    pays_whole_pages = models.BooleanField(default=False, help_text="a page with fewer tasks costs as much")
    team = models.ForeignKey(
        WorkerTeam, null=True, blank=True, on_delete=models.PROTECT, related_name="batches", help_text="only for them"
    )
    trial_id = models.BigIntegerField(null=True, blank=True, help_text="opaque: the price trial it is an arm of")
    trial_share = models.FloatField(
        null=True, blank=True, help_text="part of the work this arm gets while the trial runs; null = no trial runs"
    )
    remote = models.JSONField(default=dict, help_text="ids of what belongs to it on the platform")
    watermark = models.CharField(max_length=400, blank=True, help_text="how far it has been pulled")
    published_at = models.DateTimeField(null=True, blank=True)
    pulled_at = models.DateTimeField(null=True, blank=True)
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
        indexes = [
            models.Index(fields=["account", "state", "-priority", "id"], name="batch_on_offer"),
            models.Index(fields=["trial_id"], condition=models.Q(trial_id__isnull=False), name="batch_of_trial"),
        ]

    def __str__(self) -> str:
        return f"batch {self.key}"


class ArmSeat(models.Model):
    """The one arm of a price trial that a worker sees: nobody is shown the same work at two prices."""

    trial_id = models.BigIntegerField()
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="arm_seats")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="seats")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial_id", "worker"], name="one_arm_per_worker")]

    def __str__(self) -> str:
        return f"seat of {self.worker_id} in {self.batch_id}"


class Task(models.Model):
    """One thing to do, for `overlap` different workers. A task with a known answer is a control task: no limit."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="tasks", db_index=False)
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
    kept = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="places kept for workers by name")
    cancelled = models.BooleanField(default=False)
    remote_id = models.CharField(max_length=200, blank=True)
    to_push = models.BooleanField(default=False, help_text="the platform does not know this state of the task yet")
    push_id = models.BigIntegerField(null=True, blank=True, help_text="the outbox command that carries it")
    remote_error = models.CharField(max_length=300, blank=True, help_text="why the platform refused it")

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
            models.Index(fields=["batch", "id"], condition=models.Q(to_push=True), name="task_to_push"),
            models.Index(fields=["push_id"], condition=models.Q(push_id__isnull=False), name="task_of_push"),
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

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    ext_id = models.CharField(max_length=200)
    ext_digest = models.BinaryField(max_length=DIGEST_BYTES)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    project_id = models.BigIntegerField()
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    price_micro = models.BigIntegerField(default=0)
    hourly_micro = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="what an hour of this page is paid, as agreed when it was issued; 0 = a price",
    )
    issued_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.IntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="what the worker reads when it is rejected")
    processed_at = models.DateTimeField(null=True, blank=True, help_text="when the product took it in")
    fee_micro = models.BigIntegerField(default=0, help_text="what the platform takes on top of the price")
    awaits_files = models.BooleanField(
        default=False, help_text="its files, or the platform's word that it was handed in, are still to come"
    )
    platform_state = models.CharField(max_length=10, blank=True, help_text="as last seen there; empty = ours alone")
    review_until = models.DateTimeField(null=True, blank=True, help_text="when the platform accepts by itself")

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
            models.CheckConstraint(condition=models.Q(hourly_micro__gte=0), name="assignment_rate_not_negative"),
        ]
        indexes = [
            models.Index(
                fields=["project_id", "id"],
                condition=models.Q(processed_at__isnull=True, submitted_at__isnull=False, awaits_files=False),
                name="inbox",
            ),
            models.Index(
                fields=["review_until"],
                condition=models.Q(state="submitted", review_until__isnull=False),
                name="assignment_deadlines",
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state="active"), name="assignment_leases"),
            models.Index(fields=["worker", "state"], name="assignment_of_worker"),
            models.Index(fields=["batch", "state"], name="assignment_of_batch"),
            models.Index(fields=["batch", "id"], name="assignment_newest_of_batch"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class Answer(models.Model):
    """One task of a page, answered or about to be."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="answers")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="answers", db_index=False)
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="answers")
    seq = models.PositiveSmallIntegerField(default=0)
    control_ok = models.BooleanField(null=True, blank=True, help_text="null = not a control task, or not answered")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "worker"], name="a_task_once_per_worker")]
        indexes = [
            models.Index(fields=["worker", "id"], condition=models.Q(control_ok__isnull=False), name="answer_controls")
        ]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class AnswerRaw(models.Model):
    """What the worker sent, as it came. Cold; never changed."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, primary_key=True, related_name="raw")
    payload = models.JSONField()

    def __str__(self) -> str:
        return f"raw answer {self.pk}"


class RemoteFile(StateMachine):
    """A file of an answer that still lies outside: on the platform, or behind a link a worker has sent."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    TRANSITIONS = {
        State.WAITING: frozenset({State.DONE, State.FAILED}),
        State.FAILED: frozenset({State.WAITING}),
        State.DONE: frozenset(),
    }

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, primary_key=True, related_name="remote_file")
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="remote_files")
    ref = models.CharField(max_length=2000, help_text="what the adapter fetches it by")
    payload = models.JSONField(default=dict, help_text="the answer as it came")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    failures = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [state_check(["waiting", "done", "failed"], "remote_file_state_known")]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(state="waiting"), name="remote_file_due")]

    def __str__(self) -> str:
        return f"file {self.ref}"


class Appeal(StateMachine):
    """A worker asks for a rejected page to be looked at again. One per page."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld", "paid after all"
        DENIED = "denied"

    TRANSITIONS = {
        State.OPEN: frozenset({State.UPHELD, State.DENIED}),
        State.UPHELD: frozenset(),
        State.DENIED: frozenset(),
    }

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="appeal")
    project_id = models.BigIntegerField(db_index=True)
    text = models.CharField(max_length=1000)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    reply = models.CharField(max_length=1000, blank=True)
    decided_by_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [state_check(["open", "upheld", "denied"], "appeal_state_known")]

    def __str__(self) -> str:
        return f"appeal against {self.assignment_id}"
