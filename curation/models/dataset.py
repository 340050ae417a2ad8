from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.states import StateMachine, state_check
from curation.models.asset import Asset
from curation.models.consensus import Consensus
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import LabelClass, Project


class DatasetQuerySet(models.QuerySet["DatasetVersion"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class DatasetVersion(models.Model):
    """A frozen list of assets with their consensus. Never changed after freezing."""

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=300, blank=True)
    counts = models.JSONField(default=dict)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="version_number_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"v{self.number}"


class DatasetItem(models.Model):
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="items")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="dataset_items")
    consensus = models.ForeignKey(Consensus, null=True, on_delete=models.PROTECT, related_name="+")
    label_class = models.ForeignKey(LabelClass, null=True, on_delete=models.PROTECT, related_name="+")
    boxes = models.JSONField(default=list, help_text="as frozen: label, x, y, w, h (fractions), confidence")
    split = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "asset"], name="asset_once_per_version")]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.dataset_id}"


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(dataset__project__in=Project.objects.visible_to(user))


class Export(StateMachine):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    TRANSITIONS = {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED}),
        State.RUNNING: frozenset({State.DONE, State.FAILED, State.RUNNING}),
        State.DONE: frozenset(),
        State.FAILED: frozenset({State.QUEUED}),
    }

    public_id = public_id()
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="exports")
    format = models.CharField(max_length=20)
    with_images = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    progress = models.PositiveIntegerField(default=0, help_text="images written so far")
    storage_key = models.CharField(max_length=255, blank=True)
    receipt = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [state_check(["queued", "running", "done", "failed"], "export_state_known")]

    def __str__(self) -> str:
        return f"{self.format} of {self.dataset_id}"
