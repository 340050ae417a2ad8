"""Who may see which project. A stranger, or somebody without the role, gets the same 404 as for nothing at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.http import Http404, HttpRequest

from crowd.honesty import Policy
from crowd.models import Appeal, Budget
from curation.models import Membership, Project, Stage, User
from curation.services.honesty import policy_as_stored

RANKS: Final[dict[str, int]] = {Membership.Role.VIEWER: 0, Membership.Role.REVIEWER: 1, Membership.Role.LEAD: 2}
PURSE: Final[dict[str, Any]] = {"limit_micro": 0, "spent_micro": 0, "currency": "USD"}
STAGE: Final = {field.attname: field.attname for field in Stage._meta.concrete_fields}
STAGES: Final = Stage.objects.order_by("position")


@dataclass(frozen=True, slots=True)
class Seat:
    """A project as one person sees it: the role there, appeals that wait for an answer, its first budget, whose
    currency is the project's, and its own terms of dishonesty.
    """

    project: Project
    role: str
    limit_micro: int
    spent_micro: int
    currency: str
    open_appeals: int = 0
    terms: Mapping[str, Any] | None = None

    @property
    def policy(self) -> Policy:
        """Return what the levels of dishonesty are called here and what follows."""
        return policy_as_stored(self.terms)

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
            purse=Subquery(budget.values(row=JSONObject(**{name: name for name in PURSE}))[:1]),
            terms=F("honesty_terms__terms"),
            open_appeals=Coalesce(Subquery(appeals), 0, output_field=BigIntegerField()),
            stage_rows=ArraySubquery(STAGES.filter(project=OuterRef("pk")).values(row=JSONObject(**STAGE))),
        )
        .order_by(F("archived_at").desc(nulls_first=True), "name", "id")
    )
    return [
        Seat(_with_stages(row), row.role, **(row.purse or PURSE), open_appeals=row.open_appeals, terms=row.terms)
        for row in rows
    ]


def _with_stages(project: Any) -> Project:
    """Give a project the stages it was read with, as a prefetch by a statement of its own would."""
    stages = project.stages.all()
    stages._result_cache = [
        Stage.from_db("default", STAGE, [row[name] for name in STAGE]) for row in project.stage_rows
    ]
    for stage in stages:
        stage.project = project
    project._prefetched_objects_cache = {"stages": stages}
    return cast("Project", project)


def seat_or_404(request: HttpRequest, public_id: UUID, role: str = Membership.Role.VIEWER) -> Seat:
    for seat in seats(request):
        if seat.project.public_id == public_id and seat.may(role):
            return seat
    raise Http404


def project_or_404(request: HttpRequest, public_id: UUID, role: str = Membership.Role.VIEWER) -> Project:
    """Return the project when this person has at least the role in it."""
    return seat_or_404(request, public_id, role).project
