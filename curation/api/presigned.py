"""Files in buckets: originals by short-lived addresses, and pictures registered where they lie."""

from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.assets import stage_or_refuse
from curation.api.auth import caller
from curation.api.doors import Door, project_or_404, projects, require_lead
from curation.api.fields import Asked
from curation.api.paging import parameters_of
from curation.api.problems import Problem
from curation.downloads import answer_file
from curation.models import Asset
from curation.services import events, registering
from curation.services.registering import Wish


class AssetOriginal(Door):
    scopes = {"GET": "export"}

    @extend_schema(
        summary="The original as it came; a Range header goes on with a broken download; 302 where it lies in a bucket",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 302: None},
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponseBase:
        parameters_of(request, ())
        asset = (
            Asset.objects.filter(project__in=projects(request), public_id=asset_id).select_related("project").first()
        )
        if asset is None:
            raise Http404
        require_lead(request, asset.project_id)
        name = f"{asset.public_id}{PurePosixPath(asset.name or asset.storage_key).suffix[:10]}"
        text = f"{request.user} downloaded an original."
        events.record(kind="asset.downloaded", text=text, project=asset.project, subject=asset, by=caller(request))
        try:
            return answer_file(request._request, asset.storage_key, name=name, content_type="application/octet-stream")
        except FileNotFoundError:
            raise Http404 from None


class NewRegistration(Asked):
    address = serializers.CharField(max_length=1024, help_text="s3://bucket/prefix, of a bucket the operator has named")
    stage = serializers.CharField(max_length=60, required=False)
    label_class = serializers.CharField(max_length=60, required=False)
    licence = serializers.CharField(max_length=120, default="", allow_blank=True)


class Registration(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="see `jobs/{id}`; its end is an event with the counts")


class ProjectBuckets(Door):
    scopes = {"POST": "assets:write"}

    @extend_schema(
        summary="Register the pictures of a bucket where they lie; the same wish again adds what is new",
        request=NewRegistration,
        responses={202: Registration},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        project = project_or_404(request, project_id)
        require_lead(request, project.pk)
        asked = NewRegistration(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        label = None
        if "label_class" in wish:
            label = project.classes.filter(name=wish["label_class"], retired_at=None).first()
            if label is None:
                raise Problem(400, "unknown_class", f"{wish['label_class']!r} is no class of this project.")
        stage = stage_or_refuse(project, wish.get("stage"))
        job = registering.ask(
            project=project, wish=Wish(wish["address"], stage, label, wish["licence"]), by=caller(request)
        )
        return Response({"job": job.pk}, status=202)
