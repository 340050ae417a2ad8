"""Models that others train: what they predict for a frozen version, and how well they do in each scenario."""

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from curation.models.asset import Asset
from curation.models.dataset import DatasetVersion
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project


class Real(models.FloatField):  # type: ignore[type-arg]
    """A number of four bytes: a vector of them is half as large."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002  the signature is Django's
        return "real"


class PredictionsQuerySet(models.QuerySet["Predictions"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))

    def judged(self) -> Self:
        """Leave out what says nothing that could be right or wrong."""
        return self.exclude(kind=Predictions.Kind.VECTORS)


class Predictions(models.Model):
    """What one version of a model says of the images of a frozen data set version. Never changed after it came."""

    class Kind(models.TextChoices):
        BOXES = "boxes"
        LABELS = "labels"
        VECTORS = "vectors"  # embeddings alone: for what is alike, there is nothing to judge

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="predictions")
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="predictions")
    model = models.CharField(max_length=60)
    model_version = models.CharField(max_length=40)
    trained_on = models.ForeignKey(
        DatasetVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="models_trained"
    )
    part = models.CharField(max_length=10, blank=True, help_text="part of the version it was run on; empty = all")
    kind = models.CharField(max_length=7, choices=Kind)
    images = models.PositiveIntegerField(default=0)
    boxes = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, help_text="of the file: the same one again changes nothing")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = PredictionsQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "model", "model_version"], name="predictions_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["boxes", "labels", "vectors"]), name="predictions_kind_known"
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="predictions_of_project")]

    def __str__(self) -> str:
        return f"{self.model} {self.model_version}"


class Prediction(models.Model):
    """What a model says of one image; `confidence` is the lowest of it, by which unsure images are found."""

    predictions = models.ForeignKey(Predictions, on_delete=models.CASCADE, related_name="rows")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="predictions")
    boxes = models.JSONField(default=list, help_text="label, x, y, w, h (fractions), confidence")
    label = models.CharField(max_length=60, blank=True)
    confidence = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["predictions", "asset"], name="prediction_once"),
            models.CheckConstraint(
                condition=models.Q(confidence=None) | models.Q(confidence__gte=0, confidence__lte=1),
                name="prediction_confidence_in_range",
            ),
        ]
        indexes = [models.Index(fields=["predictions", "confidence"], name="prediction_unsure_first")]

    def __str__(self) -> str:
        return f"prediction for {self.asset_id}"


class Scenario(models.Model):
    """A kept query with the performance that is tolerated there: a test that every model version must pass."""

    class Metric(models.TextChoices):
        PRECISION = "precision"
        RECALL = "recall"
        F1 = "f1", "F1"
        ACCURACY = "accuracy"

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scenarios")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    metric = models.CharField(max_length=10, choices=Metric, default=Metric.RECALL)
    iou = models.FloatField(default=0.5)
    confidence = models.FloatField(default=0.5, help_text="what a model is less sure of does not count as said")
    tolerated = models.FloatField(help_text="the metric must be at least this, 0 to 1")
    retired_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(retired_at=None), name="scenario_name_once"
            ),
            models.CheckConstraint(
                condition=models.Q(tolerated__gt=0, tolerated__lt=1, iou__gt=0, iou__lte=1),
                name="scenario_limits_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(metric__in=["precision", "recall", "f1", "accuracy"]), name="scenario_metric_known"
            ),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ScenarioVerdict(models.Model):
    """How a model version did in a scenario, with the terms of that time: a changed scenario is judged anew."""

    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="verdicts")
    predictions = models.ForeignKey(Predictions, on_delete=models.CASCADE, related_name="verdicts")
    terms = models.JSONField(default=dict, help_text="query, metric, iou, confidence and tolerated as they were")
    images = models.PositiveIntegerField()
    right = models.FloatField()
    n = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    verdict = models.CharField(max_length=9)
    more = models.PositiveIntegerField(null=True, blank=True, help_text="how many more would decide")
    largest_subject = models.FloatField(default=0, help_text="share of the images that one person sent")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scenario", "predictions"],
                condition=models.Q(is_current=True),
                name="one_current_verdict",
            ),
            models.CheckConstraint(condition=models.Q(verdict__in=["pass", "fail", "undecided"]), name="verdict_known"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} in {self.scenario_id}"

    @property
    def share(self) -> float | None:
        return self.right / self.n if self.n else None


class Embedding(models.Model):
    """A vector somebody's model made of an image (`box` 0) or of one of its boxes, compared within its `space` only."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="embeddings")
    space = models.CharField(max_length=60, help_text="name of the model that made it")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="embeddings")
    box = models.PositiveSmallIntegerField(default=0)
    place = models.JSONField(null=True, blank=True, help_text="of the box: x, y, w, h (fractions)")
    vector = ArrayField(Real())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "space", "box"], name="embedding_once")]
        indexes = [models.Index(fields=["project", "space", "box"], name="embedding_of_space")]

    def __str__(self) -> str:
        return f"{self.space} of {self.asset_id}"
