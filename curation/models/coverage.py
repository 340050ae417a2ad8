from django.db import models

from curation.models.project import Project


class PlanFactor(models.Model):
    """A condition the data set should cover, such as light, with the values wanted and how much of each.

    `name` is a field of the query language or the key of a tag.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="plan_factors")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    values = models.JSONField(default=list, help_text="value, share and tolerance in percent, in order")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="plan_factor_once")]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name
