from django.db import models
from django.db.models.functions import Now

from curation.models.asset import Asset


class TagRun(models.Model):
    """What one version of a tagger said of an asset, once: a second run finds it and asks nobody.

    A new version adds a run beside the old one and becomes the current one.
    """

    project_id = models.BigIntegerField()
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="tag_runs")
    tagger = models.CharField(max_length=60)
    version = models.CharField(max_length=40)
    is_current = models.BooleanField(default=True)
    seconds = models.FloatField(default=0, help_text="processor time it took")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "tagger", "version"], name="tag_run_once"),
            models.UniqueConstraint(
                fields=["asset", "tagger"], condition=models.Q(is_current=True), name="tag_run_one_current"
            ),
        ]
        indexes = [models.Index(fields=["project_id", "tagger"], name="tag_run_of_project")]

    def __str__(self) -> str:
        return f"{self.tagger} on {self.asset_id}"


class AssetTag(models.Model):
    """One thing a tagger said: `score` is its confidence, `number` what was measured, `box` in shares (x, y, w, h)."""

    class Source(models.TextChoices):
        RULE = "rule", "measured"
        MODEL = "model", "a model's opinion"
        HEURISTIC = "heuristic", "a guess"
        QUERY = "query", "words of the search"
        PERSON = "person", "a person's word"

    run = models.ForeignKey(TagRun, on_delete=models.CASCADE, related_name="tags")
    project_id = models.BigIntegerField()
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=40)
    value = models.CharField(max_length=120)
    source = models.CharField(max_length=10, choices=Source)
    score = models.FloatField(default=1)
    number = models.FloatField(null=True, blank=True)
    box = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(score__gte=0, score__lte=1), name="tag_score_in_range")
        ]
        indexes = [
            models.Index(fields=["project_id", "key", "value"], name="tag_of_project"),
            models.Index(fields=["project_id", "value", "asset"], name="tag_by_value"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"

    @property
    def shown_number(self) -> str:
        """Return the number with as many digits as a person reads."""
        if self.number is None:
            return ""
        return f"{self.number:,.0f}" if abs(self.number) >= 100 else f"{self.number:.3g}"
