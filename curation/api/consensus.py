"""Consensus: what the answers about an asset add up to, every version of it, with its trace."""

from typing import Any

from django.db.models import F, Prefetch
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.asset_queries import asset_query
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, found, listing, project_ids, single, wants
from curation.api.paging import Filter, by_id, one_of, yes_or_no
from curation.models import Consensus, ConsensusBox


class AgreedBox(serializers.ModelSerializer[ConsensusBox]):
    support = serializers.ListField(child=serializers.CharField(), help_text="who drew it, by short id")
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="corners of an outline; none: a plain box",
    )

    class Meta:
        model = ConsensusBox
        fields = ["label", "x", "y", "w", "h", "confidence", "confidence_75", "support", "points"]


class ConsensusFull(serializers.ModelSerializer[Consensus]):
    project = serializers.UUIDField(source="of_project")
    asset = serializers.UUIDField(source="of_asset")
    stage = serializers.CharField(source="of_stage")
    run = serializers.IntegerField(source="of_run", allow_null=True, help_text="of the stage; null = a person's")
    boxes = AgreedBox(source="agreed", many=True, help_text="in fractions of the image, origin top left")
    used = serializers.ListField(child=serializers.CharField(), help_text="whose answers count, by short id")
    dropped = serializers.ListField(child=serializers.CharField(), help_text="whose answers do not")
    trace = serializers.ListField(child=serializers.JSONField(), help_text="steps in words and numbers")

    class Meta:
        model = Consensus
        fields = [
            "id", "project", "asset", "stage", "version", "is_current", "run", "method", "status", "label",
            "confidence", "expected_loss", "reason", "lowest_iou", "next_step", "n_answers", "boxes", "used", "dropped",
            "trace", "created_at",
        ]  # fmt: skip


FILTERS = {
    "project": PROJECT,
    "q": asset_query("asset"),
    "asset": by_id(lambda rows, one: rows.filter(asset__public_id=one), "id of the asset"),
    "stage": Filter(lambda rows, text: rows.filter(stage__name=text), "name of the stage"),
    "status": one_of(lambda rows, text: rows.filter(status=text), "what came of it", Consensus.Status.values),
    "label": Filter(lambda rows, text: rows.filter(label=text), "exactly this answer"),
    "current": yes_or_no(lambda rows, yes: rows.filter(is_current=yes), "true = what stands, false = what it replaced"),
}


def _visible(request: Request) -> Any:
    return Consensus.objects.filter(project_id__in=project_ids(request)).annotate(
        of_project=F("asset__project__public_id"),
        of_asset=F("asset__public_id"),
        of_stage=F("stage__name"),
        of_run=F("run__number"),
    )


def _with_boxes(rows: Any) -> Any:
    return rows.prefetch_related(Prefetch("boxes", to_attr="agreed"))


class ConsensusList(Door):
    @describe_list(ConsensusFull, FILTERS, "consensus", "What the answers add up to, earlier versions as well")
    def get(self, request: Request) -> Response:
        rows = _visible(request)
        return listing(request, _with_boxes(rows) if wants(request, "boxes") else rows, FILTERS, ConsensusFull)


class ConsensusOne(Door):
    @describe_one(ConsensusFull, "One consensus with its trace")
    def get(self, request: Request, consensus_id: int) -> Response:
        row = found(_with_boxes(_visible(request)), pk=consensus_id)
        return single(request, ConsensusFull, ConsensusFull(row).data)
