"""Who may see which project. A stranger, or somebody without the role, gets the same 404 as for nothing at all."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import BigIntegerField, CharField, Count, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest

from crowd.models import Appeal, Budget
from curation.models import Membership, Project, User

RANKS: Final[dict[str, int]] = {Membership.Role.VIEWER: 0, Membership.Role.REVIEWER: 1, Membership.Role.LEAD: 2}


@dataclass(frozen=True, slots=True)
class Seat:
    """A project as one person sees it: the role there, appeals that wait for an answer, and its
    first budget, whose currency is the project's.
    """

    project: Project
    role: str
    limit_micro: int
    spent_micro: int
    currency: str
    open_appeals: int = 0

    def may(self, role: str) -> bool:
        return RANKS[self.role] >= RANKS[role]


def person(request: HttpRequest) -> User:
    """Return who is signed in; only for views behind login_required."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def seats(request: HttpRequest) -> list[Seat]:
    """Return the person's projects, read once per request."""
    kept: list[Seat] | None = getattr(request, "seats", None)
    if kept is None:
        kept = _read(request.user) if request.user.is_authenticated else []
        request.seats = kept  # type: ignore[attr-defined]
    return kept


def _read(user: Any) -> list[Seat]:
    budget = Budget.objects.filter(scope="project", scope_id=OuterRef("pk")).order_by("id")
    waiting = Appeal.objects.filter(project_id=OuterRef("pk"), state=Appeal.State.OPEN).order_by()
    appeals = waiting.values("project_id").annotate(n=Count("pk")).values("n")
    rows: Any = (
        Project.objects.visible_to(user)
        .annotate(
            role=F("memberships__role"),
            limit_micro=Coalesce(Subquery(budget.values("limit_micro")[:1]), 0, output_field=BigIntegerField()),
            spent_micro=Coalesce(Subquery(budget.values("spent_micro")[:1]), 0, output_field=BigIntegerField()),
            currency=Coalesce(Subquery(budget.values("currency")[:1]), Value("USD"), output_field=CharField()),
            open_appeals=Coalesce(Subquery(appeals), 0, output_field=BigIntegerField()),
        )
        .order_by(F("archived_at").desc(nulls_first=True), "name", "id")
        .prefetch_related("stages")
    )
    return [Seat(row, row.role, row.limit_micro, row.spent_micro, row.currency, row.open_appeals) for row in rows]


def seat_or_404(request: HttpRequest, public_id: UUID, role: str = Membership.Role.VIEWER) -> Seat:
    for seat in seats(request):
        if seat.project.public_id == public_id and seat.may(role):
            return seat
    raise Http404


def project_or_404(request: HttpRequest, public_id: UUID, role: str = Membership.Role.VIEWER) -> Project:
    """Return the project when this person has at least the role in it."""
    return seat_or_404(request, public_id, role).project
