from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.states import StateMachine, state_check
from curation.models.asset import Asset
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project
from curation.models.stage import Stage


class FileUploadQuerySet(models.QuerySet["FileUpload"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class FileUpload(StateMachine):
    """A file that a program sends in pieces, or straight to the bucket, before it is taken into the project."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        TAKING_IN = "taking_in", "being taken in"
        DONE = "done"
        REFUSED = "refused"

    TRANSITIONS = {
        State.RECEIVING: frozenset({State.TAKING_IN, State.DONE, State.REFUSED}),
        State.TAKING_IN: frozenset({State.DONE, State.REFUSED}),
        State.DONE: frozenset(),
        State.REFUSED: frozenset(),
    }

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="file_uploads")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=255, help_text="text from outside; never a path")
    client_key = models.CharField(max_length=200, blank=True)
    stage = models.ForeignKey(Stage, null=True, on_delete=models.SET_NULL, related_name="+")
    size = models.PositiveBigIntegerField(help_text="bytes announced")
    sha256 = models.CharField(max_length=64, help_text="digest announced, checked at the end")
    is_direct = models.BooleanField(default=False, help_text="its bytes go straight to the bucket")
    received = models.PositiveBigIntegerField(default=0)
    parts = models.JSONField(default=list, help_text="storage keys of the pieces, in order")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVING)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was refused")
    asset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    receipt = models.JSONField(default=dict, help_text="received = new + existing + refused, by reason")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(help_text="given up then, if it is not whole")

    objects = FileUploadQuerySet.as_manager()

    class Meta:
        constraints = [
            state_check(["receiving", "taking_in", "done", "refused"], "file_upload_state_known"),
            models.CheckConstraint(condition=models.Q(received__lte=models.F("size")), name="file_upload_not_longer"),
        ]
        indexes = [
            models.Index(fields=["project", "sha256"], name="file_upload_again"),
            models.Index(fields=["expires_at"], condition=models.Q(state="receiving"), name="file_upload_open"),
        ]

    def __str__(self) -> str:
        return f"upload {self.name}"


class LinkToFetch(models.Model):
    """A picture that a program named by its address; a job fetches it, and says here what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="links")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    client_key = models.CharField(max_length=200)
    name = models.CharField(max_length=255)
    url = models.CharField(max_length=2048)
    stage = models.ForeignKey(Stage, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    asset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "client_key"], name="link_once"),
            state_check(["waiting", "done", "refused"], "link_state_known"),
        ]
        indexes = [
            models.Index(fields=["project", "next_at"], condition=models.Q(state="waiting"), name="link_due"),
        ]

    def __str__(self) -> str:
        return f"link of {self.client_key}"


class AssetBatch(StateMachine):
    """Many lines that a program sent at once and a job takes in; every line is answered here."""

    class State(models.TextChoices):
        TAKING_IN = "taking_in", "being taken in"
        DONE = "done"

    TRANSITIONS = {State.TAKING_IN: frozenset({State.DONE}), State.DONE: frozenset()}

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    stage = models.ForeignKey(
        Stage, null=True, on_delete=models.SET_NULL, related_name="+", help_text="empty = where files enter"
    )
    sha256 = models.CharField(max_length=64, help_text="of the lines, so that the same are not taken in twice at once")
    storage_key = models.CharField(max_length=255, blank=True, help_text="where the lines lie until they are done")
    received = models.PositiveIntegerField(help_text="lines")
    answers = models.JSONField(default=list, help_text="of the lines that are done, in their order")
    state = models.CharField(max_length=10, choices=State, default=State.TAKING_IN)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [state_check(["taking_in", "done"], "asset_batch_state_known")]
        indexes = [
            models.Index(fields=["project", "sha256"], condition=models.Q(state="taking_in"), name="asset_batch_again")
        ]

    def __str__(self) -> str:
        return f"batch of {self.received} lines"
