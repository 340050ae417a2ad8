"""Workers of a project with their numbers in it: pages, control tasks, what they earned."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from crowd.models import Answer, Assignment, Worker
from crowd.services import tallies, trust
from crowd.services.tallies import ByWorker
from curation.models import Project

COUNTED: Final[Mapping[str, ByWorker]] = {"pages": "given", "accepted": "accepted", "earned": "earned"}


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


def ordered(project: Project, order: str, *, first: int, most: int) -> list[int]:
    """Return the ids of some of the project's workers in the order of one of their numbers.

    What is counted from pages is kept in sums: found out from all pages of a campaign it takes a second.
    """
    by, descending = order.removeprefix("-"), order.startswith("-")
    if by in COUNTED:
        return tallies.ranked(project_id=project.pk, by=COUNTED[by], descending=descending, first=first, most=most)
    found = workers_of(project).order_by(order, "id").values_list("pk", flat=True)
    return list(found[first : first + most])


def _number(rows: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(rows.values("n")), 0)
