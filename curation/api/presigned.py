"""Originals: answered with their bytes, or with a short-lived address of the bucket, made anew for each call."""

from pathlib import PurePosixPath
from uuid import UUID

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from curation.api.auth import caller
from curation.api.doors import Door, projects, require_lead
from curation.downloads import answer_file
from curation.models import Asset
from curation.services import events


class AssetOriginal(Door):
    scopes = {"GET": "export"}

    @extend_schema(
        summary="The original as it came; a Range header goes on with a broken download; 302 where it lies in a bucket",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 302: None},
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponseBase:
        asset = (
            Asset.objects.filter(project__in=projects(request), public_id=asset_id).select_related("project").first()
        )
        if asset is None:
            raise Http404
        require_lead(request, asset.project_id)
        name = f"{asset.public_id}{PurePosixPath(asset.name or asset.storage_key).suffix[:10]}"
        text = f"{request.user} downloaded an original."
        events.record(kind="original.downloaded", text=text, project=asset.project, subject=asset, by=caller(request))
        try:
            return answer_file(request._request, asset.storage_key, name=name, content_type="application/octet-stream")
        except FileNotFoundError:
            raise Http404 from None
