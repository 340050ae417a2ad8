"""Predictions of models that others train, and how they do in each scenario."""

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import (
    PROJECT,
    Door,
    found,
    listing,
    project_ids,
    projects,
    require_lead,
    single,
)
from curation.api.paging import Filter
from curation.api.problems import Problem
from curation.models import DatasetVersion, Predictions, Scenario, ScenarioVerdict
from curation.preprocessing.limits import MEGABYTE
from curation.services import predictions
from curation.services.predictions import ModelName

MOST_BYTES = 64 * MEGABYTE
ASKED = ("dataset", "model", "model_version", "part", "trained_on")
PARAMETERS = [
    OpenApiParameter("dataset", OpenApiTypes.UUID, required=True, description="id of the frozen version"),
    OpenApiParameter("model", str, required=True, description="name of the model"),
    OpenApiParameter("model_version", str, required=True, description="which version of it"),
    OpenApiParameter("part", str, description="part of the version it was run on, such as test; all of it if left out"),
    OpenApiParameter("trained_on", OpenApiTypes.UUID, description="id of the version that the model learnt from"),
]


class VerdictRow(serializers.ModelSerializer[ScenarioVerdict]):
    scenario = serializers.UUIDField(source="scenario.public_id")
    name = serializers.CharField(source="scenario.name")
    value = serializers.FloatField(source="share", allow_null=True)
    more_needed = serializers.IntegerField(source="more", allow_null=True)

    class Meta:
        model = ScenarioVerdict
        fields = [
            "scenario", "name", "terms", "images", "right", "n", "value", "low", "high", "verdict", "more_needed",
            "largest_subject", "created_at",
        ]  # fmt: skip


class PredictionsRow(serializers.ModelSerializer[Predictions]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    dataset = serializers.UUIDField(source="dataset.public_id")
    trained_on = serializers.UUIDField(source="trained_on.public_id", default=None, allow_null=True)
    verdicts = serializers.SerializerMethodField()

    class Meta:
        model = Predictions
        fields = [
            "id", "project", "dataset", "part", "model", "model_version", "trained_on", "kind", "images", "boxes",
            "sha256", "verdicts", "created_at",
        ]  # fmt: skip

    @extend_schema(responses=VerdictRow(many=True))
    def get_verdicts(self, row: Predictions) -> list[dict[str, Any]]:
        standing = [one for one in row.verdicts.all() if one.is_current and one.scenario.retired_at is None]
        return [dict(one) for one in VerdictRow(sorted(standing, key=lambda one: one.scenario_id), many=True).data]


class ScenarioRow(serializers.ModelSerializer[Scenario]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")

    class Meta:
        model = Scenario
        fields = ["id", "project", "name", "query", "metric", "iou", "confidence", "tolerated", "created_at"]


class PredictionFile(BaseParser):
    """A file of predictions as it is."""

    media_type = "application/jsonl"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        data: bytes = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise Problem(
                413, "too_large", f"A file of predictions may have {MOST_BYTES // MEGABYTE} MB; use `evaluate`."
            )
        return {"data": data}


class CocoFile(PredictionFile):
    media_type = "application/json"


FILTERS = {
    "project": PROJECT,
    "model": Filter(lambda rows, text: rows.filter(model=text), "name of the model"),
}


def _visible(request: Request) -> Any:
    rows = Predictions.objects.select_related("project", "dataset", "trained_on")
    return rows.prefetch_related("verdicts__scenario").filter(project__in=project_ids(request))


class PredictionsList(Door):
    scopes = {"GET": "read", "POST": "assets:write"}
    parameters = {"POST": ASKED}
    rates = {"POST": "60/hour"}
    parser_classes = [PredictionFile, CocoFile]

    @describe_list(PredictionsRow, FILTERS, "predictions", "What models predicted, with the verdict of each scenario")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, PredictionsRow)

    @extend_schema(
        summary="Send predictions of a model for a frozen version",
        description="COCO results, or a line of JSON for each image. A job judges them in every scenario.",
        parameters=PARAMETERS,
        request={"application/jsonl": OpenApiTypes.STR, "application/json": OpenApiTypes.STR},
        responses={201: PredictionsRow},
    )
    def post(self, request: Request) -> Response:
        dataset = _dataset(request, "dataset")
        require_lead(request, dataset.project_id)
        trained = _dataset(request, "trained_on") if request.query_params.get("trained_on") else None
        if trained is not None and trained.project_id != dataset.project_id:
            raise Problem(400, "bad_parameter", "trained_on names a version of another project.")
        name = ModelName(request.query_params.get("model", ""), request.query_params.get("model_version", ""), trained)
        row = predictions.take_in(
            dataset=dataset,
            name=name,
            data=dict(request.data).get("data", b""),  # an empty body is not parsed
            part=request.query_params.get("part", ""),
            by=caller(request),
            now=database_now(),
        )
        return Response(PredictionsRow(_visible_one(row)).data, status=201)


class PredictionsOne(Door):
    @describe_one(PredictionsRow, "Predictions of one version of a model")
    def get(self, request: Request, predictions_id: UUID) -> Response:
        row = found(_visible(request), public_id=predictions_id)
        return single(request, PredictionsRow, PredictionsRow(row).data)


class ScenarioList(Door):
    @describe_list(ScenarioRow, {"project": PROJECT}, "scenarios", "What every model version must pass")
    def get(self, request: Request) -> Response:
        rows = Scenario.objects.select_related("project").filter(project__in=project_ids(request), retired_at=None)
        return listing(request, rows, {"project": PROJECT}, ScenarioRow)


def _visible_one(row: Predictions) -> Predictions:
    rows = Predictions.objects.select_related("project", "dataset", "trained_on")
    return rows.prefetch_related("verdicts__scenario").get(pk=row.pk)


def _dataset(request: Request, name: str) -> DatasetVersion:
    try:
        ident = UUID(request.query_params.get(name, ""))
    except ValueError:
        raise Problem(400, "bad_parameter", f"Name the version of the data set: ?{name}= and its id.") from None
    mine = DatasetVersion.objects.select_related("project").filter(project__in=projects(request))
    row: DatasetVersion = found(mine, public_id=ident)
    return row
