"""Who may review: leads and reviewers of the project; not allowed and not there are the same 404."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest

from curation.models import Membership, Project, User

REVIEWERS = (Membership.Role.LEAD, Membership.Role.REVIEWER)


@dataclass(frozen=True, slots=True)
class Seat:
    """A reviewer at a project."""

    project: Project
    user: User
    leads: bool


def seat_at(request: HttpRequest, public_id: UUID) -> Seat:
    user = request.user
    if not isinstance(user, User):
        raise Http404
    here = Membership.objects.filter(project__public_id=public_id, project__trashed_at=None)
    mine = here.filter(user=user, role__in=REVIEWERS)
    row = mine.select_related("project").first()
    if row is None:
        raise Http404
    return Seat(row.project, user, row.role == Membership.Role.LEAD)
