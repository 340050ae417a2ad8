"""Beside the queue: what was decided lately, pictures that resemble this one, and a person's own keys."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.errors import CrowdError
from curation.models import Asset, Project, Review, User
from curation.review.access import seat_at
from curation.review.documents import documents
from curation.review.sent import body_of
from curation.services import own_keys, reviews


@require_safe
@never_cache
@login_required
def recent(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Return the person's last decisions, the newest first."""
    seat = seat_at(request, public_id)
    rows = reviews.latest(project=seat.project, user=seat.user)[: reviews.LATEST]
    return JsonResponse({"decisions": [_line(row) for row in rows]})


def _line(row: Review) -> dict[str, Any]:
    return {
        "key": str(row.key),
        "id": str(row.asset.public_id),
        "class": row.asset.label_class.name if row.asset.label_class else "",
        "verdict": row.verdict,
        "reason": row.reason.replace("_", " "),
        "at": row.created_at.isoformat(),
        "thumb": reverse("media", args=[row.asset.public_id, "thumb"]),
    }


@require_safe
@never_cache
@login_required
def decided(request: HttpRequest, public_id: UUID, key: UUID) -> HttpResponse:
    """Return the image of one own decision, as it was seen then."""
    seat = seat_at(request, public_id)
    found = reviews.as_decided(project=seat.project, user=seat.user, key=key)
    if found is None:
        raise Http404
    row, seen = found
    (item,) = documents([row.asset], {row.asset_id: seen})
    return JsonResponse({"item": item, "verdict": row.verdict})


@require_safe
@never_cache
@login_required
def similar(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    asset = Asset.objects.filter(project=seat.project, public_id=asset_id).first()
    if asset is None:
        raise Http404
    found = reviews.similar_to(asset)
    return JsonResponse(
        {
            "too_many": found.near is None,
            "too_many_sent": found.same_sender is None,
            "near": [{**_shown(seat.project, one), "bits": bits} for one, bits in found.near or []],
            "same_sender": [_shown(seat.project, one) for one in found.same_sender or []],
        }
    )


def _shown(project: Project, asset: Asset) -> dict[str, str]:
    return {
        "page": reverse("asset", args=[project.public_id, asset.public_id]),
        "thumb": reverse("media", args=[asset.public_id, "thumb"]),
        "state": asset.get_state_display(),
        "name": asset.name,
    }


@require_POST
@login_required
def keep_keys(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        raise Http404
    try:
        kept = own_keys.keep_keys(user=request.user, keys=body_of(request))
    except CrowdError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse(kept)
