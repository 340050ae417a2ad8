from datetime import datetime
from typing import Self

from django.db import models
from django.db.models.functions import Now

from crowd.models.worker import Worker


class Evidence(models.Model):
    """Why a submission counts as dishonest: the level, and the pair of pictures that shows it.

    Item ids are opaque here: the product knows what they mean. `overturned_at` = it was a false alarm.
    What awaits a person's word does not count to the worker's level yet.
    """

    class Level(models.IntegerChoices):
        DUPLICATE = 0, "Sent the same photo again"
        TEMPLATE = 5, "Sent the example picture from the task"
        PROCESSED = 20, "Edited the example: crop, flip, filter"
        SYNTHETIC = 80, "Generated or swapped the picture"

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="evidence")
    project_id = models.BigIntegerField()
    level = models.SmallIntegerField(choices=Level.choices)
    kind = models.CharField(max_length=40, help_text="same_file, same_photo, template_copy, flag")
    item_id = models.BigIntegerField(help_text="the submission")
    other_item_id = models.BigIntegerField(null=True, blank=True, help_text="the earlier submission, if any")
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    overturned_at = models.DateTimeField(null=True, blank=True)
    awaits_person = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project_id", "item_id", "kind"],
                condition=models.Q(overturned_at__isnull=True),
                name="evidence_once",
            )
        ]
        indexes = [
            models.Index(fields=["project_id", "level", "-id"], name="evidence_board"),
            models.Index(fields=["worker", "level"], name="evidence_of_worker"),
        ]

    def __str__(self) -> str:
        return f"level {self.level}: {self.kind}"

    @classmethod
    def counting(cls) -> "models.QuerySet[Evidence]":
        """Return what counts to a level: no false alarms, and nothing that a person has still to look at."""
        return cls.objects.filter(overturned_at__isnull=True, awaits_person=False)


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def in_force(self, now: datetime) -> Self:
        return self.filter(models.Q(until__isnull=True) | models.Q(until__gt=now), lifted_at__isnull=True)

    def no_work(self) -> Self:
        """Only those that take work away, not warnings nor stopped payments."""
        return self.filter(effect="no_work")


class Restriction(models.Model):
    """A worker gets no more work in a scope until a time, or for good; or is not paid unseen; or was warned.

    Each cause is a row of its own, so that lifting one leaves what the others still ask for.
    """

    class Scope(models.TextChoices):
        BATCH = "batch", "this pool"
        PROJECT = "project", "this project"
        ACCOUNT = "account", "every project of this platform account"

    class Effect(models.TextChoices):
        NO_WORK = "no_work", "no more work"
        UNPAID = "unpaid", "pages wait for a person before they are paid"
        WARNING = "warning", "a warning"

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="restrictions")
    effect = models.CharField(max_length=10, choices=Effect, default=Effect.NO_WORK, db_default=Effect.NO_WORK)
    scope = models.CharField(max_length=10, choices=Scope)
    scope_id = models.BigIntegerField(help_text="id of the batch, project or account")
    reason = models.CharField(max_length=200)
    until = models.DateTimeField(null=True, blank=True)
    by_rule = models.CharField(max_length=60, blank=True, help_text="empty when a person decided")
    created_at = models.DateTimeField(db_default=Now())
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = RestrictionQuerySet.as_manager()
    BY_THE_PLATFORM = "platform"  # as `by_rule`: the platform's own decision, which nobody but it can lift

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["worker", "scope", "scope_id", "effect", "by_rule"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_restriction_per_cause",
            ),
            models.CheckConstraint(condition=models.Q(scope__in=["batch", "project", "account"]), name="scope_known"),
            models.CheckConstraint(
                condition=models.Q(effect__in=["no_work", "unpaid", "warning"]), name="effect_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_id}: {self.reason}"

    @property
    def may_be_lifted(self) -> bool:
        return self.by_rule != self.BY_THE_PLATFORM

    def is_in_force(self, now: datetime) -> bool:
        return self.lifted_at is None and (self.until is None or self.until > now)
