from typing import Self

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Lower, Now, Replace

from curation.models.asset import Asset
from curation.models.person import User
from curation.models.stage import Stage


class ReliabilityFit(models.Model):
    """What a model of all answers of a stage has learnt about its workers. Append-only: a refit adds a row."""

    project_id = models.BigIntegerField()
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="fits", help_text="whose answers")
    number = models.PositiveIntegerField()
    state = models.JSONField(help_text="as the library aggregation writes it")
    images = models.PositiveIntegerField()
    answers = models.PositiveIntegerField()
    known = models.PositiveIntegerField(default=0, help_text="images whose truth a person or a control task gave")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stage", "number"], name="fit_number_once")]

    def __str__(self) -> str:
        return f"fit {self.number}"


class ConsensusRun(models.Model):
    """One way of adding up a stage's answers: method and settings. The current one adds up what arrives."""

    class State(models.TextChoices):
        APPLYING = "applying"
        CURRENT = "current"
        PAST = "past"
        FAILED = "failed"

    project_id = models.BigIntegerField()
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    method = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)
    library = models.CharField(max_length=40, help_text="version of the library that added up")
    state = models.CharField(max_length=10, choices=State, default=State.CURRENT)
    back_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="the run it brings back"
    )
    note = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    counts = models.JSONField(default=dict, help_text="what applying it changed")
    created_at = models.DateTimeField(db_default=Now())
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stage", "number"], name="run_number_once"),
            models.UniqueConstraint(fields=["stage"], condition=models.Q(state="current"), name="one_current_run"),
            models.UniqueConstraint(fields=["stage"], condition=models.Q(state="applying"), name="one_applying_run"),
            models.CheckConstraint(
                condition=models.Q(state__in=["applying", "current", "past", "failed"]), name="run_state_known"
            ),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"version {self.number}"


class ConsensusQuerySet(models.QuerySet["Consensus"]):
    def current(self) -> Self:
        """What stands, boxes before labels, then the latest stage first: an asset's first is what it comes to."""
        is_vote = Case(When(status__in=Consensus.OF_VOTES, then=1), default=0)
        return self.filter(is_current=True).order_by(is_vote, "-stage__position", "-id")

    def of_boxes(self) -> Self:
        """Leave out votes, whether for a label or tied."""
        return self.exclude(status__in=Consensus.OF_VOTES)


class Consensus(models.Model):
    """What the answers about an asset add up to. Versioned: a new run adds a row, the old one stays."""

    class Status(models.TextChoices):
        HARD = "hard"
        SOFT = "soft"
        DROP = "drop"
        LABEL = "label"
        UNDECIDED = "undecided"

    OF_VOTES = (Status.LABEL, Status.UNDECIDED)

    class Next(models.TextChoices):
        NONE = "none", "nothing"
        BUY = "buy", "one more answer"
        REVIEW = "review", "a person"

    project_id = models.BigIntegerField()
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="consensus", db_index=False)
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="consensus")
    version = models.PositiveIntegerField(default=1)
    run = models.ForeignKey(
        ConsensusRun,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="results",
        help_text="not a person's",
    )
    fit = models.ForeignKey(ReliabilityFit, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    inputs = models.JSONField(default=list, help_text="ids of the annotations that were added up")
    method = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status)
    label = models.CharField(max_length=60, blank=True)
    confidence = models.FloatField()
    expected_loss = models.FloatField(default=0.0, help_text="wrong boxes and missed objects to be expected; 0 to many")
    reason = models.CharField(
        max_length=20, blank=True, help_text="why nothing was agreed, or the question that failed"
    )
    lowest_iou = models.FloatField(null=True, blank=True)
    next_step = models.CharField(
        max_length=6,
        choices=Next,
        default=Next.NONE,
        db_default=Next.NONE,
        help_text="what the method asks for after these answers",
    )
    n_answers = models.PositiveSmallIntegerField()
    used = models.JSONField(default=list, help_text="short ids of the annotators whose answers count")
    dropped = models.JSONField(default=list)
    trace = models.JSONField(default=list, help_text="steps in words and numbers")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = ConsensusQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "stage"], condition=models.Q(is_current=True), name="one_current_consensus"
            ),
            models.UniqueConstraint(fields=["asset", "stage", "version"], name="consensus_version_once"),
        ]
        indexes = [
            models.Index(fields=["project_id", "status", "confidence", "id"], name="consensus_worst_first"),
            models.Index(fields=["project_id", "id"], name="consensus_of_project"),
            models.Index(fields=["stage", "id"], condition=models.Q(is_current=True), name="consensus_of_stage"),
            models.Index(
                fields=["project_id", "lowest_iou", "asset"],
                condition=models.Q(is_current=True, lowest_iou__isnull=False),
                name="consensus_by_iou",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} consensus"


PLAIN_LABEL = Lower(Replace(Replace(F("label"), Value(" "), Value("_")), Value("-"), Value("_")))


class ConsensusBox(models.Model):
    """A rectangle everybody can live with, in fractions of the image, origin top left."""

    consensus = models.ForeignKey(Consensus, on_delete=models.CASCADE, related_name="boxes", db_index=False)
    seq = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=60)
    x = models.FloatField()
    y = models.FloatField()
    w = models.FloatField()
    h = models.FloatField()
    confidence = models.FloatField()
    confidence_75 = models.FloatField(null=True, blank=True, help_text="chance of IoU 0.75, whatever the label")
    support = models.JSONField(default=list)
    points = models.JSONField(default=list, db_default=[], help_text="an outline: [x, y] in fractions, not closed")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consensus", "seq"], name="consensus_box_seq_once"),
            models.CheckConstraint(condition=models.Q(w__gt=0, h__gt=0), name="consensus_box_not_empty"),
        ]
        indexes = [models.Index(PLAIN_LABEL, "consensus", name="consensus_box_by_label")]
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.label} {self.confidence:.2f}"
