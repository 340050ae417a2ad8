"""Verdicts that stand: the last word about each image that nobody took back."""

from collections.abc import Iterable

from django.db.models import QuerySet

from curation.models import Project, Review

Verdict = Review.Verdict
JUDGING = (Verdict.ACCEPT, Verdict.REJECT, Verdict.FIX)
ASKING = (Verdict.SEND_BACK, Verdict.ONE_MORE)


def standing_verdicts(project: Project | int) -> QuerySet[Review]:
    """Return what nobody took back; putting aside is no verdict."""
    rows = Review.objects.filter(project_id=project if isinstance(project, int) else project.pk, undone_by=None)
    return rows.exclude(verdict__in=[Verdict.UNDO, Verdict.HOLD])


def last_words(project: Project | int, asset_ids: Iterable[int] | None = None) -> QuerySet[Review]:
    """Return the latest verdict of each image, unless it was undone; putting aside is none.

    Some of them ask for more answers: filter by JUDGING for those that say what is right.
    """
    rows = standing_verdicts(project)
    if asset_ids is not None:
        rows = rows.filter(asset_id__in=asset_ids)
    latest = rows.order_by("asset_id", "-id").distinct("asset_id")
    return Review.objects.filter(pk__in=latest.values("pk"))
