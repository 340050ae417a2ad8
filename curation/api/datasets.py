"""Data set versions: list them, freeze the next one."""

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.asset_queries import a_query
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, listing, project_ids, project_or_404, require_lead, single
from curation.api.fields import Asked
from curation.models import DatasetVersion
from curation.services import datasets


class CountsRow(serializers.Serializer[Any]):
    images = serializers.IntegerField()
    boxes = serializers.IntegerField()
    negatives = serializers.IntegerField()
    classes = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))


class DatasetRow(serializers.ModelSerializer[DatasetVersion]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    counts = CountsRow()
    splits = serializers.DictField(help_text="by, seed, shares, counts and leaks of a split version; else empty")
    card = serializers.DictField(child=serializers.CharField(allow_blank=True), help_text="the card as it was frozen")

    class Meta:
        model = DatasetVersion
        fields = ["id", "project", "number", "note", "query", "counts", "splits", "card", "frozen_at", "created_at"]


class NewDataset(Asked):
    project = serializers.UUIDField()
    note = serializers.CharField(max_length=300, default="", allow_blank=True)
    query = serializers.CharField(
        max_length=1000, default="", allow_blank=True, help_text="which assets; all published if left out"
    )


FILTERS = {"project": PROJECT}


def visible(request: Request) -> Any:
    return DatasetVersion.objects.select_related("project").filter(project__in=project_ids(request))


def find(request: Request, dataset_id: UUID) -> DatasetVersion:
    found: DatasetVersion | None = visible(request).filter(public_id=dataset_id).first()
    if found is None:
        raise Http404
    return found


class DatasetList(Door):
    scopes = {"GET": "read", "POST": "export"}
    rates = {"POST": "60/hour"}

    @describe_list(DatasetRow, FILTERS, "datasets", "Frozen versions of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, visible(request), FILTERS, DatasetRow)

    @extend_schema(
        summary="Freeze what is published as the next version", request=NewDataset, responses={201: DatasetRow}
    )
    def post(self, request: Request) -> Response:
        asked = NewDataset(data=request.data)
        asked.is_valid(raise_exception=True)
        project = project_or_404(request, asked.validated_data["project"])
        require_lead(request, project.pk)
        with a_query():
            version = datasets.freeze_version(
                project_id=project.pk,
                by=caller(request),
                note=asked.validated_data["note"],
                query=asked.validated_data["query"],
                now=database_now(),
            )
        return Response(DatasetRow(version).data, status=201)


class DatasetOne(Door):
    @describe_one(DatasetRow, "One frozen version")
    def get(self, request: Request, dataset_id: UUID) -> Response:
        return single(request, DatasetRow, DatasetRow(find(request, dataset_id)).data)
