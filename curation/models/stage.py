from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.models import Account
from crowd.states import StateMachine, state_check
from curation.models.project import LabelClass, Project


class Stage(StateMachine):
    """One step of a project's recipe. `kind` names its module in curation.stages.registry."""

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        DONE = "done"

    TRANSITIONS = {
        State.RUNNING: frozenset({State.PAUSED, State.DONE}),
        State.PAUSED: frozenset({State.RUNNING}),
        State.DONE: frozenset({State.RUNNING}),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=60, help_text="key inside the recipe, for example validate")
    title = models.CharField(max_length=80)
    settings = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="stage_position_once"),
            models.UniqueConstraint(fields=["project", "name"], name="stage_name_once"),
            state_check(["running", "paused", "done"], "stage_state_known"),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return self.title


class PoolQuerySet(models.QuerySet["Pool"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class Pool(StateMachine):
    """Crowd work of one stage: what is wanted, at which price, on which platform. One or more batches carry it out."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPENING = "opening"
        OPEN = "open"
        PAUSED = "paused"
        DONE = "done"

    class Kind(models.TextChoices):
        TRAINING = "training"
        EXAM = "exam"
        MAIN = "main"

    TRANSITIONS = {
        State.DRAFT: frozenset({State.OPENING}),
        State.OPENING: frozenset({State.OPEN, State.PAUSED, State.DRAFT}),
        State.OPEN: frozenset({State.PAUSED, State.DONE}),
        State.PAUSED: frozenset({State.OPENING, State.DONE}),
        State.DONE: frozenset({State.OPENING}),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pools")
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="pools")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    label_class = models.ForeignKey(LabelClass, null=True, blank=True, on_delete=models.PROTECT, related_name="pools")
    condition = models.CharField(
        max_length=120, blank=True, default="", db_default="", help_text="what it asks for besides, such as skin: dark"
    )
    title = models.CharField(max_length=80, help_text="CALL; team and owner are fields of their own")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    priority = models.SmallIntegerField(default=0)
    wanted = models.PositiveIntegerField(default=0, help_text="accepted results wanted; 0 = as many as arrive")
    price_micro = models.BigIntegerField(default=0, help_text="price of a page, micro-dollars")
    price_table = models.JSONField(default=list)
    overlap = models.PositiveSmallIntegerField(default=1)
    revision = models.PositiveIntegerField(default=0, help_text="raised with every opening")
    note = models.CharField(max_length=200, blank=True, help_text="why it stands still, in words")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = PoolQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "kind", "label_class", "account", "condition"],
                name="pool_once",
                nulls_distinct=False,
            ),
            state_check(["draft", "opening", "open", "paused", "done"], "pool_state_known"),
            models.CheckConstraint(condition=models.Q(price_micro__gte=0), name="pool_price_not_negative"),
            models.CheckConstraint(
                condition=models.Q(overlap__gte=1, overlap__lte=30_000), name="pool_overlap_in_range"
            ),
        ]
        ordering = ["stage__position", "kind", "id"]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """Return CLASS [TEAM] [Owner], made from fields."""
        parts = [self.title, f"[{self.project.team}]", f"[{self.project.owner}]"]
        return " ".join(part for part in parts if part != "[]")
