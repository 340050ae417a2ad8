"""Workers of a project with their numbers in it: pages, control tasks, what they earned."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from crowd.models import Answer, Assignment, Worker
from crowd.services import trust
from curation.models import Project


def workers_of(project: Project) -> QuerySet[Worker]:
    """Return the workers who had a page of this project, with their numbers in it."""
    pages = Assignment.objects.filter(project_id=project.pk, worker=OuterRef("pk")).order_by().values("worker")
    accepted = pages.filter(state=Assignment.State.ACCEPTED)
    control = (
        Answer.objects.filter(assignment__project_id=project.pk, worker=OuterRef("pk"), control_ok__isnull=False)
        .order_by()
        .values("worker")
    )
    ban = trust.bans_in(project_id=project.pk, now=timezone.now()).filter(worker=OuterRef("pk"))
    return Worker.objects.filter(Exists(pages)).annotate(
        pages=_number(pages.annotate(n=Count("id"))),
        accepted=_number(accepted.annotate(n=Count("id"))),
        rejected=_number(pages.filter(state=Assignment.State.REJECTED).annotate(n=Count("id"))),
        earned=_number(accepted.annotate(n=Sum("price_micro"))),
        control_n=_number(control.annotate(n=Count("id"))),
        control_ok=_number(control.annotate(n=Count("id", filter=Q(control_ok=True)))),
        banned=Exists(ban),
    )


def ordered(project: Project, order: str) -> QuerySet[Any, int]:
    """Return the ids of the project's workers by one of their numbers.

    What is counted from pages is counted for all workers at once: asked for one by one it takes ten times as long.
    """
    accepted = Q(state=Assignment.State.ACCEPTED)
    counted = {
        "pages": Count("id"),
        "accepted": Count("id", filter=accepted),
        "earned": Coalesce(Sum("price_micro", filter=accepted), 0),
    }
    number = counted.get(order.removeprefix("-"))
    if number is None:
        return workers_of(project).order_by(order, "id").values_list("pk", flat=True)
    name = f"of_{order.removeprefix('-')}"
    place = f"-{name}" if order.startswith("-") else name
    pages = Assignment.objects.filter(project_id=project.pk).order_by().values("worker_id").annotate(**{name: number})
    return pages.order_by(place, "worker_id").values_list("worker_id", flat=True)


def _number(rows: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(rows.values("n")), 0)
