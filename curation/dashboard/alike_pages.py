"""What is most like an image, or like one of its boxes: by hashes of ours or by vectors that were sent."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Asset, Embedding, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import embeddings, unsure
from curation.services.embeddings import Alike

LEAD = Membership.Role.LEAD
SHOWN = 24


@require_safe
@login_required
def alike(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return _page(request, seat, _asset(seat, asset_id))


@require_POST
@login_required
def send(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    """Send what is shown as most alike to the people who label."""
    seat = seat_or_404(request, public_id, LEAD)
    asset = _asset(seat, asset_id)
    try:
        found = embeddings.alike(asset=asset, space=_space(request), box=_box(request), most=SHOWN)
        ids = sorted({one.asset_id for one in found})
        why = f"like {asset.public_id}"
        sent = unsure.send(project=seat.project, asset_ids=ids, why=why, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, asset, str(error))
    messages.success(
        request,
        f"{sent.to_label:,} images go to the people who box, {sent.to_review:,} to review; {sent.left:,} were left.",
    )
    return redirect(reverse("alike", args=[public_id, asset_id]))


def _page(request: HttpRequest, seat: Seat, asset: Asset, error: str = "") -> HttpResponse:
    space, box = _space(request), _box(request)
    found: list[Alike] = []
    refusal = ""
    try:
        found = embeddings.alike(asset=asset, space=space, box=box, most=SHOWN)
    except CrowdError as wrong:
        refusal = str(wrong)
    assets = seat.project.assets.select_related("preview").in_bulk([one.asset_id for one in found])
    sent = Embedding.objects.filter(asset=asset).order_by("space", "box").values_list("space", "box")
    context = {
        "seat": seat,
        "asset": asset,
        "space": space,
        "box": box,
        "choices": [(name, number) for name, number in sent],
        "found": [(one, assets[one.asset_id]) for one in found if one.asset_id in assets],
        "refusal": refusal,
        "by_database": embeddings.has_pgvector(),
        "error": error,
    }
    return render(request, "curation/models/alike.html", context, status=400 if error else 200)


def _asset(seat: Seat, asset_id: UUID) -> Asset:
    asset = seat.project.assets.filter(public_id=asset_id).exclude(media=Asset.Media.VIDEO).first()
    if asset is None:
        raise Http404
    return asset


def _space(request: HttpRequest) -> str:
    return (request.POST or request.GET).get("space", "")[: embeddings.LONGEST_SPACE].replace("\0", "")


def _box(request: HttpRequest) -> int:
    text = (request.POST or request.GET).get("box", "")[:5]
    return int(text) if text.isascii() and text.isdecimal() and int(text) < 32_768 else 0
