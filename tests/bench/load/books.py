"""Whether everything that was handed in is counted once, and whether the money agrees, after a load."""

from __future__ import annotations

from typing import Any


def so_far(project: Any) -> dict[str, int]:
    """Return what stands before: pages in, answers counted at tasks, decisions of reviewers."""
    from django.db.models import Sum

    from crowd.models import Assignment, Task
    from curation.models import Review

    pages = Assignment.objects.filter(project_id=project.pk, submitted_at__isnull=False)
    return {
        "pages": pages.count(),
        "answers": Task.objects.filter(project_id=project.pk).aggregate(n=Sum("done"))["n"],
        "decisions": Review.objects.filter(project_id=project.pk).count(),
    }


def added(project: Any, before: dict[str, int]) -> dict[str, int]:
    return {name: n - before[name] for name, n in so_far(project).items()}


def wrong(project: Any) -> list[str]:
    """Return every count, hold, charge and budget that does not agree with its rows."""
    from crowd.clock import database_now
    from crowd.models import Batch
    from crowd.services import own_books

    batches = Batch.objects.filter(project_id=project.pk).select_related("account", "price_skill").order_by("pk")
    return [
        str(one.as_json()) for one in own_books.differences(batches=list(batches), account=None, now=database_now())
    ]
