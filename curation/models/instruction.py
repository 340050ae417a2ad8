from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project
from curation.models.stage import Pool, Stage


class Instruction(models.Model):
    """One version of what workers read about a stage's work, or about one pool's. Never changed: one more is added."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="instructions")
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="instructions")
    pool = models.ForeignKey(Pool, null=True, blank=True, on_delete=models.CASCADE, related_name="instructions")
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True, help_text="Markdown; empty in a pool's version = as the stage says")
    shown = models.JSONField(default=list, help_text="pictures and videos: role, caption, storage key, size")
    note = models.CharField(max_length=200, blank=True, help_text="what was changed")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "pool", "number"], name="instruction_number_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"instructions {self.number} of {self.pool or self.stage}"


class PlanDraftQuerySet(models.QuerySet["PlanDraft"]):
    def of(self, user: Any) -> Self:
        """A plan that is not a project yet is seen by who writes it."""
        return self.filter(owner=user)


class PlanDraft(models.Model):
    """A campaign as it was typed so far, right or wrong; later the plan that a project was made from."""

    public_id = public_id()
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="plan_drafts")
    name = models.CharField(max_length=120, blank=True)
    fields = models.JSONField(default=dict, help_text="every field of the form with what was typed into it")
    project_slug = models.CharField(max_length=80, blank=True, help_text="of the project it was launched as")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = PlanDraftQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-updated_at"], name="plan_drafts_of_owner")]

    def __str__(self) -> str:
        return self.name or "unnamed plan"
