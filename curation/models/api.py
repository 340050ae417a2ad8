from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from curation.models.person import User


class IdempotencyKey(models.Model):
    """What a write answered, so that the same request sent twice happens once and answers the same."""

    KEPT_FOR = timedelta(days=7)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200, help_text="the caller's Idempotency-Key header")
    request_hash = models.BinaryField(max_length=32, help_text="SHA-256 of method, path and body")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="null = still under way")
    body = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.key} of {self.user_id}"
