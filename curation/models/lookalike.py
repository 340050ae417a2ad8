from django.db import models
from django.db.models.functions import Now

from crowd.states import StateMachine, state_check
from curation.models.asset import Asset
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project
from curation.models.stage import Stage


class HonestyTerms(models.Model):
    """What the project calls each level of dishonesty, how grave it is, and what follows. Without a row: the usual."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="honesty_terms")
    terms = models.JSONField(help_text="crowd.honesty.Policy as JSON")
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"levels of {self.project_id}"


class LookalikeSearch(models.Model):
    """The newest grouping of a project's near-duplicates; who leads whom is in a file, one column per distance."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="lookalikes")
    arrays_key = models.CharField(max_length=255)
    pictures = models.PositiveIntegerField(default=0)
    kept = models.JSONField(default=dict, help_text="distance in bits to number of pictures that would be kept")
    seconds = models.FloatField(default=0)
    updated_at = models.DateTimeField(db_default=Now())
    asked_at = models.DateTimeField(db_default=Now(), help_text="when a person last asked for it")
    joined = models.PositiveIntegerField(default=0, help_text="pictures that have joined by themselves since then")

    def __str__(self) -> str:
        return f"look-alikes of {self.project_id}"


class AssetCorners(models.Model):
    """Keys of a picture's corners, by which crops of it are found; three bytes each."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, primary_key=True, related_name="corners")
    project_id = models.BigIntegerField()
    worker_id = models.BigIntegerField(null=True, blank=True)
    keys = models.BinaryField(max_length=1350)

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "asset"], name="corners_newest"),
            models.Index(fields=["project_id", "worker_id", "asset"], name="corners_of_worker"),
        ]

    def __str__(self) -> str:
        return f"corners of {self.asset_id}"


class LookalikeWord(models.Model):
    """A person's word about one picture: it stands on its own, or it belongs to another; stronger than any distance."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, related_name="+")
    leader = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="empty = stands on its own"
    )
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(leader__isnull=True) | ~models.Q(leader=models.F("asset")), name="leads_not_itself"
            )
        ]

    def __str__(self) -> str:
        return f"word about {self.asset_id}"


class BulkDrop(StateMachine):
    """Pictures that a person took out at once, by a rule, and can bring back at once."""

    class State(models.TextChoices):
        RUNNING = "running", "being taken out"
        DONE = "done", "taken out"
        UNDOING = "undoing", "being brought back"
        UNDONE = "undone", "brought back"

    TRANSITIONS = {
        State.RUNNING: frozenset({State.DONE}),
        State.DONE: frozenset({State.UNDOING}),
        State.UNDOING: frozenset({State.UNDONE}),
        State.UNDONE: frozenset(),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="bulk_drops")
    kind = models.CharField(max_length=20, help_text="near_duplicates, cuts, held_out")
    settings = models.JSONField(default=dict, help_text="what was applied, and the stage's settings before and after")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    dropped = models.PositiveIntegerField(default=0)
    brought_back = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            state_check(["running", "done", "undoing", "undone"], "bulk_drop_state_known"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(state__in=["running", "undoing"]), name="one_bulk_drop_at_work"
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class BulkDropped(models.Model):
    """One picture of a bulk drop: to be taken out, taken out from a stage, or brought back to it."""

    drop = models.ForeignKey(BulkDrop, on_delete=models.CASCADE, related_name="pictures")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=40)
    evidence = models.JSONField(default=dict)
    from_stage = models.ForeignKey(
        Stage, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="empty: not yet taken out"
    )
    brought_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["drop", "asset"], name="bulk_dropped_once")]
        indexes = [models.Index(fields=["drop", "id"], name="bulk_dropped_list")]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.drop_id}"


class HeldOutSet(models.Model):
    """Pictures that the project must not contain, for example the test set of somebody else's model."""

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="held_out_sets")
    name = models.CharField(max_length=80)
    source = models.CharField(max_length=200, blank=True, help_text="where the pictures came from, in words")
    dataset = models.ForeignKey(
        "curation.DatasetVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    refused = models.JSONField(default=dict, help_text="files that are no pictures, by reason")
    retired_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="held_out_name_once")]
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class HeldOutPicture(models.Model):
    """Measurements of a held-out picture and small copies to compare with; the original is not kept."""

    held_out = models.ForeignKey(HeldOutSet, on_delete=models.CASCADE, related_name="pictures")
    name = models.CharField(max_length=255, help_text="text from outside; never a path")
    sha256 = models.BinaryField(max_length=32)
    hash256 = models.BinaryField(max_length=32)
    hash256_trimmed = models.BinaryField(max_length=32, null=True, blank=True)
    contrast = models.FloatField()
    thumb_key = models.CharField(max_length=255)
    grey_key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["held_out", "sha256"], name="held_out_bytes_once")]

    def __str__(self) -> str:
        return self.name
