"""What all resources share: scopes, roles, the caller's projects, and how a list is described."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import models
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from curation.api.fields import page_schema
from curation.api.idempotency import Once
from curation.api.paging import DEFAULT_LIMIT, MOST, Filter, Rows, page_of
from curation.api.problems import Problem
from curation.models import ApiToken, Membership, Project

View = TypeVar("View", bound=Callable[..., Response])


class HasScope(BasePermission):
    """A token must carry the scope of the method; a person in the browser has all that his roles allow."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "scopes", {}).get(request.method, "read")
        if isinstance(request.auth, ApiToken) and scope not in request.auth.scopes:
            raise Problem(403, "scope_missing", f"This token does not carry the scope {scope!r}; make one that does.")
        return True


class ApiThrottle(UserRateThrottle):
    rate = "600/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        caller = f"token-{request.auth.pk}" if isinstance(request.auth, ApiToken) else f"user-{request.user.pk}"
        return f"api-throttle-{self.scope}-{caller}"


class Door(Once, APIView):
    """Base of every resource. `scopes` names what a token needs for each method."""

    permission_classes = [IsAuthenticated, HasScope]
    throttle_classes = [ApiThrottle]
    scopes: ClassVar[Mapping[str, str]] = {}


def projects(request: Request) -> models.QuerySet[Project]:
    """Return the projects this caller may see: the person's, narrowed to the token's."""
    return _within_token(request, Project.objects.visible_to(request.user))


def led(request: Request) -> models.QuerySet[Project]:
    return _within_token(request, Project.objects.led_by(request.user))


def _within_token(request: Request, mine: models.QuerySet[Project]) -> models.QuerySet[Project]:
    token = request.auth
    if isinstance(token, ApiToken) and not token.all_projects:
        return mine.filter(pk__in=token.projects.values("pk"))
    return mine


def project_or_404(request: Request, public_id: UUID) -> Project:
    project = projects(request).filter(public_id=public_id).first()
    if project is None:
        raise Http404
    return project


def require_lead(request: Request, project_id: int) -> None:
    """Refuse members who do not lead; for strangers the object was not found before."""
    if not led(request).filter(pk=project_id).exists():
        lead = Membership.Role.LEAD
        raise Problem(403, "lead_only", f"Only a {lead} of the project may do this; ask one of them.")


def listing(request: Request, rows: Rows, filters: Mapping[str, Filter], row: type[BaseSerializer[Any]]) -> Response:
    """Answer one page of a list."""
    page = page_of(request, rows, filters)
    answer: dict[str, Any] = {"results": row(page.rows, many=True).data, "next": page.next}
    if page.count is not None:
        answer["count"] = page.count
    return Response(answer)


def describe_list(
    row: type[BaseSerializer[Any]], filters: Mapping[str, Filter], name: str, summary: str
) -> Callable[[View], View]:
    """Return the schema of a list: its filters, the three parameters of paging, one page as the answer."""
    own = [
        OpenApiParameter("cursor", str, description="`next` of the page before"),
        OpenApiParameter("limit", int, description=f"rows on a page, 1 to {MOST}; {DEFAULT_LIMIT} if left out"),
        OpenApiParameter("count", str, enum=["1"], description="1 = count all rows as well"),
    ]
    named = [
        OpenApiParameter(name, str, description=one.about, enum=list(one.values) or None)
        for name, one in filters.items()
    ]
    described: Callable[[View], View] = extend_schema(
        operation_id=f"{name}_list", summary=summary, parameters=[*named, *own], responses=page_schema(row)
    )
    return described
