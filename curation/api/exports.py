"""Exports: ask for one, watch it, fetch it."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api import datasets as dataset_doors
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, listing, project_ids, require_lead, single
from curation.api.fields import Asked
from curation.api.paging import Filter, by_id, one_of, parameters_of
from curation.api.problems import Problem
from curation.datasets.formats.registry import WRITERS
from curation.downloads import answer_file
from curation.models import Export
from curation.services import datasets, events


class ExportRow(serializers.ModelSerializer[Export]):
    id = serializers.UUIDField(source="public_id")
    dataset = serializers.UUIDField(source="dataset.public_id")
    project = serializers.UUIDField(source="dataset.project.public_id")
    receipt = serializers.DictField(
        help_text="images, boxes, negatives, sha256, files, zip_sha256, zip_bytes when done"
    )

    class Meta:
        model = Export
        fields = [
            "id", "project", "dataset", "format", "with_images", "state", "progress", "receipt", "error", "created_at",
            "finished_at",
        ]  # fmt: skip


class NewExport(Asked):
    dataset = serializers.UUIDField()
    format = serializers.CharField(max_length=20)
    with_images = serializers.BooleanField(default=True)


FILTERS = {
    "project": PROJECT,
    "dataset": by_id(lambda rows, one: rows.filter(dataset__public_id=one), "id of the version"),
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the export", Export.State.values),
    "format": Filter(lambda rows, text: rows.filter(format=text), f"one of {', '.join(sorted(WRITERS))}"),
}


def _visible(request: Request) -> Any:
    return Export.objects.select_related("dataset__project").filter(dataset__project__in=project_ids(request))


def _find(request: Request, export_id: UUID) -> Export:
    export: Export | None = _visible(request).filter(public_id=export_id).first()
    if export is None:
        raise Http404
    return export


class ExportList(Door):
    scopes = {"GET": "read", "POST": "export"}

    @describe_list(ExportRow, FILTERS, "exports", "Exports of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, ExportRow)

    @extend_schema(summary="Ask for an export of a version", request=NewExport, responses={202: ExportRow})
    def post(self, request: Request) -> Response:
        asked = NewExport(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        version = dataset_doors.find(request, wish["dataset"])
        require_lead(request, version.project_id)
        export = datasets.request_export(
            dataset_id=version.pk,
            format=wish["format"],
            by=caller(request),
            with_images=wish["with_images"],
            now=database_now(),
        )
        return Response(ExportRow(export).data, status=202)


class ExportOne(Door):
    @describe_one(ExportRow, "One export: its progress, its receipt")
    def get(self, request: Request, export_id: UUID) -> Response:
        return single(request, ExportRow, ExportRow(_find(request, export_id)).data)


class ExportDownload(Door):
    scopes = {"GET": "export"}

    @extend_schema(
        summary="The zip; a Range header continues a download",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        parameters_of(request, ())
        export = _find(request, export_id)
        project = export.dataset.project
        require_lead(request, project.pk)
        if export.state != Export.State.DONE:
            raise Problem(
                409, "not_ready", f"This export is {export.get_state_display().lower()}; there is no file yet."
            )
        name = f"{project.slug}-{export.dataset}-{export.format}.zip"
        text = f"{request.user} downloaded {name}."
        events.record(kind="export.downloaded", text=text, project=project, subject=export, by=caller(request))
        return answer_file(request._request, export.storage_key, name=name, digest=export.receipt["zip_sha256"])
