"""Many pictures in one request: a line each, as base64, as an upload that was sent, or as an address to fetch."""

from collections.abc import Mapping, Sequence
from typing import IO, Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.assets import stage_or_refuse
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import (
    PROJECT,
    Door,
    asked_project,
    found,
    led,
    listing,
    project_ids,
    projects,
    require_lead,
    single,
)
from curation.api.paging import Filter, one_of
from curation.api.problems import Problem
from curation.models import AssetBatch, LinkToFetch
from curation.preprocessing.limits import MEGABYTE
from curation.services import batches
from curation.services.batch_lines import Answer, lines_of

MOST_LINES = 10_000
MOST_BATCH_BYTES = 64 * MEGABYTE


class LineAnswer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    client_key = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=["new", "existing", "fetching", "taking_in", "refused"])
    asset = serializers.UUIDField(required=False)
    code = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


class BatchRow(serializers.ModelSerializer[AssetBatch]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    stage = serializers.CharField(source="stage.name", default=None, allow_null=True)

    class Meta:
        model = AssetBatch
        fields = ["id", "project", "stage", "state", "received", "created_at", "finished_at"]


class BatchAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True, help_text="of a batch that a job takes in: see `batches`; else null")
    state = serializers.ChoiceField(choices=AssetBatch.State.choices, help_text="done = every line is answered")
    received = serializers.IntegerField(help_text="lines")
    new = serializers.IntegerField()
    existing = serializers.IntegerField()
    fetching = serializers.IntegerField(help_text="addresses that a job fetches: see `links`")
    taking_in = serializers.IntegerField(help_text="videos and archives that a job takes in: see `uploads`")
    refused = serializers.IntegerField()
    lines = LineAnswer(many=True, help_text="those that are answered so far, in their order")


class LinkRow(serializers.ModelSerializer[LinkToFetch]):
    project = serializers.UUIDField(source="project.public_id")
    asset = serializers.UUIDField(source="asset.public_id", default=None, allow_null=True)

    class Meta:
        model = LinkToFetch
        fields = ["project", "client_key", "url", "state", "code", "detail", "tries", "asset", "created_at"]


class JsonLines(BaseParser):
    """One JSON object a line; each line is judged on its own."""

    media_type = "application/jsonl"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        data = stream.read(MOST_BATCH_BYTES + 1)
        if len(data) > MOST_BATCH_BYTES:
            raise Problem(413, "too_large", f"A batch may have {MOST_BATCH_BYTES // MEGABYTE} MB; send smaller ones.")
        return {"body": data}


class NdJson(JsonLines):
    media_type = "application/x-ndjson"


def _answer(batch: AssetBatch) -> dict[str, Any]:
    return _told(batch.answers, id=str(batch.public_id), state=batch.state, received=batch.received)


def _told(answers: Sequence[Answer], **about: Any) -> dict[str, Any]:
    return {**about, **batches.counts_of(answers), "lines": list(answers)}


class AssetsBatch(Door):
    scopes = {"POST": "assets:write"}
    parameters = {"POST": ("project", "stage")}
    parser_classes = [JsonLines, NdJson]

    @extend_schema(
        summary=f"Up to {MOST_LINES:,} lines, each answered on its own",
        description='A line is `{"client_key", "name"?}` and one of `"data_base64"`, `"upload"` (the id of an upload '
        'whose bytes are all sent) or `"url"` (fetched by a job; what came of it is at `links`). Up to '
        f"{batches.LINES_AT_ONCE} lines, {batches.BYTES_AT_ONCE // MEGABYTE} MB of them and "
        f"{batches.UPLOADS_AT_ONCE // MEGABYTE} MB of uploads that they name are answered at once with 200. More is "
        "answered 202: a job takes the lines in, and their answers are at `Location`.",
        parameters=[
            OpenApiParameter("project", OpenApiTypes.UUID, required=True, description="id of the project"),
            OpenApiParameter("stage", str, description="name of the stage to enter at; the checks if left out"),
        ],
        request={"application/jsonl": OpenApiTypes.STR},
        responses={200: BatchAnswer, 202: BatchAnswer},
    )
    def post(self, request: Request) -> Response:
        project = asked_project(request)
        require_lead(request, project.pk)
        name, by = request.query_params.get("stage"), caller(request)
        stage = None if name is None else stage_or_refuse(project, name)
        body = dict(request.data).get("body", b"")
        texts = lines_of(body)
        if not 1 <= len(texts) <= MOST_LINES:
            raise Problem(400, "bad_batch", f"A batch has 1 to {MOST_LINES:,} lines, not {len(texts):,}.")
        if not batches.is_small(project, texts):
            batch = batches.keep(project=project, stage=stage, body=body, received=len(texts), by=by)
            return Response(_answer(batch), status=202, headers={"Location": f"/api/v1/batches/{batch.public_id}"})
        answers = batches.take_lines(project=project, stage=stage, texts=texts, by=by)
        batches.note_new(project, answers, by)
        return Response(_told(answers, id=None, state=AssetBatch.State.DONE, received=len(answers)))


BATCH_FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the batch", AssetBatch.State.values),
}


class BatchList(Door):
    scopes = {"GET": "assets:write"}

    @describe_list(BatchRow, BATCH_FILTERS, "batches", "Batches that jobs take in, of the projects you lead")
    def get(self, request: Request) -> Response:
        rows = AssetBatch.objects.filter(project__in=project_ids(request, led)).defer("answers")
        return listing(request, rows.select_related("project", "stage"), BATCH_FILTERS, BatchRow)


class BatchOne(Door):
    scopes = {"GET": "assets:write"}

    @describe_one(BatchAnswer, "One batch that a job takes in, with the answers so far")
    def get(self, request: Request, batch_id: UUID) -> Response:
        batch: AssetBatch = found(AssetBatch.objects.filter(project__in=projects(request)), public_id=batch_id)
        require_lead(request, batch.project_id)
        return single(request, BatchAnswer, _answer(batch))


LINK_FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the link", LinkToFetch.State.values),
    "client_key": Filter(lambda rows, text: rows.filter(client_key=text), "your own key"),
}


class LinkList(Door):
    scopes = {"GET": "assets:write"}

    @describe_list(LinkRow, LINK_FILTERS, "links", "Addresses that batches named, of the projects you lead")
    def get(self, request: Request) -> Response:
        rows = LinkToFetch.objects.select_related("project", "asset").filter(project__in=project_ids(request, led))
        return listing(request, rows, LINK_FILTERS, LinkRow)
