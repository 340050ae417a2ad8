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
from curation.api.asset_queries import a_query
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, listing, project_ids, project_or_404, require_lead, single
from curation.api.fields import Asked
from curation.api.paging import Filter, by_id, one_of, parameters_of
from curation.api.problems import Problem
from curation.datasets.formats.registry import WRITERS
from curation.downloads import answer_file, is_handed_over
from curation.models import Export
from curation.services import data_set_readers, datasets
from curation.services.export_requests import LARGEST_SIDE, SMALLEST_SIDE


class ExportRow(serializers.ModelSerializer[Export]):
    id = serializers.UUIDField(source="public_id")
    dataset = serializers.UUIDField(source="dataset.public_id")
    project = serializers.UUIDField(source="dataset.project.public_id")
    since = serializers.UUIDField(
        source="since.public_id", allow_null=True, default=None, help_text="only what differs from this version"
    )
    receipt = serializers.DictField(
        help_text="images, boxes, negatives, sha256, files, zip_sha256, zip_bytes when done"
    )

    class Meta:
        model = Export
        fields = [
            "id", "project", "dataset", "since", "format", "with_images", "max_side", "state", "progress", "receipt",
            "error", "created_at", "finished_at",
        ]  # fmt: skip


class NewExport(Asked):
    dataset = serializers.UUIDField(required=False, help_text="a version; or name project and query")
    project = serializers.UUIDField(required=False, help_text="with query: what it means is frozen first")
    query = serializers.CharField(max_length=1000, default="", allow_blank=True, help_text="see docs/query.md")
    format = serializers.CharField(max_length=20)
    with_images = serializers.BooleanField(default=True)
    max_side = serializers.IntegerField(
        default=None,
        allow_null=True,
        min_value=SMALLEST_SIDE,
        max_value=LARGEST_SIDE,
        help_text="longest side of pictures; boxes are made to fit",
    )
    since = serializers.UUIDField(
        default=None, allow_null=True, help_text="an earlier version: only what differs from it"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("dataset" in attrs) == ("project" in attrs):
            raise serializers.ValidationError("Name either dataset, or project with query.")
        if "dataset" in attrs and attrs["query"]:
            raise serializers.ValidationError("A query is asked of a project, not of a dataset.")
        if "project" in attrs and attrs["since"]:
            raise serializers.ValidationError("What differs since a version is exported of a dataset.")
        return attrs


FILTERS = {
    "project": PROJECT,
    "dataset": by_id(lambda rows, one: rows.filter(dataset__public_id=one), "id of the version"),
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the export", Export.State.values),
    "format": Filter(lambda rows, text: rows.filter(format=text), f"one of {', '.join(sorted(WRITERS))}"),
}


def _visible(request: Request) -> Any:
    return Export.objects.select_related("dataset__project", "since").filter(dataset__project__in=project_ids(request))


def _find(request: Request, export_id: UUID) -> Export:
    export: Export | None = _visible(request).filter(public_id=export_id).first()
    if export is None:
        raise Http404
    return export


class ExportList(Door):
    scopes = {"GET": "read", "POST": "export"}
    rates = {"POST": "60/hour"}

    @describe_list(ExportRow, FILTERS, "exports", "Exports of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, ExportRow)

    @extend_schema(summary="Ask for an export of a version", request=NewExport, responses={202: ExportRow})
    def post(self, request: Request) -> Response:
        asked = NewExport(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        export = _of_version(request, wish) if "dataset" in wish else _of_query(request, wish)
        return Response(ExportRow(export).data, status=202)


def _of_version(request: Request, wish: dict[str, Any]) -> Export:
    version = dataset_doors.find(request, wish["dataset"])
    require_lead(request, version.project_id)
    since = dataset_doors.find(request, wish["since"]) if wish["since"] else None
    return datasets.request_export(
        dataset_id=version.pk,
        since_id=since.pk if since else None,
        by=caller(request),
        now=database_now(),
        **_how(wish),
    )


def _of_query(request: Request, wish: dict[str, Any]) -> Export:
    project = project_or_404(request, wish["project"])
    require_lead(request, project.pk)
    with a_query():
        return datasets.export_query(
            project_id=project.pk, query=wish["query"], by=caller(request), now=database_now(), **_how(wish)
        )


def _how(wish: dict[str, Any]) -> dict[str, Any]:
    return {name: wish[name] for name in ("format", "with_images", "max_side")}


class ExportOne(Door):
    @describe_one(ExportRow, "One export: its progress, its receipt")
    def get(self, request: Request, export_id: UUID) -> Response:
        return single(request, ExportRow, ExportRow(_find(request, export_id)).data)


class ExportCancel(Door):
    scopes = {"POST": "export"}

    @extend_schema(
        summary="Stop an export that is not done; nothing of it is left", request=None, responses={200: ExportRow}
    )
    def post(self, request: Request, export_id: UUID) -> Response:
        export = _find(request, export_id)
        require_lead(request, export.dataset.project_id)
        datasets.cancel_export(export_id=export.pk, by=caller(request), now=database_now())
        return Response(ExportRow(_find(request, export_id)).data)


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
        answer = answer_file(request._request, export.storage_key, name=name, digest=export.receipt["zip_sha256"])
        if is_handed_over(request._request, answer):
            data_set_readers.note_download(export=export, by=caller(request), now=database_now())
        return answer
