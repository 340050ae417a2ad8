"""Data set versions: list them, have the next one frozen."""

from typing import Any
from uuid import UUID

from django.db.models import Q
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
from curation.api.paging import one_of
from curation.models import DatasetVersion
from curation.services import datasets, freezing


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
    state = serializers.ChoiceField(
        choices=DatasetVersion.State.choices, help_text="while freezing, counts say how far it is"
    )

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "project", "number", "state", "error", "note", "query", "counts", "splits", "card", "frozen_at",
            "created_at",
        ]  # fmt: skip


class NewDataset(Asked):
    project = serializers.UUIDField()
    note = serializers.CharField(max_length=300, default="", allow_blank=True)
    query = serializers.CharField(
        max_length=1000, default="", allow_blank=True, help_text="which assets; all published if left out"
    )


STATES = {
    DatasetVersion.State.FREEZING: Q(frozen_at=None, error=""),
    DatasetVersion.State.FROZEN: Q(frozen_at__isnull=False),
    DatasetVersion.State.FAILED: Q(frozen_at=None) & ~Q(error=""),
}
FILTERS = {
    "project": PROJECT,
    "state": one_of(
        lambda rows, text: rows.filter(STATES[DatasetVersion.State(text)]),
        "what became of it",
        DatasetVersion.State.values,
    ),
}


def visible(request: Request) -> Any:
    return DatasetVersion.objects.select_related("project").filter(project__in=project_ids(request))


def find(request: Request, dataset_id: UUID) -> DatasetVersion:
    found: DatasetVersion | None = visible(request).filter(public_id=dataset_id).first()
    if found is None:
        raise Http404
    return found


def frozen_by_a_job(version: DatasetVersion) -> Response:
    """Answer a version that is being frozen, and where its job is told of."""
    job = freezing.job_of(version)
    place = {"Location": f"/api/v1/jobs/{job.pk}"} if job else {}
    return Response(DatasetRow(version).data, status=202, headers=place)


class DatasetList(Door):
    scopes = {"GET": "read", "POST": "export"}
    rates = {"POST": "60/hour"}

    @describe_list(DatasetRow, FILTERS, "datasets", "Versions of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, visible(request), FILTERS, DatasetRow)

    @extend_schema(
        summary="Have what is published frozen as the next version",
        description="A job freezes it; the header Location names that job. The version may be exported at once: the "
        "export waits for it. The same wish while it is carried out is answered with the version that is there.",
        request=NewDataset,
        responses={202: DatasetRow},
    )
    def post(self, request: Request) -> Response:
        asked = NewDataset(data=request.data)
        asked.is_valid(raise_exception=True)
        project = project_or_404(request, asked.validated_data["project"])
        require_lead(request, project.pk)
        with a_query():
            version = datasets.request_version(
                project_id=project.pk,
                by=caller(request),
                note=asked.validated_data["note"],
                query=asked.validated_data["query"],
                now=database_now(),
            )
        return frozen_by_a_job(version)


class DatasetOne(Door):
    @describe_one(DatasetRow, "One version")
    def get(self, request: Request, dataset_id: UUID) -> Response:
        return single(request, DatasetRow, DatasetRow(find(request, dataset_id)).data)
