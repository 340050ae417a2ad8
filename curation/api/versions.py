"""What is asked of a frozen version: how it differs from another, its split, who has it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.datasets import DatasetRow, find, frozen_by_a_job
from curation.api.doors import Door, require_lead
from curation.api.fields import Asked
from curation.api.paging import DEFAULT_LIMIT, MOST, bounded, cursor_behind, limit_of, parameters_of, place_of
from curation.api.problems import Problem
from curation.datasets.splitting import USUAL_SHARES
from curation.models import DatasetVersion
from curation.services import data_set_readers, datasets, version_diff
from curation.services.splits import TIES, USUAL_TIES, SplitPlan
from curation.services.version_diff import Kind

BOXES_COUNTED = 2_000
COUNTED_MS = 15_000
TOO_SLOW = "Comparing these versions takes too long; export the later one with `since` instead: a job does it."
SINCE = OpenApiParameter("since", UUID, required=True, description="id of the version it is compared with")


class BoxChangesRow(serializers.Serializer[Any]):
    images = serializers.IntegerField(help_text="changed images whose boxes were counted")
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    moved = serializers.IntegerField()
    relabelled = serializers.IntegerField()
    mean_iou = serializers.FloatField(allow_null=True, help_text="of these images; null when there are none")


class DifferenceRow(serializers.Serializer[Any]):
    """How many images differ; one may have other boxes, another class and another part at once."""

    since = serializers.UUIDField()
    images_before = serializers.IntegerField(source="found.old_images")
    images = serializers.IntegerField(source="found.new_images")
    added = serializers.IntegerField(source="found.added")
    removed = serializers.IntegerField(source="found.removed")
    changed = serializers.IntegerField(source="found.changed", help_text="other boxes")
    reclassed = serializers.IntegerField(source="found.reclassed", help_text="another class")
    answered = serializers.IntegerField(
        source="found.answered", help_text="other answers: labels chosen, texts written"
    )
    resplit = serializers.IntegerField(source="found.resplit", help_text="another part")
    boxes = BoxChangesRow(help_text=f"counted in the first {BOXES_COUNTED:,} changed images")


class ChangeRow(serializers.Serializer[Any]):
    """One image with both sides; null where it is not in the version."""

    asset = serializers.UUIDField(source="public_id")
    iou = serializers.FloatField(help_text="mean over all boxes of both sides; one without a partner counts 0")
    class_before = serializers.CharField(allow_null=True)
    class_after = serializers.CharField(allow_null=True)
    answers_before = serializers.DictField(child=serializers.CharField(), allow_null=True)
    answers_after = serializers.DictField(child=serializers.CharField(), allow_null=True)
    split_before = serializers.CharField(allow_null=True)
    split_after = serializers.CharField(allow_null=True)
    boxes_before = serializers.ListField(child=serializers.DictField(), source="before", allow_null=True)
    boxes_after = serializers.ListField(child=serializers.DictField(), source="after", allow_null=True)


class ChangePage(serializers.Serializer[Any]):
    results = ChangeRow(many=True)
    next = serializers.CharField(allow_null=True, help_text="cursor of the next page")


class NewSplit(Asked):
    shares = serializers.DictField(child=serializers.FloatField(), default=USUAL_SHARES, help_text="of each part")
    by = serializers.ListField(
        child=serializers.ChoiceField(TIES), default=list(USUAL_TIES), help_text="what keeps images in one part"
    )
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1)
    keep = serializers.BooleanField(default=True, help_text="what an earlier version had in a part stays in it")


class ReaderRow(serializers.Serializer[Any]):
    name = serializers.CharField()
    format = serializers.CharField()
    times = serializers.IntegerField()
    last_at = serializers.DateTimeField(source="last")


def _both(request: Request, dataset_id: UUID) -> tuple[DatasetVersion, DatasetVersion]:
    """Return the version that ?since= names and this one, both frozen."""
    try:
        pair = find(request, UUID(request.query_params.get("since", ""))), find(request, dataset_id)
    except ValueError:
        raise Problem(400, "bad_parameter", "Name the version to compare with: ?since= and its id.") from None
    for one in pair:
        if one.state != DatasetVersion.State.FROZEN:
            raise Problem(409, "not_ready", f"{one} is not frozen; only frozen versions are compared.")
    return pair


class DatasetDifference(Door):
    rates = {"GET": "60/hour"}

    @extend_schema(
        summary="How many images of a version differ from another", parameters=[SINCE], responses=DifferenceRow
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        parameters_of(request, ("since",))
        old, new = _both(request, dataset_id)
        found = bounded(lambda: version_diff.compare(old=old, new=new), TOO_SLOW, milliseconds=COUNTED_MS)
        boxes = bounded(
            lambda: version_diff.box_changes(old=old, new=new, most=BOXES_COUNTED), TOO_SLOW, milliseconds=COUNTED_MS
        )
        counted = {name: getattr(boxes, name) for name in ("images", "added", "removed", "moved", "mean_iou")}
        told = {
            "since": old.public_id,
            "found": found,
            "boxes": {**counted, "relabelled": boxes.relabelled.total()},
        }
        return Response(DifferenceRow(told).data)


class DatasetChanges(Door):
    @extend_schema(
        summary="The images that differ in one way, each with both sides",
        parameters=[
            SINCE,
            OpenApiParameter("kind", str, required=True, enum=[kind.value for kind in Kind], description="how"),
            OpenApiParameter("cursor", str, description="`next` of the page before"),
            OpenApiParameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST},
                description=f"rows on a page; {DEFAULT_LIMIT} if left out",
            ),
        ],
        responses=ChangePage,
    )
    def get(self, request: Request, dataset_id: UUID) -> Response:
        given = parameters_of(request, ("since", "kind", "cursor", "limit"))
        kinds, kind, limit = [one.value for one in Kind], given.get("kind"), limit_of(given)
        if kind not in kinds:
            raise Problem(400, "bad_parameter", f"kind={kind!r} is unknown; known are {', '.join(kinds)}.")
        old, new = _both(request, dataset_id)
        where = [request.path, str(old.public_id), kind]
        after = place_of(given["cursor"], where) if "cursor" in given else 0
        rows = bounded(lambda: version_diff.page(old=old, new=new, kind=kind, after=after, limit=limit + 1), TOO_SLOW)
        following = cursor_behind(rows[limit - 1].asset_id, where) if len(rows) > limit else None
        return Response({"results": ChangeRow(rows[:limit], many=True).data, "next": following})


class DatasetSplit(Door):
    scopes = {"POST": "export"}
    rates = {"POST": "60/hour"}

    @extend_schema(
        summary="Have a version's images dealt out to parts as the next version",
        description="A job does it; the header Location names that job. This version stays as it is.",
        request=NewSplit,
        responses={202: DatasetRow},
    )
    def post(self, request: Request, dataset_id: UUID) -> Response:
        version = find(request, dataset_id)
        require_lead(request, version.project_id)
        asked = NewSplit(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        plan = SplitPlan(by=tuple(wish["by"]), shares=wish["shares"], seed=wish["seed"], keep=wish["keep"])
        split = datasets.request_split(dataset_id=version.pk, plan=plan, by=caller(request), now=database_now())
        return frozen_by_a_job(split)


class DatasetReaders(Door):
    @extend_schema(summary="Who has downloaded a version, the latest first", responses=ReaderRow(many=True))
    def get(self, request: Request, dataset_id: UUID) -> Response:
        parameters_of(request, ())
        return Response(ReaderRow(data_set_readers.readers_of(version=find(request, dataset_id)), many=True).data)
