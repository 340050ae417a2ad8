"""Reviews: people's verdicts over consensus. Decisions are sent in batches, each stored once under its own key."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.asset_queries import asset_query
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import (
    PROJECT,
    Door,
    found,
    listing,
    project_ids,
    project_or_404,
    require_reviewer,
    single,
)
from curation.api.fields import Asked
from curation.api.paging import Filter, by_id, one_of
from curation.models import Review
from curation.services import reviews
from curation.services.reviews import MOST_DECISIONS, Decided

LONGEST_MS = 24 * 3600 * 1000
BIGGEST_ID = 2**63 - 1


class ReviewRow(serializers.ModelSerializer[Review]):
    id = serializers.UUIDField(source="key", help_text="the key it was sent with")
    project = serializers.UUIDField(source="asset.project.public_id")
    asset = serializers.UUIDField(source="asset.public_id")
    consensus = serializers.IntegerField(source="consensus_id", allow_null=True, help_text="what was looked at")
    boxes = serializers.ListField(
        child=serializers.DictField(),
        allow_null=True,
        help_text="as fixed, in fractions: label, x, y, w, h, of an outline its points as well",
    )
    by = serializers.CharField(source="by.name", default=None, allow_null=True)
    undoes = serializers.UUIDField(source="undoes.key", default=None, allow_null=True)

    class Meta:
        model = Review
        fields = [
            "id", "project", "asset", "consensus", "verdict", "reason", "boxes", "by", "undoes", "duration_ms",
            "created_at",
        ]  # fmt: skip


class SentBox(Asked):
    label = serializers.CharField(max_length=60)  # type: ignore[assignment]  # the class has no label, so it is free
    x = serializers.FloatField(min_value=0, max_value=1, required=False)
    y = serializers.FloatField(min_value=0, max_value=1, required=False)
    w = serializers.FloatField(min_value=0, max_value=1, required=False)
    h = serializers.FloatField(min_value=0, max_value=1, required=False)
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        required=False,
        help_text="an outline, corner by corner and not closed, instead of x, y, w and h",
    )


class NewDecision(Asked):
    key = serializers.UUIDField(help_text="of your making: the same key again is stored once")
    asset = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=Review.Verdict.values)
    reason = serializers.CharField(max_length=40, default="", allow_blank=True, help_text="why it is rejected")
    boxes = SentBox(many=True, required=False, allow_null=True, help_text="what a fix puts in their place")
    seen = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=BIGGEST_ID,
        help_text="id of the consensus you looked at, 0 = there was none; refused when another one stands by now",
    )
    undoes = serializers.UUIDField(required=False, allow_null=True)
    duration_ms = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=LONGEST_MS)


class NewReviews(Asked):
    project = serializers.UUIDField()
    decisions = serializers.ListField(child=NewDecision(), min_length=1, max_length=MOST_DECISIONS)


class RefusedDecision(serializers.Serializer[Any]):
    key = serializers.UUIDField()
    code = serializers.ChoiceField(choices=["refused", "changed_meanwhile"])
    detail = serializers.CharField()


class ReviewsAnswer(serializers.Serializer[Any]):
    saved = serializers.ListField(child=serializers.UUIDField())
    refused = RefusedDecision(many=True)


FILTERS = {
    "project": PROJECT,
    "q": asset_query("asset"),
    "asset": by_id(lambda rows, one: rows.filter(asset__public_id=one), "id of the asset"),
    "verdict": one_of(lambda rows, text: rows.filter(verdict=text), "what was decided", Review.Verdict.values),
    "reason": Filter(lambda rows, text: rows.filter(reason=text), "why it was rejected"),
}


def _visible(request: Request) -> Any:
    rows = Review.objects.filter(project_id__in=project_ids(request))
    return rows.select_related("asset__project", "by", "undoes")


class ReviewList(Door):
    scopes = {"GET": "read", "POST": "review"}

    @describe_list(ReviewRow, FILTERS, "reviews", "Verdicts of people, undone ones as well")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, ReviewRow)

    @extend_schema(
        summary=f"Up to {MOST_DECISIONS} decisions; a refused one does not hold up the others",
        request=NewReviews,
        responses=ReviewsAnswer,
    )
    def post(self, request: Request) -> Response:
        asked = NewReviews(data=request.data)
        asked.is_valid(raise_exception=True)
        project = project_or_404(request, asked.validated_data["project"])
        require_reviewer(request, project.pk)
        sent = [_decided(one) for one in asked.validated_data["decisions"]]
        result = reviews.record(project=project, user=caller(request), decisions=sent, now=database_now())
        refused = [
            {"key": one.key, "code": "changed_meanwhile" if one.is_stale else "refused", "detail": one.why}
            for one in result.refused
        ]
        return Response(ReviewsAnswer({"saved": result.saved, "refused": refused}).data)


class ReviewOne(Door):
    @describe_one(ReviewRow, "One verdict")
    def get(self, request: Request, review_id: UUID) -> Response:
        return single(request, ReviewRow, ReviewRow(found(_visible(request), key=review_id)).data)


def _decided(wish: dict[str, Any]) -> Decided:
    return Decided(
        key=wish["key"],
        asset=wish["asset"],
        verdict=wish["verdict"],
        reason=wish["reason"],
        boxes=wish.get("boxes"),
        ms=wish.get("duration_ms"),
        undoes=wish.get("undoes"),
        seen=wish.get("seen"),
    )
