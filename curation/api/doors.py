"""What all resources share: scopes, roles, rates, the caller's projects, and how lists and single rows are answered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.http import Http404
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from curation.api import etags
from curation.api.auth import caller
from curation.api.description import describe_list as describe_list
from curation.api.fields import pick, picked
from curation.api.idempotency import Once
from curation.api.paging import OWN, Filter, Page, Rows, by_id, page_of, parameters_of
from curation.api.problems import Problem
from curation.api.throttles import ApiThrottle, HeavyThrottle
from curation.models import ApiToken, Membership, Project

REVIEWERS = (Membership.Role.LEAD, Membership.Role.REVIEWER)
PROJECT = by_id(lambda rows, _: rows, "id of the project")
"""Every list begins with the rows of `project_ids`, which has narrowed them to this project already."""


class HasScope(BasePermission):
    """A token must carry the scope of the method; a person in the browser has all that his roles allow."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        scope = getattr(view, "scopes", {}).get(method, "read")
        if isinstance(request.auth, ApiToken) and scope not in request.auth.scopes:
            raise Problem(403, "scope_missing", f"This token does not carry the scope {scope!r}; make one that does.")
        return True


class Door(Once, APIView):
    """Base of every resource.

    `scopes` names what a token needs for each method, `parameters` the query parameters of each method that changes
    something (what is not named there is refused), `rates` what a method that costs much allows beside the usual rate.
    """

    permission_classes = [IsAuthenticated, HasScope]
    throttle_classes = [ApiThrottle, HeavyThrottle]
    scopes: ClassVar[Mapping[str, str]] = {}
    parameters: ClassVar[Mapping[str, Sequence[str]]] = {}
    rates: ClassVar[Mapping[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method in {"POST", "PUT", "PATCH", "DELETE"}:
            parameters_of(request, self.parameters.get(request.method, ()))
        super().initial(request, *args, **kwargs)


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


def project_ids(request: Request, among: Callable[[Request], models.QuerySet[Project]] = projects) -> list[int]:
    """Return the caller's projects, or the one that ?project= names.

    As numbers and not as a subquery, so that the database sees which index a list can be read from.
    """
    mine, named = among(request), request.query_params.get("project")
    if named is not None:
        try:
            mine = mine.filter(public_id=UUID(named))
        except ValueError:
            return []
    return list(mine.values_list("pk", flat=True))


def project_or_404(request: Request, public_id: UUID) -> Project:
    project = projects(request).filter(public_id=public_id).first()
    if project is None:
        raise Http404
    return project


def asked_project(request: Request) -> Project:
    """Return the project that ?project= must name."""
    try:
        return project_or_404(request, UUID(request.query_params.get("project", "")))
    except ValueError:
        raise Problem(400, "bad_parameter", "Name the project: ?project= and its id.") from None


def wants(request: Request, field: str) -> bool:
    """Whether the answer will hold this field, so that what nobody asked for need not be read."""
    fields = request.query_params.get("fields")
    return fields is None or field in fields.split(",")


def found(rows: Rows, **by: Any) -> Any:
    """Return the one row, or say that there is nothing here."""
    row = rows.filter(**by).first()
    if row is None:
        raise Http404
    return row


def require_lead(request: Request, project_id: int) -> None:
    """Refuse members who do not lead; for strangers the object was not found before."""
    if not led(request).filter(pk=project_id).exists():
        lead = Membership.Role.LEAD
        raise Problem(403, "lead_only", f"Only a {lead} of the project may do this; ask one of them.")


def require_reviewer(request: Request, project_id: int) -> None:
    """Refuse members who only look on."""
    if not Membership.objects.filter(project=project_id, user=caller(request), role__in=REVIEWERS).exists():
        raise Problem(403, "reviewer_only", "Only a lead or reviewer of the project may do this; ask one of them.")


def listing(request: Request, rows: Rows, filters: Mapping[str, Filter], row: type[BaseSerializer[Any]]) -> Response:
    """Answer one page of a list."""
    given = parameters_of(request, (*filters, *OWN))
    fields = picked(given, row)
    page = page_of(request.path, rows, filters, given)
    return paged(page, pick(row(page.rows, many=True), fields).data)


def paged(page: Page, results: Sequence[Mapping[str, Any]]) -> Response:
    answer: dict[str, Any] = {"results": results, "next": page.next}
    if page.count is not None:
        answer["count"] = page.count
    return Response(answer)


def single(
    request: Request, row: type[BaseSerializer[Any]], data: Mapping[str, Any], *, also: Sequence[str] = ()
) -> Response:
    """Answer one row with its ETag, whole or the fields that are asked for; 304 to who knows it already."""
    fields = picked(parameters_of(request, ("fields", *also)), row)
    tag = etags.of(data)
    if etags.is_known(request, tag):
        return Response(status=304, headers={"ETag": tag})
    return Response({name: data[name] for name in fields} if fields else data, headers={"ETag": tag})


def edited(data: Mapping[str, Any]) -> Response:
    """Answer an edit with the row as it is now and its new ETag."""
    return Response(data, headers={"ETag": etags.of(data)})
