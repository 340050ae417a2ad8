from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.models import Answer
from crowd.states import StateMachine, state_check
from curation.models.fields import public_id
from curation.models.project import LabelClass, Project
from curation.models.stage import Stage


class AssetQuerySet(models.QuerySet["Asset"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class Asset(StateMachine):
    """An image, a video or a frame. It stands at one stage in one state; how it came there is in its decisions."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting for the stage"
        WORKING = "working", "in work at the stage"
        DROPPED = "dropped", "dropped, with a reason"
        HELD = "held", "held for a person"
        PUBLISHED = "published", "ready for a data set"

    class Media(models.TextChoices):
        IMAGE = "image"
        VIDEO = "video"
        FRAME = "frame"

    TRANSITIONS = {
        State.WAITING: frozenset({State.WORKING, State.WAITING, State.DROPPED, State.HELD, State.PUBLISHED}),
        State.WORKING: frozenset({State.WAITING, State.DROPPED, State.HELD, State.PUBLISHED}),
        State.HELD: frozenset({State.WAITING, State.WORKING, State.DROPPED, State.PUBLISHED}),
        State.DROPPED: frozenset({State.WAITING}),
        State.PUBLISHED: frozenset({State.HELD, State.DROPPED, State.WAITING}),
    }

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assets", db_index=False)
    client_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  unique only when given
    media = models.CharField(max_length=6, choices=Media, default=Media.IMAGE)
    name = models.CharField(max_length=255, blank=True, help_text="text from outside; never a path")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="frames", db_index=False
    )
    frame_index = models.IntegerField(null=True, blank=True)
    frame_ms = models.IntegerField(null=True, blank=True)
    answer = models.OneToOneField(
        Answer,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="the submission it came with",
    )
    worker_id = models.BigIntegerField(null=True, blank=True, help_text="who sent it")
    label_class = models.ForeignKey(LabelClass, null=True, blank=True, on_delete=models.PROTECT, related_name="assets")
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="assets", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    source = models.CharField(max_length=200, blank=True, help_text="where it came from, in words")
    licence = models.CharField(max_length=120, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    bytes = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.BinaryField(max_length=32)
    phash = models.BigIntegerField(null=True, blank=True)
    hash256 = models.BinaryField(max_length=32, null=True, blank=True)
    hash256_trimmed = models.BinaryField(max_length=32, null=True, blank=True)
    sharpness = models.FloatField(null=True, blank=True)
    brightness = models.FloatField(null=True, blank=True)
    contrast = models.FloatField(null=True, blank=True)
    storage_key = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    objects = AssetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "sha256"],
                condition=models.Q(answer__isnull=True, parent__isnull=True),
                name="imported_bytes_once",
            ),
            models.UniqueConstraint(
                fields=["project", "client_key"], condition=models.Q(client_key__isnull=False), name="client_key_once"
            ),
            models.UniqueConstraint(
                fields=["parent", "frame_index"], condition=models.Q(parent__isnull=False), name="frame_once"
            ),
            state_check(["waiting", "working", "dropped", "held", "published"], "asset_state_known"),
        ]
        indexes = [
            models.Index(fields=["project", "label_class", "state", "id"], name="asset_class_list"),
            models.Index(fields=["project", "state", "id"], name="asset_list"),
            models.Index(fields=["stage", "state", "id"], name="asset_at_stage"),
            models.Index(fields=["project", "sha256"], name="asset_bytes"),
            models.Index(fields=["project", "id"], include=["name"], name="asset_newest"),
            models.Index(fields=["project", "created_at", "id"], name="asset_by_day"),
            models.Index(fields=["project", "reason", "id"], name="asset_by_reason", condition=~models.Q(reason="")),
            models.Index(
                fields=["project", "worker_id", "id"],
                name="asset_by_worker",
                condition=models.Q(worker_id__isnull=False),
            ),
            models.Index(fields=["project", "brightness"], name="asset_by_light"),
            models.Index(fields=["project", "sharpness"], name="asset_by_blur"),
        ]

    def __str__(self) -> str:
        return self.name or f"asset {self.pk}"


class AssetPreview(models.Model):
    """Keys of the re-encoded copies (no metadata in them), and the small grey one that comparisons read."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, primary_key=True, related_name="preview")
    thumb_key = models.CharField(max_length=255)
    screen_key = models.CharField(max_length=255)
    grey_key = models.CharField(max_length=255)
    camera = models.JSONField(default=dict, help_text="make, model, time; never a place")

    def __str__(self) -> str:
        return f"previews of {self.asset_id}"


class Decision(models.Model):
    """One verdict about an asset at a stage: append-only, guarded by a trigger."""

    class Verdict(models.TextChoices):
        ENTERED = "entered"
        PASSED = "passed"
        DROPPED = "dropped"
        HELD = "held"
        RESTORED = "restored"
        RETURNED = "returned"

    class By(models.TextChoices):
        RULE = "rule"
        CROWD = "crowd"
        REVIEWER = "reviewer"
        MODEL = "model"
        PERSON = "person"

    project_id = models.BigIntegerField()
    asset = models.ForeignKey(
        Asset, on_delete=models.CASCADE, related_name="decisions", db_constraint=False, db_index=False
    )
    stage = models.ForeignKey(
        Stage, on_delete=models.CASCADE, related_name="decisions", db_constraint=False, db_index=False
    )
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=40, blank=True)
    evidence = models.JSONField(default=dict)
    by_kind = models.CharField(max_length=10, choices=By)
    by_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["asset", "id"], name="decision_history"),
            models.Index(fields=["stage", "verdict", "reason"], name="decision_funnel"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.reason}".strip()
