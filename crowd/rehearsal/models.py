from django.db import models

from crowd.models import Account


class RehearsalCrowd(models.Model):
    """A simulated population behind one account. All of its state is here, so a killed step leaves nothing behind."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="rehearsal")
    seed = models.CharField(max_length=60)
    population = models.PositiveIntegerField(default=60)
    mix = models.JSONField(default=dict, help_text="overrides of crowd.rehearsal.people.CrowdMix")
    step = models.BigIntegerField(default=0, help_text="how many visits have happened")
    clock = models.DateTimeField(help_text="the virtual time of the next visit")
    follows_wall_clock = models.BooleanField(default=False, help_text="a live demo: rows are dated now")
    visits_per_second = models.FloatField(default=0, help_text="pace of a live demo; 0 = as fast as possible")

    def __str__(self) -> str:
        return f"rehearsal crowd {self.seed}"


class HiddenTruth(models.Model):
    """What a drawn picture really shows. The simulated workers look here; the product never does."""

    sha256 = models.BinaryField(max_length=32, unique=True)
    truth = models.JSONField()

    def __str__(self) -> str:
        return f"truth {bytes(self.sha256).hex()[:8]}"


class PlayedTrick(models.Model):
    """What a simulated worker did to a photo, so that a rehearsal can say what was caught and what was missed."""

    answer = models.OneToOneField("crowd.Answer", on_delete=models.CASCADE, primary_key=True, related_name="+")
    trick = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.trick
