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

    def frozen(self) -> Self:
        return self.filter(frozen_at__isnull=False)


class DatasetVersion(models.Model):
    """A frozen list of assets with their consensus. Never changed after freezing."""

    class State(models.TextChoices):
        """What became of it so far; read from `frozen_at` and `error`."""

        FREEZING = "freezing"
        FROZEN = "frozen"
        FAILED = "failed"

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=300, blank=True)
    query = models.CharField(max_length=1000, blank=True, help_text="which assets were frozen; empty = all published")
    counts = models.JSONField(default=dict)
    card = models.JSONField(default=dict, help_text="what the card of the data set said when this was frozen")
    splits = models.JSONField(default=dict, help_text="how it was split: by, seed, shares, counts; empty = not split")
    error = models.CharField(max_length=300, blank=True, help_text="why it could not be frozen")
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="version_number_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def state(self) -> str:
        if self.frozen_at is not None:
            return self.State.FROZEN
        return self.State.FAILED if self.error else self.State.FREEZING


class DatasetCard(models.Model):
    """What a project says of its data set to those who use it; every version keeps what it said at its time."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="card")
    title = models.CharField(max_length=120, blank=True)
    description = models.TextField(max_length=4000, blank=True)
    licence = models.CharField(max_length=120, blank=True, help_text="an SPDX name such as CC-BY-4.0, or its address")
    intended_use = models.TextField(max_length=4000, blank=True)
    limits = models.TextField(max_length=4000, blank=True, help_text="what it should not be used for")
    consent = models.TextField(
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        help_text="where and by which terms those agreed who did not on our pages",
    )
    citation = models.TextField(max_length=2000, blank=True)
    homepage = models.URLField(max_length=300, blank=True)
    updated_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.title or f"card of {self.project_id}"


class DatasetItem(models.Model):
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="items")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="dataset_items")
    consensus = models.ForeignKey(Consensus, null=True, on_delete=models.PROTECT, related_name="+")
    label_class = models.ForeignKey(LabelClass, null=True, on_delete=models.PROTECT, related_name="+")
    boxes = models.JSONField(default=list, help_text="as frozen: label, x, y, w, h (fractions), confidence")
    answers = models.JSONField(
        default=dict, db_default={}, help_text="as frozen: what each question about the picture came to, by its stage"
    )
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
        CANCELLED = "cancelled"

    TRANSITIONS = {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED, State.CANCELLED}),
        State.RUNNING: frozenset({State.DONE, State.FAILED, State.RUNNING, State.CANCELLED}),
        State.DONE: frozenset(),
        State.FAILED: frozenset({State.QUEUED}),
        State.CANCELLED: frozenset(),
    }

    public_id = public_id()
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="exports")
    format = models.CharField(max_length=20)
    with_images = models.BooleanField(default=True)
    max_side = models.PositiveIntegerField(null=True, blank=True, help_text="longest side of pictures; empty = as sent")
    since = models.ForeignKey(
        DatasetVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deltas",
        help_text="only what differs from this version",
    )
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
        constraints = [state_check(["queued", "running", "done", "failed", "cancelled"], "export_state_known")]

    def __str__(self) -> str:
        return f"{self.format} of {self.dataset_id}"


class DataSource(models.Model):
    """A labelled data set of somebody else's that was taken in."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=120)
    format = models.CharField(max_length=20)
    licence = models.CharField(max_length=120, blank=True, help_text="of pictures that name none themselves")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="source_name_once")]

    def __str__(self) -> str:
        return self.name


class SourcedPicture(models.Model):
    """An asset as one of the sources has it; one that several sources have stands in several rows."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="pictures")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="sources")
    reference = models.CharField(max_length=300, help_text="what the source calls it")
    licence = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "asset"], name="picture_once_per_source")]

    def __str__(self) -> str:
        return f"{self.reference} of {self.source_id}"
