from django.db import models
from django.db.models.functions import Now

from curation.models.asset import Asset
from curation.models.stage import Stage


class Annotation(models.Model):
    """One worker's answer about one asset. Immutable; everything derived from it can be computed again."""

    class Kind(models.TextChoices):
        LABEL = "label"
        BOXES = "boxes"
        TEXT = "text"

    project_id = models.BigIntegerField()
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="annotations", db_index=False)
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="annotations")
    answer_id = models.BigIntegerField(unique=True)
    worker_id = models.BigIntegerField()
    kind = models.CharField(max_length=6, choices=Kind)
    label = models.CharField(max_length=60, blank=True)
    flags = models.JSONField(default=list)
    is_empty = models.BooleanField(default=False, help_text="a vote for 'nothing there'")
    discarded_at = models.DateTimeField(null=True, blank=True, help_text="its worker turned out not to be trusted")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["asset", "stage"], name="annotation_of_asset"),
            models.Index(fields=["worker_id", "stage"], name="annotation_of_worker"),
            models.Index(fields=["project_id", "id"], name="annotation_of_project"),
        ]

    def __str__(self) -> str:
        return f"annotation {self.pk}"


class Box(models.Model):
    """A rectangle as one worker drew it, in fractions of the image, origin top left, or the one around an outline."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="boxes", db_index=False)
    seq = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=60)
    x = models.FloatField()
    y = models.FloatField()
    w = models.FloatField()
    h = models.FloatField()
    points = models.JSONField(default=list, db_default=[], help_text="an outline: [x, y] in fractions, not closed")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["annotation", "seq"], name="box_seq_once"),
            models.CheckConstraint(condition=models.Q(w__gt=0, h__gt=0), name="box_not_empty"),
        ]
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.label} box"
