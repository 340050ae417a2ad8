"""Pictures for members: re-encoded copies inline, originals only as a download for leads."""

from __future__ import annotations

from pathlib import PurePosixPath
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files import File
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from curation.downloads import answer_file
from curation.models import Asset, LabelClass, Membership
from curation.models.asset import AssetQuerySet
from curation.quick_pictures import SAFE_HEADERS, TYPES
from curation.seats import person, project_or_404
from curation.services import class_examples


@require_safe
@login_required
def media(request: HttpRequest, asset_id: UUID, variant: str) -> HttpResponseBase:
    assets = Asset.objects.visible_to(request.user).filter(public_id=asset_id)
    if variant == "original":
        return _original(request, assets)
    if variant not in {"thumb", "screen"}:
        raise Http404
    key = assets.values_list(f"preview__{variant}_key", flat=True).first()  # a grid asks for hundreds: no rows for it
    if key is None:
        raise Http404
    return inline(key)


@require_safe
@login_required
def class_example(request: HttpRequest, public_id: UUID, name: str) -> HttpResponseBase:
    """Show the example picture of a class: the one it has, or one it ever had by its `key`.

    Evidence from before there were keys has an empty one: it was found by the first example.
    """
    project = project_or_404(request, public_id)
    label = LabelClass.objects.filter(project=project, name=name).first()
    keys = class_examples.keys_of(label) if label else []
    asked = request.GET.get("key", keys[-1] if keys else "") or next(iter(keys), "")
    if asked not in keys:
        raise Http404
    return inline(asked)


def inline(key: str) -> HttpResponse:
    content_type = TYPES.get(PurePosixPath(key).suffix.lower())
    if content_type is None:
        raise Http404
    with _open(key) as file:
        return HttpResponse(file.read(), content_type=content_type, headers=SAFE_HEADERS)


def _original(request: HttpRequest, assets: AssetQuerySet) -> HttpResponseBase:
    """Send the bytes as they came, never to be shown by the browser itself."""
    asset = assets.first()
    if asset is None:
        raise Http404
    leads = Membership.objects.filter(project=asset.project_id, user=person(request), role=Membership.Role.LEAD)
    if not leads.exists():
        raise Http404
    suffix = PurePosixPath(asset.name or asset.storage_key).suffix[:10]
    name = f"{asset.public_id}{suffix}"
    if not default_storage.exists(asset.storage_key):
        raise Http404
    return answer_file(request, asset.storage_key, name=name, content_type="application/octet-stream")


def _open(key: str) -> File[bytes]:
    try:
        return default_storage.open(key, "rb")
    except FileNotFoundError:
        raise Http404 from None
