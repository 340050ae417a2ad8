from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crowd.states import StateMachine, state_check
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project


class RehearsalQuerySet(models.QuerySet["Rehearsal"]):
    def visible_to(self, user: Any) -> Self:
        """What belongs to a project is seen by its members; before there is one, by who asked for it."""
        if not user.is_authenticated:
            return self.none()
        mine = Project.objects.visible_to(user).values("pk")
        return self.filter(Q(project__in=mine) | Q(project=None, created_by=user) | Q(project=None, ran_as__in=mine))


class Rehearsal(StateMachine):
    """A rehearsal somebody asked for, and what came of it. Those of one comparison differ in settings or seed alone."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    TRANSITIONS = {
        State.WAITING: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
        State.RUNNING: frozenset({State.DONE, State.CANCELLED, State.FAILED}),
        State.DONE: frozenset(),
        State.CANCELLED: frozenset(),
        State.FAILED: frozenset(),
    }

    public_id = public_id()
    project = models.ForeignKey(
        Project, null=True, on_delete=models.SET_NULL, related_name="rehearsals", help_text="the one that is rehearsed"
    )
    ran_as = models.ForeignKey(
        Project, null=True, on_delete=models.SET_NULL, related_name="+", help_text="where its pictures and pages are"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    recipe = models.CharField(max_length=60)
    classes = models.JSONField(default=list, help_text="names; empty = the first ones of the recipe")
    settings = models.JSONField(default=dict, help_text="by stage and name")
    varied = models.JSONField(default=dict, help_text="what makes it another row of its comparison, by stage.name")
    seed = models.BigIntegerField()
    size = models.PositiveIntegerField(help_text="photos accepted over all classes")
    pictures = models.BooleanField(default=True, help_text="no: photos are planted facts, nothing is drawn")
    comparison = models.UUIDField(null=True, blank=True, db_index=True)
    accepted = models.PositiveIntegerField(default=0, help_text="how many photos are through")
    wall_seconds = models.FloatField(default=0)
    report = models.JSONField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text="why it failed, in words")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RehearsalQuerySet.as_manager()

    class Meta:
        constraints = [state_check(["waiting", "running", "done", "cancelled", "failed"], "rehearsal_state_known")]
        indexes = [models.Index(fields=["project", "-created_at"], name="rehearsals_of_project")]

    def __str__(self) -> str:
        return f"rehearsal of {self.recipe}, seed {self.seed}, size {self.size}"

    @property
    def is_over(self) -> bool:
        return not self.TRANSITIONS[self.State(self.state)]
