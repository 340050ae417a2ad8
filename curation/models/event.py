from django.db import models
from django.db.models.functions import Now

from curation.models.person import User


class Event(models.Model):
    """Who did what, when. Append-only, guarded by a trigger."""

    project_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=60, help_text="pool.opened, asset.restored, …")
    text = models.CharField(max_length=300, help_text="one sentence for people")
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-id"], name="event_of_project"),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="event_of_subject"),
        ]

    def __str__(self) -> str:
        return self.text
