from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.secrets import SecretsField
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class Webhook(models.Model):
    """An address of another team that is told what happens in a project."""

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2048)
    topics = models.JSONField(default=list, help_text="what it is told: asset.accepted, pool.finished, …")
    secrets = SecretsField(blank=True, default="", help_text="what deliveries are signed with: encrypted")
    is_active = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True, help_text="why it was switched off")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = WebhookQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["project"], condition=models.Q(is_active=True), name="webhook_at_work")]

    def __str__(self) -> str:
        return self.url


class WebhookNotice(models.Model):
    """Something to tell, written in the transaction in which it happened; gone when the deliveries are written."""

    project_id = models.BigIntegerField()
    topic = models.CharField(max_length=30)
    about = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["project_id", "id"], name="notice_of_project")]

    def __str__(self) -> str:
        return self.topic


class WebhookDelivery(models.Model):
    """One message to one address, tried for days; its id is the same in each try."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up", "given up"

    public_id = public_id()
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    topic = models.CharField(max_length=30)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.JSONField(default=list, help_text="at, status or error, milliseconds of each")
    next_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "delivered", "given_up"]), name="delivery_state_known"
            )
        ]
        indexes = [
            models.Index(fields=["webhook", "next_at"], condition=models.Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to {self.webhook_id}"
