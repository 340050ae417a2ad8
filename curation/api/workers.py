"""Workers of a project, by the pseudonyms that screens show: their numbers in it, bans and warnings."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from crowd.models import Restriction, SkillValue, Worker
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, asked_project, found, listing, project_or_404, require_lead, single
from curation.api.fields import Amount, Asked
from curation.api.paging import yes_or_no
from curation.api.problems import Problem
from curation.models import Project
from curation.services import bans
from curation.services.workers import workers_of

NEEDS_PROJECT = OpenApiParameter("project", UUID, required=True, description="id of the project")


class SkillRow(serializers.ModelSerializer[SkillValue]):
    name = serializers.CharField(source="skill.name")

    class Meta:
        model = SkillValue
        fields = ["name", "value"]


class WorkerRow(serializers.ModelSerializer[Worker]):
    name = serializers.CharField(source="short_id", help_text="the pseudonym that screens show")
    platform = serializers.CharField(source="account.platform")
    pages = serializers.IntegerField()
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    control_right = serializers.IntegerField(source="control_ok", help_text="control tasks answered right")
    control_answered = serializers.IntegerField(source="control_n")
    earned = Amount(help_text="by accepted pages, in `currency`")
    currency = serializers.CharField(source="account.currency")
    is_banned = serializers.BooleanField(source="banned", help_text="from this project now")
    skills = serializers.SerializerMethodField()

    class Meta:
        model = Worker
        fields = [
            "id", "name", "platform", "pages", "accepted", "rejected", "control_right", "control_answered", "earned",
            "currency", "is_banned", "skills", "first_seen",
        ]  # fmt: skip

    @extend_schema_field(SkillRow(many=True))
    def get_skills(self, row: Worker) -> Any:
        return SkillRow(sorted(row.skill_values.all(), key=lambda one: one.skill.name), many=True).data


class RestrictionRow(serializers.ModelSerializer[Restriction]):
    class Meta:
        model = Restriction
        fields = ["id", "effect", "scope", "reason", "by_rule", "until", "created_at", "lifted_at"]


class WorkerDetail(WorkerRow):
    restrictions = serializers.SerializerMethodField(help_text="all that was ever decided against this worker here")

    class Meta(WorkerRow.Meta):
        fields = [*WorkerRow.Meta.fields, "restrictions"]

    @extend_schema_field(RestrictionRow(many=True))
    def get_restrictions(self, row: Worker) -> Any:
        against = bans.against(worker=row, project=self.context["project"])
        return RestrictionRow(against.order_by("-id"), many=True).data


class NewWarning(Asked):
    project = serializers.UUIDField()
    reason = serializers.CharField(max_length=150, help_text="kept with it")


class NewBan(NewWarning):
    days = serializers.IntegerField(min_value=1, max_value=bans.MOST_DAYS)


class NewLift(Asked):
    project = serializers.UUIDField()
    restriction = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


FILTERS = {
    "project": PROJECT,
    "banned": yes_or_no(lambda rows, yes: rows.filter(banned=yes), "from the project now"),
}


def _rows(project: Project) -> Any:
    return workers_of(project).select_related("account").prefetch_related("skill_values__skill")


class WorkerList(Door):
    @describe_list(WorkerRow, FILTERS, "workers", "Who had a page of a project", needs=("project",))
    def get(self, request: Request) -> Response:
        return listing(request, _rows(asked_project(request)), FILTERS, WorkerRow)


def _detail(project: Project, worker_id: int) -> dict[str, Any]:
    return {**WorkerDetail(found(_rows(project), pk=worker_id), context={"project": project}).data}


class WorkerOne(Door):
    @describe_one(WorkerDetail, "One worker in a project", also=[NEEDS_PROJECT])
    def get(self, request: Request, worker_id: int) -> Response:
        return single(request, WorkerDetail, _detail(asked_project(request), worker_id), also=("project",))


def _led_project(request: Request, body: type[Asked]) -> tuple[Project, dict[str, Any]]:
    """Return the project a body names, when the caller leads it, and what else it says."""
    asked = body(data=request.data)
    asked.is_valid(raise_exception=True)
    project = project_or_404(request, asked.validated_data["project"])
    require_lead(request, project.pk)
    return project, asked.validated_data


class WorkerBan(Door):
    scopes = {"POST": "admin"}

    @extend_schema(summary="No more work in a project for some days", request=NewBan, responses=WorkerDetail)
    def post(self, request: Request, worker_id: int) -> Response:
        project, wish = _led_project(request, NewBan)
        worker, by = found(_rows(project), pk=worker_id), caller(request)
        bans.keep_out(
            worker=worker, project=project, by=by, reason=wish["reason"], days=wish["days"], now=database_now()
        )
        return Response(_detail(project, worker_id))


class WorkerWarn(Door):
    scopes = {"POST": "admin"}

    @extend_schema(summary="Put a warning on record", request=NewWarning, responses=WorkerDetail)
    def post(self, request: Request, worker_id: int) -> Response:
        project, wish = _led_project(request, NewWarning)
        worker = found(_rows(project), pk=worker_id)
        bans.warn(worker=worker, project=project, by=caller(request), reason=wish["reason"], now=database_now())
        return Response(_detail(project, worker_id))


class WorkerLift(Door):
    scopes = {"POST": "admin"}

    @extend_schema(
        summary="Lift a restriction; one of a whole account is lifted in the browser",
        request=NewLift,
        responses=WorkerDetail,
    )
    def post(self, request: Request, worker_id: int) -> Response:
        project, wish = _led_project(request, NewLift)
        worker = found(_rows(project), pk=worker_id)
        row = found(bans.against(worker=worker, project=project).select_related("worker"), pk=wish["restriction"])
        if row.scope == Restriction.Scope.ACCOUNT:
            raise Problem(
                403, "whole_account", "This holds in every project of the account; whoever connected it can lift it."
            )
        bans.lift(restriction=row, project=project, by=caller(request), now=database_now())
        return Response(_detail(project, worker_id))
