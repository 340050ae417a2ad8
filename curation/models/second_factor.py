from django.db import models
from django.db.models.functions import Now

from crowd.secrets import SecretsField
from curation.models.person import User


class SecondFactor(models.Model):
    """The secret that a person's telephone makes codes from. It counts from `confirmed_at` on."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secrets = SecretsField(help_text="totp: encrypted")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0, help_text="half-minute of the last code taken: none counts twice")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code for when the telephone is lost, good once. Only its hash is stored."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["factor", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code of {self.factor_id}"
