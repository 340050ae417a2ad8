from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from curation.models.fields import public_id
from curation.models.person import User


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Any) -> Self:
        """Only the projects this person is a member of; a stranger sees none, and nobody what is in the trash."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(memberships__user=user, trashed_at=None)

    def led_by(self, user: Any) -> Self:
        """Only the projects this person leads. One filter: two would ask for two memberships of anybody."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(memberships__user=user, memberships__role=Membership.Role.LEAD, trashed_at=None)

    def in_trash_of(self, user: Any) -> Self:
        """Return what this person can still bring back: led projects in the trash whose files are there."""
        if not user.is_authenticated:
            return self.none()
        led = self.filter(memberships__user=user, memberships__role=Membership.Role.LEAD)
        return led.filter(trashed_at__isnull=False, emptied_at=None)


class Project(models.Model):
    public_id = public_id()
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80, unique=True)
    recipe = models.CharField(max_length=60, help_text="name of the recipe it was started from")
    description = models.CharField(max_length=300, blank=True)
    team = models.CharField(max_length=40, blank=True)
    owner = models.CharField(max_length=80, blank=True)
    time_zone = models.CharField(max_length=40, default="UTC", db_default="UTC", help_text="in which days are told")
    consent_text = models.TextField(blank=True)
    is_demo = models.BooleanField(default=False)
    is_rehearsal = models.BooleanField(default=False, help_text="runs on a virtual clock, moved only by its own driver")
    archived_at = models.DateTimeField(null=True, blank=True)
    trashed_at = models.DateTimeField(null=True, blank=True, help_text="in the trash since; nobody finds it there")
    emptied_at = models.DateTimeField(null=True, blank=True, help_text="its files are deleted; the books stay")
    version = models.BigIntegerField(default=0, help_text="raised with every visible change: the doorbell's number")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        LEAD = "lead"
        REVIEWER = "reviewer"
        VIEWER = "viewer"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_role_per_project"),
            models.CheckConstraint(condition=models.Q(role__in=["lead", "reviewer", "viewer"]), name="role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.project_id}"


class LabelClass(models.Model):
    """A class of the data set. `index` is stable for ever: classes are retired, never renumbered."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="classes")
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    prompt = models.CharField(max_length=300, blank=True, help_text="how a worker reads it")
    example_key = models.CharField(max_length=255, blank=True, help_text="storage key of the picture workers copy")
    is_negative = models.BooleanField(default=False, help_text="the extra class, such as 'no gesture'")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "index"], name="class_index_once"),
            models.UniqueConstraint(fields=["project", "name"], name="class_name_once"),
        ]
        ordering = ["index"]

    def __str__(self) -> str:
        return self.name


class FormerExample(models.Model):
    """A picture that was the example of a class until another took its place. Append-only."""

    label_class = models.ForeignKey(LabelClass, on_delete=models.CASCADE, related_name="former_examples")
    key = models.CharField(max_length=255)
    replaced_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["label_class", "key"], name="former_example_once")]

    def __str__(self) -> str:
        return f"example of {self.label_class_id} until {self.replaced_at}"
