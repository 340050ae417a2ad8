from django.db import models

from crowd.models.work import Assignment


class PageDraft(models.Model):
    """The answers of a page so far, so that a worker can go on after a reload or on another connection."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, primary_key=True, related_name="draft")
    answers = models.JSONField(default=dict, help_text="answer id as text -> payload")
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"draft of page {self.assignment_id}"
