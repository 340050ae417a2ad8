from django.db import models


class Of(models.TextChoices):
    """What a count belongs to. The ids are the rows' own; projects, stages and pools are opaque here.

    Of a project's workers the id is the project's; a word of theirs ends in the id of one of them.
    """

    PROJECT = "project"
    STAGE = "stage"
    POOL = "pool"
    BATCH = "batch"
    WORKERS = "workers"


class TallyDelta(models.Model):
    """How a change of rows changes a count. Written by triggers, eaten by the folder."""

    of_kind = models.CharField(max_length=8, choices=Of)
    of_id = models.BigIntegerField()
    word = models.CharField(max_length=100, help_text="what is counted: answers.accepted, spent.USD, …")
    slot = models.IntegerField(null=True, help_text="minutes since 1970; null = counted without a time")
    d = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.d:+} {self.word}"


class Tally(models.Model):
    """How many in all (`minutes` 0), in one minute or in one hour: the sum of the deltas."""

    of_kind = models.CharField(max_length=8, choices=Of)
    of_id = models.BigIntegerField()
    minutes = models.PositiveSmallIntegerField(help_text="0 = of all time, 1 = of a minute, 60 = of an hour")
    word = models.CharField(max_length=100)
    slot = models.IntegerField(help_text="time since 1970 in steps of `minutes`")
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of_kind", "of_id", "minutes", "word", "slot"], name="tally_once")
        ]

    def __str__(self) -> str:
        return f"{self.of_kind} {self.of_id}: {self.n} {self.word}"
