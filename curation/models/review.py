from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from curation.models.asset import Asset
from curation.models.consensus import Consensus
from curation.models.person import User


class Review(models.Model):
    """A person's verdict over a consensus. It never overwrites: a later one is added, an undo points back."""

    class Verdict(models.TextChoices):
        ACCEPT = "accept"
        REJECT = "reject"
        FIX = "fix"
        SEND_BACK = "send_back"
        ONE_MORE = "one_more"
        HOLD = "hold"
        UNDO = "undo"

    project_id = models.BigIntegerField()
    key = models.UUIDField(unique=True, help_text="made in the browser: the same decision sent twice is stored once")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="reviews")
    consensus = models.ForeignKey(Consensus, null=True, on_delete=models.SET_NULL, related_name="reviews")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="reviews")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=40, blank=True)
    boxes = models.JSONField(null=True, blank=True, help_text="fixed boxes in fractions: label, x, y, w, h")
    undoes = models.OneToOneField("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="undone_by")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["project_id", "by", "-id"], name="review_of_person")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.reason}".strip()


class ReviewLease(models.Model):
    """One reviewer holds one asset, so that two never get the same."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, primary_key=True, related_name="review_lease")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"asset {self.asset_id} until {self.until}"


class ReviewControl(models.Model):
    """An image whose right answer is known, shown to a reviewer among the others. Nothing follows for the image.

    The row is made when it is shown; the answer is filled in, and emptied again when the person takes it back.
    """

    project_id = models.BigIntegerField()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    truth = models.ForeignKey(
        Review, on_delete=models.CASCADE, related_name="controls", help_text="the earlier verdict that counts as right"
    )
    shown_at = models.DateTimeField()
    key = models.UUIDField(null=True, blank=True, unique=True)
    verdict = models.CharField(max_length=10, blank=True, choices=Review.Verdict)
    is_right = models.BooleanField(null=True, blank=True, help_text="empty: not answered, or put aside")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "asset"], name="control_image_once"),
            models.UniqueConstraint(
                fields=["user", "project_id"], condition=models.Q(answered_at__isnull=True), name="one_open_control"
            ),
        ]
        indexes = [models.Index(fields=["project_id", "user", "-id"], name="controls_of_person")]

    def __str__(self) -> str:
        return f"control {self.pk}"


class ReviewPlace(models.Model):
    """An image that waits for a person, in the order in which they are looked at. Written by triggers alone."""

    asset = models.OneToOneField(
        Asset, on_delete=models.DO_NOTHING, primary_key=True, related_name="review_place", db_constraint=False
    )
    project_id = models.BigIntegerField()
    badness = models.FloatField(
        null=True, help_text="expected loss; among equals the least confidence is worse; null = nothing is known"
    )

    class Meta:
        indexes = [
            models.Index(F("project_id"), F("badness").desc(nulls_first=True), F("asset"), name="review_worst_first")
        ]

    def __str__(self) -> str:
        return f"place of {self.asset_id}"


class CheckVerdict(models.Model):
    """A person's word about a photo on which the crowd's checks could not decide. Append-only."""

    project_id = models.BigIntegerField()
    key = models.UUIDField(unique=True, help_text="made in the browser: the same word sent twice is stored once")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="check_verdicts")
    stage = models.ForeignKey("curation.Stage", on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    answer = models.CharField(max_length=60)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["asset", "stage"], name="check_verdict_of_asset")]

    def __str__(self) -> str:
        return f"{self.answer} about {self.asset_id}"


class OwnKeys(models.Model):
    """The keys a person has changed or switched off, as the browser stores them: scope, name of the key, code."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="own_keys")
    keys = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"keys of {self.user_id}"
