"""Evidence of dishonest submissions: the level, the pair of pictures, and a lead's word about it."""

from typing import Any

from django.db.models import OuterRef, Subquery
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from crowd.models import Evidence
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, edited, found, listing, project_ids, require_lead, single
from curation.api.paging import Filter, by_number, one_of
from curation.models import Asset, Project
from curation.services import suspicions

WAITING, COUNTS, OVERTURNED = "waiting", "counts", "overturned"
STATES = {
    WAITING: {"overturned_at__isnull": True, "awaits_person": True},
    COUNTS: {"overturned_at__isnull": True, "awaits_person": False},
    OVERTURNED: {"overturned_at__isnull": False},
}
WORDS = {"confirm": suspicions.confirm, "clear": suspicions.clear}


class EvidenceRow(serializers.ModelSerializer[Evidence]):
    project = serializers.UUIDField(source="project_uuid")
    worker = serializers.CharField(source="worker.short_id")
    asset = serializers.UUIDField(source="asset_uuid", allow_null=True, help_text="what was sent")
    other = serializers.UUIDField(source="other_uuid", allow_null=True, help_text="the earlier picture it resembles")
    state = serializers.SerializerMethodField(help_text="waiting for a person, counts, or overturned: a false alarm")
    details = serializers.DictField(help_text="what was measured")

    class Meta:
        model = Evidence
        fields = [
            "id", "project", "worker", "worker_id", "level", "kind", "asset", "other", "state", "details",
            "created_at", "overturned_at",
        ]  # fmt: skip

    @extend_schema_field({"type": "string", "enum": list(STATES)})
    def get_state(self, row: Evidence) -> str:
        if row.overturned_at is not None:
            return OVERTURNED
        return WAITING if row.awaits_person else COUNTS


FILTERS = {
    "project": PROJECT,
    "level": one_of(
        lambda rows, text: rows.filter(level=int(text)),
        "0 the same photo, 5 the example, 20 the example edited, 80 generated",
        tuple(map(str, Evidence.Level.values)),
    ),
    "state": one_of(lambda rows, text: rows.filter(**STATES[text]), "what became of it", tuple(STATES)),
    "kind": Filter(lambda rows, text: rows.filter(kind=text), "how it was found: same_file, same_photo, flag, …"),
    "worker": by_number(lambda rows, one: rows.filter(worker_id=one), "`worker_id` of who sent it"),
}


def _visible(request: Request) -> Any:
    """Return evidence with its pictures; those of another project stay unnamed."""
    project = Project.objects.filter(pk=OuterRef("project_id")).values("public_id")[:1]
    pictures = Asset.objects.filter(project_id=OuterRef("project_id")).values("public_id")
    rows = Evidence.objects.filter(project_id__in=project_ids(request)).select_related("worker")
    return rows.annotate(
        project_uuid=Subquery(project),
        asset_uuid=Subquery(pictures.filter(pk=OuterRef("item_id"))[:1]),
        other_uuid=Subquery(pictures.filter(pk=OuterRef("other_item_id"))[:1]),
    )


def _shown(row: Evidence) -> dict[str, Any]:
    return {**EvidenceRow(row).data}


class EvidenceList(Door):
    @describe_list(EvidenceRow, FILTERS, "evidence", "Why submissions count as dishonest")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, EvidenceRow)


class EvidenceOne(Door):
    @describe_one(EvidenceRow, "One piece of evidence")
    def get(self, request: Request, evidence_id: int) -> Response:
        return single(request, EvidenceRow, _shown(found(_visible(request), pk=evidence_id)))


class EvidenceWord(Door):
    scopes = {"POST": "review"}

    @extend_schema(
        summary="It is cheating: rejected, unpaid. Or it is not: the picture goes on and is paid",
        parameters=[
            OpenApiParameter("evidence_id", int, OpenApiParameter.PATH),
            OpenApiParameter("word", str, OpenApiParameter.PATH, enum=list(WORDS)),
        ],
        request=None,
        responses=EvidenceRow,
    )
    def post(self, request: Request, evidence_id: int, word: str) -> Response:
        row = found(_visible(request), pk=evidence_id)
        require_lead(request, row.project_id)
        WORDS[word](evidence_id=row.pk, by=caller(request), now=database_now())
        return edited(_shown(_visible(request).get(pk=row.pk)))
