from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from curation.models.project import Project
from curation.models.stage import Pool


class OutlookQuerySet(models.QuerySet["Outlook"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class Outlook(models.Model):
    """When a pool, or without one the whole project, was said to be done, and for how much. Append-only.

    `hours_…` count from `made_at`; 5, 50, 90 and 95 of 100 such cases stay under them. Empty = nobody can say.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="outlooks")
    pool = models.ForeignKey(Pool, null=True, blank=True, on_delete=models.CASCADE, related_name="outlooks")
    slot = models.IntegerField(help_text="hours since 1970: one an hour is kept")
    goal = models.PositiveIntegerField(help_text="accepted or published results wanted at that time")
    reached = models.PositiveIntegerField()
    is_never = models.BooleanField(default=False, help_text="who may work can never give what is missing")
    hours_p5 = models.FloatField(null=True, blank=True)
    hours_p50 = models.FloatField(null=True, blank=True)
    hours_p90 = models.FloatField(null=True, blank=True)
    hours_p95 = models.FloatField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    spent_micro = models.BigIntegerField(default=0)
    micro_p5 = models.BigIntegerField(null=True, blank=True, help_text="what it will have cost in the end")
    micro_p50 = models.BigIntegerField(null=True, blank=True)
    micro_p90 = models.BigIntegerField(null=True, blank=True)
    micro_p95 = models.BigIntegerField(null=True, blank=True)
    inputs = models.JSONField(default=dict, help_text="what it was computed from")
    made_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    objects = OutlookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "pool", "slot"], name="outlook_once_an_hour", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(hours_p50=None) | models.Q(hours_p5__gte=0, hours_p95__gte=models.F("hours_p5")),
                name="outlook_hours_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"outlook of {self.pool_id or self.project_id} at {self.made_at}"
