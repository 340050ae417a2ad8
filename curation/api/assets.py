"""Assets: read them with their consensus, bring new ones one by one or in batches of lines."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.asset_queries import asset_query
from curation.api.asset_rows import columns_of, shown
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, found, paged, project_ids, project_or_404, require_lead, single
from curation.api.fields import Asked, Hex, picked
from curation.api.paging import OWN, Filter, one_of, page_of, parameters_of
from curation.api.problems import Problem
from curation.models import Asset, Consensus, ConsensusBox, DatasetItem, Decision, Project, Stage
from curation.preprocessing.limits import PICTURE_LIMITS
from curation.services import batches, ingest
from curation.services.ingest import Incoming

MOST_KEY = 200


class BoxRow(serializers.ModelSerializer[ConsensusBox]):
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="corners of an outline; none: a plain box",
    )

    class Meta:
        model = ConsensusBox
        fields = ["label", "x", "y", "w", "h", "confidence", "points"]


class ConsensusRow(serializers.ModelSerializer[Consensus]):
    stage = serializers.CharField(source="stage.name")
    boxes = BoxRow(many=True, help_text="in fractions of the image, origin top left")

    class Meta:
        model = Consensus
        fields = [
            "stage", "version", "method", "status", "label", "confidence", "lowest_iou", "n_answers", "boxes",
            "created_at",
        ]  # fmt: skip


class AssetRow(serializers.ModelSerializer[Asset]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    stage = serializers.CharField(source="stage.name")
    label_class = serializers.CharField(source="label_class.name", default=None, allow_null=True)
    # A serializer has a `parent`, its class does not, so the name is free for the field.
    parent = serializers.UUIDField(source="parent.public_id", default=None, allow_null=True)  # type: ignore[assignment]
    sha256 = Hex()
    consensus = ConsensusRow(source="agreed", many=True, help_text="current ones, by stage")

    class Meta:
        model = Asset
        fields = [
            "id", "project", "client_key", "media", "name", "label_class", "stage", "state", "reason", "width",
            "height", "bytes", "sha256", "source", "licence", "parent", "frame_index", "frame_ms", "created_at",
            "consensus",
        ]  # fmt: skip


class DecisionRow(serializers.ModelSerializer[Decision]):
    stage = serializers.CharField(source="stage.name")

    class Meta:
        model = Decision
        fields = ["stage", "verdict", "reason", "evidence", "by_kind", "created_at"]


class VersionOfAsset(serializers.ModelSerializer[DatasetItem]):
    id = serializers.UUIDField(source="dataset.public_id")
    number = serializers.IntegerField(source="dataset.number")

    class Meta:
        model = DatasetItem
        fields = ["id", "number", "split"]


class AssetDetail(AssetRow):
    decisions = DecisionRow(many=True)
    versions = VersionOfAsset(source="in_versions", many=True, help_text="frozen ones that hold it, oldest first")

    class Meta(AssetRow.Meta):
        fields = [*AssetRow.Meta.fields, "decisions", "versions"]


class Upload(Asked):
    file = serializers.FileField()
    client_key = serializers.CharField(max_length=MOST_KEY, required=False)
    stage = serializers.CharField(max_length=60, required=False)


class UploadAnswer(serializers.Serializer[Any]):
    is_new = serializers.BooleanField()
    asset = AssetRow()


FILTERS = {
    "project": PROJECT,
    "q": asset_query(),
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the asset", Asset.State.values),
    "stage": Filter(lambda rows, text: rows.filter(stage__name=text), "name of the stage it stands at"),
    "label_class": Filter(lambda rows, text: rows.filter(label_class__name=text), "name of the class"),
    "reason": Filter(lambda rows, text: rows.filter(reason=text), "why it was dropped or held"),
    "media": one_of(lambda rows, text: rows.filter(media=text), "image, video or frame", Asset.Media.values),
    "client_key": Filter(lambda rows, text: rows.filter(client_key=text), "your own key"),
}


# Only what the answer shows is read: traces, hashes and settings make half the work of a page.
OF_ASSETS = (
    "public_id", "client_key", "media", "name", "state", "reason", "width", "height", "bytes", "sha256", "source",
    "licence", "frame_index", "frame_ms", "created_at", "project__public_id", "stage__name", "label_class__name",
    "parent__public_id",
)  # fmt: skip
OF_CONSENSUS = (
    "asset", "stage__name", "version", "method", "status", "label", "confidence", "lowest_iou", "n_answers",
    "created_at",
)  # fmt: skip


def _visible(request: Request) -> Any:
    rows = Asset.objects.select_related("project", "stage", "label_class", "parent").only(*OF_ASSETS)
    boxes = Prefetch("boxes", ConsensusBox.objects.only("consensus", *BoxRow.Meta.fields))
    current = Consensus.objects.filter(is_current=True).select_related("stage").only(*OF_CONSENSUS)
    current = current.prefetch_related(boxes).order_by("stage__position")
    rows = rows.prefetch_related(Prefetch("consensus", current, to_attr="agreed"))
    return rows.filter(project__in=project_ids(request))


def _row(request: Request, asset: Asset) -> dict[str, Any]:
    return {**AssetRow(_visible(request).get(pk=asset.pk)).data}


class AssetList(Door):
    @describe_list(AssetRow, FILTERS, "assets", "Assets of your projects, oldest first")
    def get(self, request: Request) -> Response:
        given = parameters_of(request, (*FILTERS, *OWN))
        names = picked(given, AssetRow) or AssetRow.Meta.fields
        mine = Asset.objects.filter(project__in=project_ids(request))
        page = page_of(request.path, mine, FILTERS, given, columns=columns_of(names))
        return paged(page, shown(page.rows, names))


class AssetOne(Door):
    @describe_one(AssetDetail, "One asset with its consensus, all decisions and the versions that hold it")
    def get(self, request: Request, asset_id: UUID) -> Response:
        decisions = Prefetch("decisions", Decision.objects.select_related("stage").order_by("pk"))
        held = DatasetItem.objects.select_related("dataset").filter(dataset__frozen_at__isnull=False)
        versions = Prefetch("dataset_items", held.order_by("dataset__number"), to_attr="in_versions")
        asset = found(_visible(request).prefetch_related(decisions, versions), public_id=asset_id)
        return single(request, AssetDetail, AssetDetail(asset).data)


class ProjectAssets(Door):
    scopes = {"POST": "assets:write"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="Upload one picture; the same client key or the same bytes again add nothing",
        request={"multipart/form-data": Upload},
        responses={200: UploadAnswer, 201: UploadAnswer},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        project = project_or_404(request, project_id)
        require_lead(request, project.pk)
        sent = Upload(data=request.data)
        sent.is_valid(raise_exception=True)
        file = sent.validated_data["file"]
        data = file.read(PICTURE_LIMITS.max_bytes + 1)
        incoming = Incoming(str(file.name), data, "API", client_key=sent.validated_data.get("client_key"))
        stage = stage_or_refuse(project, sent.validated_data.get("stage"))
        taken = batches.take_one(
            project=project, stage=stage, incoming=incoming, by=caller(request), now=database_now()
        )
        answer = {"is_new": taken.is_new, "asset": _row(request, taken.asset)}
        return Response(answer, status=201 if taken.is_new else 200)


def stage_or_refuse(project: Project, name: str | None) -> Stage:
    """Return the stage of this name, the one where files enter for none."""
    if name is None:
        return ingest.entry_stage(project)
    stages = {stage.name: stage for stage in project.stages.order_by("position")}
    if name not in stages:
        raise Problem(400, "unknown_stage", f"{name!r} is no stage of this project; stages are {', '.join(stages)}.")
    return stages[name]
