from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crowd.states import StateMachine, state_check
from curation.models.asset import Asset
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def seen_by(self, user: Any) -> Self:
        """A person's own views and those that others share in the project."""
        return self.filter(Q(owner=user) | Q(is_shared=True))


class SavedView(models.Model):
    """A query over a project's assets under a name, as a tab of the browser."""

    class Layout(models.TextChoices):
        GRID = "grid"
        LIST = "list"

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True, help_text="as docs/query.md describes it")
    layout = models.CharField(max_length=4, choices=Layout, default=Layout.GRID)
    is_shared = models.BooleanField(default=False)
    position = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "owner", "name"], name="view_name_once"),
            models.CheckConstraint(condition=Q(layout__in=["grid", "list"]), name="view_layout_known"),
        ]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class BulkChange(StateMachine):
    """One change a person asked for on many assets at once: a query or a selection, done in the background."""

    class State(models.TextChoices):
        RUNNING = "running", "being changed"
        DONE = "done", "changed"
        UNDOING = "undoing", "being undone"
        UNDONE = "undone", "undone"

    class Action(models.TextChoices):
        CLASS = "class", "set the class"
        TAG = "tag", "add a tag"
        UNTAG = "untag", "remove a tag"
        DROP = "drop", "drop"
        RESTORE = "restore", "restore"
        REVIEW = "review", "send to review"
        HOLD_OUT = "hold_out", "hold out"

    TRANSITIONS = {
        State.RUNNING: frozenset({State.DONE, State.UNDOING}),
        State.DONE: frozenset({State.UNDOING}),
        State.UNDOING: frozenset({State.UNDONE}),
        State.UNDONE: frozenset(),
    }

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="bulk_changes")
    action = models.CharField(max_length=10, choices=Action)
    settings = models.JSONField(default=dict, help_text="what to do; the query or ids, and the newest asset seen")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    matched = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    undone = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            state_check(["running", "done", "undoing", "undone"], "bulk_change_state_known"),
            models.CheckConstraint(
                condition=Q(action__in=["class", "tag", "untag", "drop", "restore", "review", "hold_out"]),
                name="bulk_change_action_known",
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="bulk_change_list")]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"


class BulkChanged(models.Model):
    """One asset of a bulk change, and what it was before; nothing there = it was left as it is."""

    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="assets")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    before = models.JSONField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "asset"], name="bulk_changed_once")]
        indexes = [models.Index(fields=["change", "id"], name="bulk_changed_list")]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.change_id}"
