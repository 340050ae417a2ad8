from django.db import models
from django.db.models.functions import Now

from curation.models.asset import Asset
from curation.models.stage import Stage


class Consensus(models.Model):
    """What the answers about an asset add up to. Versioned: a new run adds a row, the old one stays."""

    class Status(models.TextChoices):
        HARD = "hard"
        SOFT = "soft"
        DROP = "drop"
        LABEL = "label"
        UNDECIDED = "undecided"

    project_id = models.BigIntegerField()
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="consensus")
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="consensus")
    version = models.PositiveIntegerField(default=1)
    method = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status)
    label = models.CharField(max_length=60, blank=True)
    confidence = models.FloatField()
    lowest_iou = models.FloatField(null=True, blank=True)
    n_answers = models.PositiveSmallIntegerField()
    used = models.JSONField(default=list, help_text="short ids of the annotators whose answers count")
    dropped = models.JSONField(default=list)
    trace = models.JSONField(default=list, help_text="steps in words and numbers")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "stage"], condition=models.Q(is_current=True), name="one_current_consensus"
            ),
            models.UniqueConstraint(fields=["asset", "stage", "version"], name="consensus_version_once"),
        ]
        indexes = [models.Index(fields=["project_id", "status", "confidence", "id"], name="consensus_worst_first")]

    def __str__(self) -> str:
        return f"{self.status} consensus"


class ConsensusBox(models.Model):
    """A rectangle everybody can live with, in fractions of the image, origin top left."""

    consensus = models.ForeignKey(Consensus, on_delete=models.CASCADE, related_name="boxes")
    seq = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=60)
    x = models.FloatField()
    y = models.FloatField()
    w = models.FloatField()
    h = models.FloatField()
    confidence = models.FloatField()
    support = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consensus", "seq"], name="consensus_box_seq_once"),
            models.CheckConstraint(condition=models.Q(w__gt=0, h__gt=0), name="consensus_box_not_empty"),
        ]
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.label} {self.confidence:.2f}"
