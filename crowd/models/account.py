from django.db import models
from django.db.models.functions import Now

from crowd.secrets import SecretsField


class Account(models.Model):
    """An account on a crowd platform: where batches are published and workers come from."""

    slug = models.SlugField(max_length=60, unique=True)
    platform = models.CharField(max_length=40, help_text="slug of the adapter, see crowd.platforms.registry")
    label = models.CharField(max_length=120)
    base_url = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    commission_percent = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="what the platform takes; empty = not known"
    )
    settings = models.JSONField(default=dict, blank=True, help_text="what the adapter wants to know besides")
    secrets = SecretsField(blank=True, default="", help_text="token, keys, webhook secret: encrypted")
    is_active = models.BooleanField(default=True)
    is_shared = models.BooleanField(default=True, help_text="every lead may use it; off = only who connected it")
    created_by_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True, blank=True)
    is_well = models.BooleanField(null=True, blank=True, help_text="outcome of the last check")
    note = models.CharField(max_length=300, blank=True, help_text="the last check in one sentence")
    balance_micro = models.BigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.label


class QuotaCounter(models.Model):
    """How much of a platform's quota an account has used in one window. In the database: it outlives Redis."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="quota_counters")
    name = models.CharField(max_length=40, help_text="pools, tasks, bonuses, …")
    window_seconds = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    used = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name", "window_seconds", "starts_at"], name="quota_window_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.used} since {self.starts_at:%H:%M}"


class PlatformEvent(models.Model):
    """A notification of a platform that was taken note of. It only triggers a pull; it is never the data."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="platform_events")
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=60)
    remote_id = models.CharField(max_length=200, blank=True, help_text="the batch on the platform")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "event_id"], name="platform_event_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
