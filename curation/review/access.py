"""Who may review: leads and reviewers of the project; not allowed and not there are the same 404."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from curation.models import Membership, Project, User
from curation.seats import person, seat_or_404
from curation.services import collection, disputes, reviews


@dataclass(frozen=True, slots=True)
class Seat:
    """A reviewer at a project."""

    project: Project
    user: User
    leads: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One way to review, and how much waits there; the grid shows the same images as the boxes."""

    name: str
    title: str
    url: str
    waiting: int = 0


def ways(seat: Seat, *, at_review: int | None = None) -> Sequence[Way]:
    """Return the ways to review; `at_review` images wait for a person, where that is known already."""
    project = seat.project
    boxes = reviews.waiting(project) if at_review is None else at_review

    def way(name: str, title: str, page: str, waiting: int = 0) -> Way:
        return Way(name, title, reverse(page, args=[project.public_id]), waiting)

    return (
        way("boxes", "Boxes", "review", boxes),
        way("grid", "Grid", "review-grid"),
        way("checks", "Checks", "review-checks", disputes.waiting(project=project, leads=seat.leads)),
        way("submissions", "Submissions", "submissions", collection.waiting(project).count()),
    )


def seat_at(request: HttpRequest, public_id: UUID) -> Seat:
    seat = seat_or_404(request, public_id, Membership.Role.REVIEWER)
    return Seat(seat.project, person(request), seat.may(Membership.Role.LEAD))
