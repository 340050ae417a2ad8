import hashlib

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from crowd.models.account import Account

DIGEST_BYTES = 16


def digest_of(external_id: str) -> bytes:
    """Return the 16 bytes under which an outside id is unique (its text stays unindexed)."""
    return hashlib.sha256(external_id.encode()).digest()[:DIGEST_BYTES]


def pseudonym(digest: bytes | memoryview) -> str:
    """Return what screens call the worker whose outside id has this digest."""
    return f"w_{bytes(digest).hex()[:6]}"


class WorkerTeam(models.Model):
    """People of an account who work on the same terms, such as a labelling company or our own students."""

    class Pay(models.TextChoices):
        PER_PAGE = "page", "per page"
        HOURLY = "hour", "per hour"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=80)
    pay = models.CharField(max_length=4, choices=Pay, default=Pay.PER_PAGE)
    hourly_micro = models.BigIntegerField(default=0, help_text="micro-dollars an hour of work, when paid by the hour")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="team_once_per_account"),
            models.CheckConstraint(condition=models.Q(pay__in=["page", "hour"]), name="team_pay_known"),
            models.CheckConstraint(condition=models.Q(hourly_micro__gte=0), name="team_rate_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """A person as one platform account knows them. The same human on two accounts shares `person_id`."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="workers")
    ext_id = models.CharField(max_length=200)
    ext_digest = models.BinaryField(max_length=DIGEST_BYTES)
    person_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    team = models.ForeignKey(WorkerTeam, null=True, blank=True, on_delete=models.SET_NULL, related_name="workers")
    name = models.CharField(max_length=120, blank=True, help_text="only in-house workers have one")
    language = models.CharField(max_length=12, default="en")
    page_language = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="of the worker's pages; empty = the browser's"
    )
    country = models.CharField(max_length=2, blank=True)
    only_projects = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="projects the invitation was for; empty = every one",
    )
    consent_version = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the consent text agreed to")
    consented_at = models.DateTimeField(null=True, blank=True)
    is_adult = models.BooleanField(default=False)
    first_seen = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "ext_digest"], name="worker_once_per_account")]

    def __str__(self) -> str:
        return self.short_id

    def may_see(self, project_id: int) -> bool:
        return not self.only_projects or project_id in self.only_projects

    @property
    def short_id(self) -> str:
        """Return the pseudonym that screens show."""
        return pseudonym(self.ext_digest)


class WorkerInvitation(models.Model):
    """A link by which people without an account come to work in-house. Only its hash is stored."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    project_id = models.BigIntegerField(db_index=True)
    team = models.ForeignKey(WorkerTeam, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitations")
    token_hash = models.BinaryField(max_length=32, unique=True)
    label = models.CharField(max_length=120, blank=True)
    max_uses = models.PositiveIntegerField(default=1)
    uses = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    created_by_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(uses__lte=models.F("max_uses")), name="invitation_uses_in_limit")
        ]

    def __str__(self) -> str:
        return self.label or f"invitation {self.pk}"


class Skill(models.Model):
    """A number from 0 to 100 that an account keeps about its workers. Created once, used by any batch."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="skills")
    name = models.CharField(max_length=120)
    remote_id = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="skill_once_per_account")]

    def __str__(self) -> str:
        return self.name


class SkillValue(models.Model):
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="skill_values", db_index=False)
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="values")
    value = models.PositiveSmallIntegerField()
    ok = models.PositiveIntegerField(default=0)
    n = models.PositiveIntegerField(default=0)
    ok_worth = models.FloatField(default=0.0, db_default=0.0, help_text="right ones, as of updated_at")
    n_worth = models.FloatField(default=0.0, db_default=0.0, help_text="all of them, as of updated_at")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker", "skill"], name="skill_value_once"),
            models.CheckConstraint(condition=models.Q(value__lte=100), name="skill_value_to_100"),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id}: {self.value}"


class SkillEvent(models.Model):
    """History of skill values; append-only."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="skill_events", db_index=False)
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="events")
    value = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["worker", "skill", "id"], name="skill_event_history")]

    def __str__(self) -> str:
        return f"{self.skill_id}: {self.value} ({self.reason})"
