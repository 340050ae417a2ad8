from django.db import models

from crowd.models import Worker
from curation.models.stage import Stage


class PairSearch(models.Model):
    """The last look for people who answer wrongly together at a stage: what was looked at, and when."""

    stage = models.OneToOneField(Stage, on_delete=models.CASCADE, related_name="pair_search")
    answers = models.PositiveIntegerField(help_text="answers whose truth is known")
    workers = models.PositiveIntegerField()
    pairs = models.BigIntegerField(help_text="how many pairs count as tested")
    searched_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"pairs of {self.stage_id}"


class WrongTogether(models.Model):
    """Two workers who gave the same wrong answers more often than chance explains. Every search writes them anew."""

    project_id = models.BigIntegerField(db_index=True)
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="wrong_together")
    one = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="+")
    shared = models.PositiveIntegerField(help_text="tasks of known truth that both have answered")
    alike = models.PositiveIntegerField(help_text="of these, answered wrongly with the same answer")
    chance = models.FloatField(help_text="how likely one such answer is for two who do not know each other")
    p_value = models.FloatField()
    evidence = models.JSONField(default=list, help_text="[{task, asset, answer, right}], some of the wrong answers")
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stage", "one", "other"], name="wrong_together_once"),
            models.CheckConstraint(condition=models.Q(one__lt=models.F("other")), name="wrong_together_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}"
