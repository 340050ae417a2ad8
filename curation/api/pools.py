"""Pools: read them, change what is wanted and paid, open and stop them."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.description import IF_MATCH, describe_list, describe_one
from curation.api.doors import PROJECT, Door, edited, found, listing, project_ids, require_lead, single
from curation.api.etags import unless_changed
from curation.api.fields import Asked, Dollars
from curation.api.paging import Filter, one_of
from curation.api.problems import Problem
from curation.models import Pool
from curation.services import pools


class PoolRow(serializers.ModelSerializer[Pool]):
    project = serializers.UUIDField(source="project.public_id")
    stage = serializers.CharField(source="stage.name")
    platform = serializers.CharField(source="account.platform")
    label_class = serializers.CharField(source="label_class.name", default=None, allow_null=True)
    name = serializers.CharField(source="full_name")
    price_usd = Dollars(source="price_micro")

    class Meta:
        model = Pool
        fields = [
            "id", "project", "stage", "platform", "kind", "label_class", "name", "state", "priority", "wanted",
            "price_usd", "overlap", "note", "started_at", "finished_at", "created_at",
        ]  # fmt: skip


class PoolChange(Asked):
    wanted = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)
    price_usd = Dollars(required=False)
    priority = serializers.IntegerField(required=False, min_value=0, max_value=100)


FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the pool", Pool.State.values),
    "kind": one_of(lambda rows, text: rows.filter(kind=text), "training, exam or main", Pool.Kind.values),
    "stage": Filter(lambda rows, text: rows.filter(stage__name=text), "name of the stage"),
    "label_class": Filter(lambda rows, text: rows.filter(label_class__name=text), "name of the class"),
}
ACTIONS: dict[str, Callable[..., Pool]] = {
    "open": pools.open_pool,
    "pause": pools.pause_pool,
    "resume": pools.open_pool,
    "close": pools.close_pool,
}
OPENING = {"open", "resume"}


def _visible(request: Request) -> Any:
    related = Pool.objects.select_related("project", "stage", "account", "label_class")
    return related.filter(project__in=project_ids(request)).order_by("pk")


def _shown(pool: Pool) -> dict[str, Any]:
    return {**PoolRow(pool).data}


class PoolList(Door):
    @describe_list(PoolRow, FILTERS, "pools", "Pools of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, PoolRow)


class PoolOne(Door):
    scopes = {"GET": "read", "PATCH": "pools"}

    @describe_one(PoolRow, "One pool")
    def get(self, request: Request, pool_id: int) -> Response:
        return single(request, PoolRow, _shown(found(_visible(request), pk=pool_id)))

    @extend_schema(
        summary="Change target, price or priority", parameters=[IF_MATCH], request=PoolChange, responses=PoolRow
    )
    def patch(self, request: Request, pool_id: int) -> Response:
        pool = found(_visible(request), pk=pool_id)
        require_lead(request, pool.project_id)
        asked = PoolChange(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        with unless_changed(request, _visible(request).filter(pk=pool.pk), _shown):
            pools.change_pool(
                pool_id=pool.pk,
                by=caller(request),
                now=database_now(),
                wanted=wish.get("wanted"),
                price_micro=wish.get("price_usd"),
                priority=wish.get("priority"),
            )
        return edited(_shown(_visible(request).get(pk=pool.pk)))


class PoolAction(Door):
    scopes = {"POST": "pools"}
    parameters = {"POST": ("accept_differences",)}

    @extend_schema(
        summary="Open, pause, resume or close a pool",
        parameters=[
            OpenApiParameter("pool_id", int, OpenApiParameter.PATH),
            OpenApiParameter("action", str, OpenApiParameter.PATH, enum=list(ACTIONS)),
            OpenApiParameter(
                "accept_differences", bool, description="open although the platform cannot do all of it; default false"
            ),
            IF_MATCH,
        ],
        request=None,
        responses=PoolRow,
    )
    def post(self, request: Request, pool_id: int, action: str) -> Response:
        pool = found(_visible(request), pk=pool_id)
        require_lead(request, pool.project_id)
        agrees = request.query_params.get("accept_differences", "false")
        if agrees not in {"true", "false"}:
            raise Problem(400, "bad_parameter", f"accept_differences={agrees!r} is unknown; known are true, false.")
        more = {"accept_differences": agrees == "true"} if action in OPENING else {}
        with unless_changed(request, _visible(request).filter(pk=pool.pk), _shown):
            ACTIONS[action](pool_id=pool.pk, by=caller(request), now=database_now(), **more)
        return edited(_shown(_visible(request).get(pk=pool.pk)))
