from django.db import models


class BatchDelta(models.Model):
    """How a change of pages changes the counts of their batch. Written by a trigger, eaten by the folder."""

    batch_id = models.BigIntegerField()
    state = models.CharField(max_length=10)
    d = models.IntegerField()
    amount_micro = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.d:+} {self.state}"


class BatchRollup(models.Model):
    """Pages of a batch by state, and what they are worth: the sum of the deltas, rebuilt and compared by reconcile."""

    batch_id = models.BigIntegerField()
    state = models.CharField(max_length=10)
    n = models.BigIntegerField(default=0)
    amount_micro = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch_id", "state"], name="rollup_once")]

    def __str__(self) -> str:
        return f"batch {self.batch_id}: {self.n} {self.state}"
