"""Labelled data sets of others: name an upload or a bucket, see whether it holds your classes, have it taken in."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.bulk import plain_text
from crowd.clock import database_now
from curation.api import uploads
from curation.api.assets import stage_or_refuse
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import (
    PROJECT,
    Door,
    found,
    led,
    listing,
    project_ids,
    project_or_404,
    projects,
    require_lead,
    single,
)
from curation.api.fields import Asked
from curation.api.paging import one_of
from curation.api.problems import Problem
from curation.datasets.formats.registry import READERS
from curation.models import DatasetImport
from curation.services import import_requests
from curation.services.import_requests import ImportWish


class ClassHeldRow(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="as the file calls it")
    pictures = serializers.IntegerField()
    boxes = serializers.IntegerField()
    becomes = serializers.CharField(allow_null=True, help_text="class of the project; null = it has none for it")
    is_taken = serializers.BooleanField()


class HeldRow(serializers.Serializer[Any]):
    """What a data set holds."""

    pictures = serializers.IntegerField()
    empty = serializers.IntegerField(help_text="pictures on which nothing was found")
    missing = serializers.IntegerField(help_text="pictures that do not lie beside the labels")
    wrong = serializers.IntegerField(help_text="entries that cannot be read")
    problems = serializers.ListField(child=serializers.CharField(), help_text="the first entries that cannot be read")
    can_be_taken = serializers.BooleanField(help_text="every class that is taken has a place in the project")
    classes = ClassHeldRow(many=True)


class ImportRow(serializers.ModelSerializer[DatasetImport]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    upload = serializers.UUIDField(source="upload.public_id", default=None, allow_null=True)
    stage = serializers.CharField(source="stage.name", default=None, allow_null=True)
    classes = serializers.ListField(child=serializers.CharField(), help_text="of the file; none = all of them")
    map = serializers.DictField(source="names", child=serializers.CharField())
    start = serializers.BooleanField(source="starts_itself")
    held = serializers.SerializerMethodField()
    result = serializers.DictField(help_text="received = new + existing + left_out + refused, when it is done")

    class Meta:
        model = DatasetImport
        fields = [
            "id", "project", "upload", "address", "format", "classes", "map", "source", "licence", "stage", "audit",
            "start", "state", "progress", "held", "result", "error", "created_at", "finished_at",
        ]  # fmt: skip

    @extend_schema_field(HeldRow(allow_null=True))
    def get_held(self, row: DatasetImport) -> dict[str, Any] | None:
        held = import_requests.held(row)
        return dict(HeldRow(held).data) if held else None


class Choosing(Asked):
    classes = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, help_text="classes of the file to take; [] = all"
    )
    map = serializers.DictField(
        child=serializers.CharField(max_length=60), required=False, help_text="what they are called in the project"
    )

    def validate_map(self, names: dict[str, str]) -> dict[str, str]:
        if any(plain_text(theirs) != theirs for theirs in names):
            raise serializers.ValidationError("A class has a character in its name that no text may have.")
        return names


class NewImport(Choosing):
    project = serializers.UUIDField()
    upload = serializers.UUIDField(required=False, help_text="whose bytes are all sent, not completed")
    address = serializers.RegexField(r"^s3://.+", max_length=1024, required=False, help_text="or s3://bucket/prefix")
    format = serializers.ChoiceField(
        choices=sorted(READERS), default="", allow_blank=True, help_text="recognised if left out"
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of the body, as in the row
        max_length=120, default="", allow_blank=True, help_text="the file's name if left out"
    )
    licence = serializers.CharField(max_length=120, default="", allow_blank=True)
    stage = serializers.CharField(max_length=60, required=False, help_text="the review if left out")
    audit = serializers.FloatField(
        default=0.0, min_value=0, max_value=1, help_text="share of the pictures that our own people box too"
    )
    start = serializers.BooleanField(default=False, help_text="take it in when every class has a place")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("upload" in attrs) == ("address" in attrs):
            raise serializers.ValidationError("Name either upload or address.")
        return attrs


FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the import", DatasetImport.State.values),
}


def _rows() -> Any:
    return DatasetImport.objects.select_related("project", "upload", "stage").prefetch_related("project__classes")


def _find(request: Request, import_id: UUID) -> DatasetImport:
    row: DatasetImport = found(_rows().filter(project__in=projects(request)), public_id=import_id)
    require_lead(request, row.project_id)
    return row


def _again(row: DatasetImport) -> dict[str, Any]:
    return dict(ImportRow(_rows().get(pk=row.pk)).data)


class ImportList(Door):
    scopes = {"GET": "assets:write", "POST": "assets:write"}
    rates = {"POST": "60/hour"}

    @describe_list(ImportRow, FILTERS, "imports", "Data sets that were imported, of the projects you lead")
    def get(self, request: Request) -> Response:
        return listing(request, _rows().filter(project__in=project_ids(request, led)), FILTERS, ImportRow)

    @extend_schema(
        summary="Import a labelled data set: a package or document that was uploaded, or what lies in a bucket",
        description="A job counts what it holds, class by class: `state` becomes `checked`. Then `start` takes it in, "
        "all or nothing, at once where you say `start` here and every class has a place.",
        request=NewImport,
        responses={202: ImportRow},
    )
    def post(self, request: Request) -> Response:
        asked = NewImport(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        project = project_or_404(request, wish["project"])
        require_lead(request, project.pk)
        upload = uploads.find(request, wish["upload"]) if "upload" in wish else None
        if upload is not None and upload.project_id != project.pk:
            raise Problem(400, "bad_parameter", "The upload is one of another project.")
        if "address" in wish:
            import_requests.require_readable(wish["address"])
        row = import_requests.request_import(
            project=project,
            wish=ImportWish(
                format=wish["format"],
                classes=frozenset(wish.get("classes", [])),
                names=wish.get("map", {}),
                source=wish["source"],
                licence=wish["licence"],
                stage=stage_or_refuse(project, wish["stage"]) if "stage" in wish else None,
                audit=wish["audit"],
                starts_itself=wish["start"],
            ),
            by=caller(request),
            upload=upload,
            address=wish.get("address", ""),
            now=database_now(),
        )
        return Response(_again(row), status=202, headers={"Location": f"/api/v1/imports/{row.public_id}"})


class ImportOne(Door):
    scopes = {"GET": "assets:write"}

    @describe_one(ImportRow, "One import: what it holds, how far it is, what came of it")
    def get(self, request: Request, import_id: UUID) -> Response:
        return single(request, ImportRow, ImportRow(_find(request, import_id)).data)


class ImportStart(Door):
    scopes = {"POST": "assets:write"}

    @extend_schema(
        summary="Take in a data set that was checked; classes and map may be chosen anew",
        request=Choosing,
        responses={202: ImportRow},
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        row = _find(request, import_id)
        asked = Choosing(data=request.data)
        asked.is_valid(raise_exception=True)
        classes, names = asked.validated_data.get("classes"), asked.validated_data.get("map")
        row = import_requests.start_import(
            import_id=row.pk,
            by=caller(request),
            classes=None if classes is None else frozenset(classes),
            names=names,
            now=database_now(),
        )
        return Response(_again(row), status=202)


class ImportCancel(Door):
    scopes = {"POST": "assets:write"}

    @extend_schema(summary="Stop an import that is not done; nothing of it is left", request=None, responses=ImportRow)
    def post(self, request: Request, import_id: UUID) -> Response:
        row = _find(request, import_id)
        return Response(_again(import_requests.cancel_import(import_id=row.pk, by=caller(request), now=database_now())))
