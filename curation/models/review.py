from django.db import models
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
