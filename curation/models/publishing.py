"""What stands between an approved image and everybody: filters with a person's word, locked parts, erased people."""

from django.db import models
from django.db.models.functions import Now

from curation.models.asset import Asset
from curation.models.dataset import DatasetVersion
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import Project


class PublishFinding(models.Model):
    """Something that may not be published is perhaps in an image. While it is open, the image is not frozen."""

    class Filter(models.TextChoices):
        CHILDREN = "children", "children in the frame"
        NUDITY = "nudity", "people without clothes"
        WATERMARK = "watermark", "watermarks"
        SYMBOLS = "symbols", "forbidden symbols"

    class Source(models.TextChoices):
        TAGGER = "tagger", "a model's suggestion"
        CROWD = "crowd", "a worker's answer"
        PERSON = "person", "a person of the team"

    class Word(models.TextChoices):
        OPEN = "open"
        KEPT = "kept"
        REMOVED = "removed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="publish_findings")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="publish_findings")
    filter = models.CharField(max_length=10, choices=Filter)
    source = models.CharField(max_length=6, choices=Source)
    said_by = models.CharField(max_length=120, blank=True, help_text="the tagger, or who reported it")
    score = models.FloatField(default=1)
    word = models.CharField(max_length=7, choices=Word, default=Word.OPEN)
    note = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "filter"], name="publish_finding_once"),
            models.CheckConstraint(
                condition=models.Q(filter__in=["children", "nudity", "watermark", "symbols"]),
                name="publish_filter_known",
            ),
            models.CheckConstraint(
                condition=models.Q(word="open", decided_at=None)
                | models.Q(word__in=["kept", "removed"], decided_at__isnull=False),
                name="publish_word_is_dated",
            ),
        ]
        indexes = [models.Index(fields=["project", "filter", "word", "-score"], name="publish_queue")]

    def __str__(self) -> str:
        return f"{self.filter} in {self.asset_id}"


class LockedPart(models.Model):
    """A part of a version nobody may touch before the end, such as the final test set."""

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="locked_parts")
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="locked_parts")
    split = models.CharField(max_length=10)
    locked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    locked_at = models.DateTimeField(db_default=Now())
    unlocked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    unlocked_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was unlocked")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "split"], condition=models.Q(unlocked_at=None), name="part_locked_once"
            ),
            models.CheckConstraint(
                condition=models.Q(unlocked_at=None) | ~models.Q(reason=""), name="unlocking_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.split} of {self.dataset_id}"


class Erasure(models.Model):
    """A contributor was erased: how much, from which versions and exports. The person is a pseudonym here."""

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="erasures")
    pseudonym = models.CharField(max_length=40)
    note = models.CharField(max_length=300, blank=True)
    images = models.PositiveIntegerField(default=0)
    files = models.PositiveIntegerField(default=0)
    versions = models.JSONField(default=dict, help_text="number of the version: images that were in it")
    exports = models.JSONField(default=list, help_text="archives that were deleted because they held some")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True, help_text="when the last file was deleted")

    def __str__(self) -> str:
        return f"erasure of {self.pseudonym}"


class ErasedItem(models.Model):
    """The tombstone of an image in a frozen version: it was there, it is gone, receipts say so."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="items")
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="erased_items")
    image = models.UUIDField(help_text="public id of the image that was")
    split = models.CharField(max_length=10, blank=True)
    boxes = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "image"], name="erased_once_per_version")]

    def __str__(self) -> str:
        return f"{self.image} was in {self.dataset_id}"
