"""Verdicts that stand: the last word about each image that nobody took back."""

from collections.abc import Iterable

from django.db.models import QuerySet

from curation.models import Project, Review

Verdict = Review.Verdict
JUDGING = (Verdict.ACCEPT, Verdict.REJECT, Verdict.FIX)


def last_words(project: Project | int, asset_ids: Iterable[int] | None = None) -> QuerySet[Review]:
    """Return the latest verdict of each image, unless it was undone; putting aside is none.

    Some of them ask for more answers: filter by JUDGING for those that say what is right.
    """
    rows = Review.objects.filter(project_id=project if isinstance(project, int) else project.pk, undone_by=None)
    if asset_ids is not None:
        rows = rows.filter(asset_id__in=asset_ids)
    latest = rows.exclude(verdict__in=[Verdict.UNDO, Verdict.HOLD]).order_by("asset_id", "-id").distinct("asset_id")
    return Review.objects.filter(pk__in=latest.values("pk"))
