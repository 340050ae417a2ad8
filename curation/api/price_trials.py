"""Trials of prices: begin one in a pool, watch what each price brings, stop it and keep one."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from crowd.quality.prices import MOST_ARMS
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, edited, found, listing, project_ids, require_lead, single
from curation.api.fields import Asked, Dollars
from curation.api.paging import by_number, one_of
from curation.models import Pool, PriceDecision, PriceTrial
from curation.services import price_dealing, price_trials

HOURS_A_DAY = 24
DECISIONS_SHOWN = 100


class PriceTrialRow(serializers.ModelSerializer[PriceTrial]):
    project = serializers.UUIDField(source="pool.project.public_id")
    state = serializers.CharField(help_text="running or ended")
    cap_usd = Dollars(source="cap_micro")

    class Meta:
        model = PriceTrial
        fields = ["id", "project", "pool", "state", "deadline", "cap_usd", "note", "started_at", "ended_at"]


class PriceArmRow(serializers.Serializer[Any]):
    """One price with what it has brought so far."""

    number = serializers.IntegerField(source="arm.number")
    price_usd = Dollars(source="arm.price_micro")
    share = serializers.FloatField(
        source="arm.batch.trial_share", allow_null=True, help_text="of the work that is dealt out; null when it is over"
    )
    hours = serializers.FloatField(source="arm.hours", help_text="on offer, each counted by the share of that time")
    open_tasks = serializers.IntegerField()
    pages = serializers.IntegerField(help_text="handed in")
    judged = serializers.IntegerField()
    accepted = serializers.IntegerField()
    cost_usd = Dollars(source="cost_micro")
    taken = serializers.BooleanField(source="arm.is_taken", help_text="the price that was kept in the end")


class PriceDecisionRow(serializers.ModelSerializer[PriceDecision]):
    class Meta:
        model = PriceDecision
        fields = ["number", "says", "created_at"]


class PriceTrialDetail(PriceTrialRow):
    arms = PriceArmRow(many=True)
    decisions = PriceDecisionRow(many=True, help_text=f"which price got most of the work, the last {DECISIONS_SHOWN}")

    class Meta(PriceTrialRow.Meta):
        fields = [*PriceTrialRow.Meta.fields, "arms", "decisions"]


class NewPriceTrial(Asked):
    pool = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    prices_usd = serializers.ListField(child=Dollars(), min_length=2, max_length=MOST_ARMS, help_text="of a page")
    cap_usd = Dollars(help_text="the most that the pages of the trial may cost together")
    hours = serializers.IntegerField(
        default=48, min_value=1, max_value=price_trials.LONGEST.days * HOURS_A_DAY, help_text="until all is to be done"
    )


class TrialEnd(Asked):
    take = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=MOST_ARMS, help_text="number of the price to be kept"
    )


FILTERS = {
    "project": PROJECT,
    "pool": by_number(lambda rows, one: rows.filter(pool_id=one), "id of the pool"),
    "state": one_of(lambda rows, text: rows.filter(state=text), "running or ended", PriceTrial.State.values),
}


def _visible(request: Request) -> Any:
    return PriceTrial.objects.select_related("pool__project").filter(pool__project__in=project_ids(request))


def _shown(trial: PriceTrial) -> dict[str, Any]:
    decisions = PriceDecision.objects.filter(trial=trial)[:DECISIONS_SHOWN]
    return {
        **PriceTrialRow(trial).data,
        "arms": PriceArmRow(price_dealing.look(trial), many=True).data,
        "decisions": PriceDecisionRow(decisions, many=True).data,
    }


class PriceTrialList(Door):
    scopes = {"GET": "read", "POST": "pools"}

    @describe_list(PriceTrialRow, FILTERS, "price_trials", "Trials of prices in your pools")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, PriceTrialRow)

    @extend_schema(
        summary="Give the work of a pool out at two to four prices at once",
        request=NewPriceTrial,
        responses={201: PriceTrialDetail},
    )
    def post(self, request: Request) -> Response:
        asked = NewPriceTrial(data=request.data)
        asked.is_valid(raise_exception=True)
        wish, now = asked.validated_data, database_now()
        pool = found(Pool.objects.filter(project__in=project_ids(request)), pk=wish["pool"])
        require_lead(request, pool.project_id)
        trial = price_trials.start(
            pool_id=pool.pk,
            prices_micro=wish["prices_usd"],
            deadline=now + timedelta(hours=wish["hours"]),
            cap_micro=wish["cap_usd"],
            by=caller(request),
            now=now,
        )
        return Response(_shown(found(_visible(request), pk=trial.pk)), status=201)


class PriceTrialOne(Door):
    @describe_one(PriceTrialDetail, "One trial: each price with what it has brought, and what was decided")
    def get(self, request: Request, trial_id: int) -> Response:
        return single(request, PriceTrialDetail, _shown(found(_visible(request), pk=trial_id)))


class PriceTrialStop(Door):
    scopes = {"POST": "pools"}

    @extend_schema(
        summary="End a trial and keep one of its prices, or go on at the former one",
        request=TrialEnd,
        responses={200: PriceTrialDetail},
    )
    def post(self, request: Request, trial_id: int) -> Response:
        trial = found(_visible(request), pk=trial_id)
        require_lead(request, trial.pool.project_id)
        asked = TrialEnd(data=request.data)
        asked.is_valid(raise_exception=True)
        price_trials.stop(trial_id=trial.pk, take=asked.validated_data["take"], by=caller(request), now=database_now())
        return edited(_shown(found(_visible(request), pk=trial.pk)))
