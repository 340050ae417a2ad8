"""Verdicts that stand: the last word about each image that nobody took back."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from curation.models import ConsensusBox, Project, Review

Verdict = Review.Verdict
JUDGING = (Verdict.ACCEPT, Verdict.REJECT, Verdict.FIX)
ASKING = (Verdict.SEND_BACK, Verdict.ONE_MORE)
SAMPLED = "sample"  # why an image that nobody doubts is held for a person


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


def boxes_of(consensus_ids: Iterable[int]) -> dict[int, list[Mapping[str, Any]]]:
    """Return the boxes of these results, each with label, x, y, w, h in fractions of the image, in their order."""
    found: dict[int, list[Mapping[str, Any]]] = {pk: [] for pk in consensus_ids}
    rows = ConsensusBox.objects.filter(consensus_id__in=list(found)).order_by("consensus_id", "seq")
    for row in rows.values("consensus_id", "label", "x", "y", "w", "h"):
        found[row["consensus_id"]].append(row)
    return found
