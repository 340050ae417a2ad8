"""Projects and their stages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from crowd.models import Budget
from curation.api.asset_queries import ABOUT, a_query
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import Door, listing, project_or_404, projects, single
from curation.api.fields import Asked, Dollars
from curation.api.paging import Filter, parameters_of
from curation.api.problems import Problem
from curation.engine import asking, campaigns
from curation.engine.asking import Campaign
from curation.models import ApiToken, LabelClass, Membership, Project, Stage
from curation.services import tag_counts
from curation.services.asset_query import parse


class ClassRow(serializers.ModelSerializer[LabelClass]):
    class Meta:
        model = LabelClass
        fields = ["index", "name", "prompt", "is_negative", "retired_at"]


class StageRow(serializers.ModelSerializer[Stage]):
    class Meta:
        model = Stage
        fields = ["name", "title", "kind", "position", "state", "settings"]


class BudgetRow(serializers.Serializer[Budget]):
    currency = serializers.CharField(help_text="of the amounts beside it")
    limit_usd = Dollars(source="limit_micro")
    reserved_usd = Dollars(source="reserved_micro")
    spent_usd = Dollars(source="spent_micro")
    free_usd = Dollars(source="free_micro")


class ProjectRow(serializers.ModelSerializer[Project]):
    id = serializers.UUIDField(source="public_id")
    role = serializers.ChoiceField(choices=Membership.Role.values, help_text="yours")
    classes = ClassRow(many=True)

    class Meta:
        model = Project
        fields = [
            "id", "slug", "name", "recipe", "description", "team", "owner", "role", "classes",
            "is_demo", "version", "created_at", "archived_at",
        ]  # fmt: skip


class ProjectDetail(ProjectRow):
    stages = StageRow(many=True)
    budget = BudgetRow(allow_null=True)

    class Meta(ProjectRow.Meta):
        fields = [*ProjectRow.Meta.fields, "stages", "budget"]


class NewProject(Asked):
    recipe = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    platform = serializers.CharField(max_length=40, default="inhouse")
    classes = serializers.ListField(child=serializers.CharField(max_length=60), default=list, max_length=1000)
    wanted = serializers.IntegerField(required=False, min_value=1, help_text="results a class")
    quotas = serializers.DictField(
        child=serializers.IntegerField(min_value=1), default=dict, help_text="classes that get another number"
    )
    prompts = serializers.DictField(
        child=serializers.CharField(max_length=300),
        default=dict,
        help_text="classes the recipe does not know, with what workers read about them",
    )
    budget_usd = serializers.CharField(required=False, max_length=30)
    team = serializers.CharField(max_length=40, default="", allow_blank=True)
    owner = serializers.CharField(max_length=80, default="", allow_blank=True)
    settings = serializers.DictField(
        child=serializers.DictField(), default=dict, help_text="what differs from the recipe: stage → name → value"
    )


FILTERS = {
    "slug": Filter(lambda rows, text: rows.filter(slug=text), "exactly this short name"),
    "recipe": Filter(lambda rows, text: rows.filter(recipe=text), "name of the recipe"),
}


def campaign_of(wish: Mapping[str, Any]) -> Campaign:
    """Return what a body asks for, checked."""
    return asking.campaign(
        recipe=wish["recipe"],
        name=wish["name"],
        platform=wish["platform"],
        classes=wish["classes"],
        wanted=wish.get("wanted"),
        budget=wish.get("budget_usd"),
        team=wish["team"],
        owner=wish["owner"],
        settings=wish["settings"],
        quotas=wish["quotas"],
        prompts=wish["prompts"],
    )


def _mine(request: Request) -> Any:
    return projects(request).annotate(role=F("memberships__role")).prefetch_related("classes")


def detail(request: Request, project: Project) -> dict[str, Any]:
    found = _mine(request).get(pk=project.pk)
    found.budget = Budget.objects.of_project(found.pk).first()
    return {**ProjectDetail(found).data}


class ProjectList(Door):
    scopes = {"GET": "read", "POST": "admin"}

    @describe_list(ProjectRow, FILTERS, "projects", "Your projects")
    def get(self, request: Request) -> Response:
        return listing(request, _mine(request), FILTERS, ProjectRow)

    @extend_schema(
        summary="Create a project from a recipe; you lead it", request=NewProject, responses={201: ProjectDetail}
    )
    def post(self, request: Request) -> Response:
        asked = NewProject(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = campaign_of(asked.validated_data)
        project = campaigns.create_project(asked=wanted, by=caller(request), now=database_now())
        _admit(request, project)
        return Response(detail(request, project), status=201)


def _admit(request: Request, project: Project) -> None:
    """A token for named projects may also use the one it has made."""
    token = request.auth
    if isinstance(token, ApiToken) and not token.all_projects:
        token.projects.add(project)


class ProjectOne(Door):
    @describe_one(ProjectDetail, "One project with classes, stages and budget")
    def get(self, request: Request, project_id: UUID) -> Response:
        return single(request, ProjectDetail, detail(request, project_or_404(request, project_id)))


class TagCount(serializers.Serializer[Any]):
    key = serializers.CharField()
    value = serializers.CharField()
    n = serializers.IntegerField(help_text="pictures and frames with this value")
    share = serializers.FloatField(help_text="of those that have the key at all")


class ProjectTags(Door):
    @extend_schema(
        summary="How many pictures carry each tag: the percentage of frames with motion, of a camera, at night",
        description=(
            "What takes longer than two seconds is counted in the background: the newest counts that are known come "
            "with their age in seconds in `Age`, and 503 with `Retry-After` where there are none yet."
        ),
        parameters=[OpenApiParameter("q", str, description=ABOUT)],
        responses=TagCount(many=True),
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        parameters_of(request, ("q",))
        project = project_or_404(request, project_id)
        with a_query():
            found = tag_counts.counts(project, parse(request.query_params.get("q", "")))
        if found.at is None:
            raise Problem(503, "counting", "These tags are being counted. Ask again in ten seconds.", wait=10)
        age = int((timezone.now() - found.at).total_seconds())
        return Response(TagCount(found.values, many=True).data, headers={"Age": str(age)})


class ProjectStages(Door):
    @extend_schema(summary="The project's stages in their order", responses=StageRow(many=True))
    def get(self, request: Request, project_id: UUID) -> Response:
        parameters_of(request, ())
        project = project_or_404(request, project_id)
        return Response(StageRow(project.stages.order_by("position"), many=True).data)
