from django.db import models
from django.db.models.functions import Now


class Account(models.Model):
    """An account on a crowd platform: where batches are published and workers come from."""

    slug = models.SlugField(max_length=60, unique=True)
    platform = models.CharField(max_length=40, help_text="slug of the adapter, see crowd.platforms.registry")
    label = models.CharField(max_length=120)
    base_url = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.label
