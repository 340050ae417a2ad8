"""Annotations: each worker's own answer about an asset, as it came."""

from typing import Any

from django.db.models import F, Prefetch
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.asset_queries import asset_query
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, found, listing, project_ids, single, wants
from curation.api.fields import Pseudonym
from curation.api.paging import Filter, by_id, by_number, one_of, yes_or_no
from curation.models import Annotation, Box
from curation.services.pseudonyms import digest_of


class DrawnBox(serializers.ModelSerializer[Box]):
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="corners of an outline; none: a plain box",
    )

    class Meta:
        model = Box
        fields = ["label", "x", "y", "w", "h", "points"]


class AnnotationRow(serializers.ModelSerializer[Annotation]):
    project = serializers.UUIDField(source="of_project")
    asset = serializers.UUIDField(source="of_asset")
    stage = serializers.CharField(source="of_stage")
    worker = Pseudonym(source="worker_digest", allow_null=True)
    boxes = DrawnBox(source="drawn", many=True, help_text="in fractions of the image, origin top left")
    flags = serializers.ListField(child=serializers.CharField())
    counts = serializers.SerializerMethodField(help_text="false: set aside, its worker is not trusted")

    class Meta:
        model = Annotation
        fields = [
            "id", "project", "asset", "stage", "worker", "worker_id", "kind", "label", "flags", "is_empty", "boxes",
            "counts", "discarded_at", "created_at",
        ]  # fmt: skip

    @extend_schema_field(bool)
    def get_counts(self, row: Annotation) -> bool:
        return row.discarded_at is None


FILTERS = {
    "project": PROJECT,
    "q": asset_query("asset"),
    "asset": by_id(lambda rows, one: rows.filter(asset__public_id=one), "id of the asset"),
    "stage": Filter(lambda rows, text: rows.filter(stage__name=text), "name of the stage"),
    "worker": by_number(lambda rows, one: rows.filter(worker_id=one), "`worker_id` of who answered"),
    "kind": one_of(lambda rows, text: rows.filter(kind=text), "label, boxes or text", Annotation.Kind.values),
    "label": Filter(lambda rows, text: rows.filter(label=text), "exactly this answer"),
    "counts": yes_or_no(lambda rows, yes: rows.filter(discarded_at__isnull=yes), "false = those that were set aside"),
}


def _visible(request: Request) -> Any:
    return Annotation.objects.filter(project_id__in=project_ids(request)).annotate(
        of_project=F("asset__project__public_id"),
        of_asset=F("asset__public_id"),
        of_stage=F("stage__name"),
        worker_digest=digest_of("worker_id"),
    )


def _with_boxes(rows: Any) -> Any:
    return rows.prefetch_related(Prefetch("boxes", to_attr="drawn"))


class AnnotationList(Door):
    @describe_list(AnnotationRow, FILTERS, "annotations", "What each worker answered about each asset")
    def get(self, request: Request) -> Response:
        rows = _visible(request)
        return listing(request, _with_boxes(rows) if wants(request, "boxes") else rows, FILTERS, AnnotationRow)


class AnnotationOne(Door):
    @describe_one(AnnotationRow, "One worker's answer about one asset")
    def get(self, request: Request, annotation_id: int) -> Response:
        row = found(_with_boxes(_visible(request)), pk=annotation_id)
        return single(request, AnnotationRow, AnnotationRow(row).data)
