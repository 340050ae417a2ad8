"""When is it ready and what will it cost: of a project that runs, and of one that is only planned."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.doors import Door, asked_project, projects
from curation.api.fields import Amount, Dollars
from curation.api.paging import parameters_of
from curation.api.projects import NewProject, campaign_of
from curation.engine import planning
from curation.engine.asking import Campaign, check_crowds
from curation.engine.past import past_of
from curation.services.outlook import outlook_of_project, with_outlook
from curation.services.overview import PoolRow, ProjectNumbers, project_numbers


class PoolAhead(serializers.Serializer[Any]):
    """One pool with the numbers its row on the screens shows."""

    id = serializers.IntegerField(source="pool.pk")
    name = serializers.CharField(source="pool.full_name")
    stage = serializers.CharField(source="pool.stage.name")
    label_class = serializers.CharField(source="pool.label_class.name", default=None, allow_null=True)
    state = serializers.CharField(source="pool.state")
    status = serializers.CharField(help_text="what it does, or what to do about it")
    wanted = serializers.IntegerField(source="target")
    accepted = serializers.IntegerField()
    in_check = serializers.IntegerField()
    left = serializers.IntegerField()
    per_hour = serializers.FloatField(allow_null=True, help_text="pace of the last hours; null = nobody can say")
    hours_p50 = serializers.FloatField(source="eta.p50", default=None, allow_null=True)
    hours_p90 = serializers.FloatField(source="eta.p90", default=None, allow_null=True)
    is_never = serializers.BooleanField(help_text="nobody is left who may do what is missing")
    planned = Amount(source="planned_micro", help_text="what all that is wanted costs, in `currency`")
    spent = Amount(source="spent_micro")
    currency = serializers.CharField(source="pool.account.currency")


class Finish(serializers.Serializer[Any]):
    """When all that is wanted is published, and what will have been spent by then."""

    p50_at = serializers.DateTimeField(source="at")
    p90_at = serializers.DateTimeField(source="late")
    low_usd = Dollars(source="low_micro")
    high_usd = Dollars(source="high_micro")


class ProjectAhead(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    wanted = serializers.IntegerField()
    published = serializers.IntegerField()
    currency = serializers.CharField(help_text="of every amount but those of pools: the first budget's")
    spent_usd = Dollars()
    budget_usd = Dollars()
    usd_per_image = Dollars(allow_null=True, help_text="so far, of a published one")
    finish = Finish(allow_null=True, help_text="null = the pace does not allow to say, or no pool is open")
    never = serializers.CharField(allow_blank=True, help_text="why it can never be done like this; empty when it can")
    pools = PoolAhead(many=True)


class PlannedRow(serializers.Serializer[Any]):
    stage = serializers.CharField()
    n = serializers.IntegerField(help_text="items")
    answers = serializers.FloatField(help_text="expected for one item")
    pages = serializers.IntegerField()
    unit_usd = Dollars(help_text="for one item, fees included")
    usd = Dollars()


class PlannedSheet(serializers.Serializer[Any]):
    rows = PlannedRow(many=True)
    total_usd = Dollars()
    per_delivered_usd = Dollars()


class PlanAhead(serializers.Serializer[Any]):
    recipe = serializers.CharField()
    wanted = serializers.IntegerField()
    as_is = PlannedSheet()
    interval_usd = serializers.ListField(child=Dollars(), help_text="less and more than this in 5 of 100 cases each")
    other_currencies = serializers.DictField(child=Amount(), help_text="what platforms are paid in other currencies")
    budget_usd = Dollars()
    fits = serializers.BooleanField(help_text="whether the budget covers it")
    notes = serializers.ListField(child=serializers.CharField(), help_text="what platforms cannot do of it")


class Forecast(Door):
    scopes = {"GET": "read", "POST": "read"}

    @extend_schema(
        summary="When a project and each of its pools will be done, and what it will have cost",
        parameters=[
            OpenApiParameter("project", str, required=True, description="id of the project"),
            OpenApiParameter("label_class", str, description="only the pools of this class"),
        ],
        responses=ProjectAhead,
    )
    def get(self, request: Request) -> Response:
        given = parameters_of(request, ("project", "label_class"))
        project = asked_project(request)
        numbers = project_numbers(project=project, now=database_now())
        told = outlook_of_project(project, numbers)
        numbers = with_outlook(numbers, told)
        pools = [row for row in numbers.rows if _is_of(row, given.get("label_class"))]
        ahead = {"project": project.public_id, **_ahead(numbers), "never": told.never if told else "", "pools": pools}
        return Response(ProjectAhead(ahead).data)

    @extend_schema(
        summary="What a project would cost, from its recipe's expectations; nothing is made",
        request=NewProject,
        responses=PlanAhead,
    )
    def post(self, request: Request) -> Response:
        asked = NewProject(data=request.data)
        asked.is_valid(raise_exception=True)
        plan = campaign_of(asked.validated_data)
        check_crowds(plan, caller(request))
        past = past_of(projects(request).values_list("pk", flat=True))
        return Response(PlanAhead(_planned(past.told(plan))).data)


def _is_of(row: PoolRow, label_class: str | None) -> bool:
    named = row.pool.label_class
    return label_class is None or (named is not None and named.name == label_class)


def _ahead(numbers: ProjectNumbers) -> dict[str, Any]:
    return {
        "wanted": numbers.plan,
        "published": numbers.published,
        "currency": numbers.currency,
        "spent_usd": numbers.spent.spent_micro,
        "budget_usd": numbers.budget_micro,
        "usd_per_image": numbers.price_micro,
        "finish": numbers.forecast,
    }


def _planned(plan: Campaign) -> dict[str, Any]:
    rows = planning.plan(plan)
    total, span = sum(row.micro for row in rows), planning.span(plan, rows)
    sheet = [
        {
            "stage": row.stage,
            "n": row.n,
            "answers": row.answers,
            "pages": row.pages,
            "unit_usd": row.micro // row.n if row.n else 0,
            "usd": row.micro,
        }
        for row in rows
    ]
    return {
        "recipe": plan.recipe.name,
        "wanted": plan.total,
        "as_is": {"rows": sheet, "total_usd": total, "per_delivered_usd": total // plan.total},
        "interval_usd": [span.low_micro, span.high_micro],
        "other_currencies": planning.elsewhere_micro(rows),
        "budget_usd": plan.budget_micro,
        "fits": total <= plan.budget_micro,
        "notes": list(dict.fromkeys(note for row in rows for share in row.shares for note in share.notes)),
    }
