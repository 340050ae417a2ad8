"""Disputed checks: a photo beside the example, one key an answer."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Assignment, Worker
from curation.models import Annotation, Asset
from curation.review.access import Seat, seat_at, ways
from curation.review.sent import body_of, uuid_of
from curation.services import class_examples, disputes
from curation.services.disputes import Dispute, Word
from curation.services.own_keys import keys_of
from curation.services.reviews import LEASE

AHEAD, MOST = 30, 200
WHY = {
    "undecided": "The votes tie, and no more may be bought.",
    "refused": "Refused and not paid, because the votes tied.",
    "appeal": "Its sender appeals against the refusal.",
}


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def screen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    project, found = seat.project, ways(seat)
    start = {
        "project": str(project.public_id),
        "person": seat.user.pk,
        "next": reverse("review-checks-next", args=[project.public_id]),
        "decisions": reverse("review-checks-decisions", args=[project.public_id]),
        "release": reverse("review-release", args=[project.public_id]),
        "keep_keys": reverse("own-keys"),
        "keys": keys_of(seat.user),
        "left": next(way.waiting for way in found if way.name == "checks"),
    }
    context = {"project": project, "seat": seat, "start": start, "mode": "checks", "ways": found}
    return render(request, "review/checks.html", context)


@require_safe
@never_cache
@login_required
def next_checks(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat, now = seat_at(request, public_id), database_now()
    rows = disputes.next_disputes(project=seat.project, user=seat.user, leads=seat.leads, n=AHEAD, now=now)
    left = disputes.waiting(project=seat.project, leads=seat.leads)
    return JsonResponse({"items": _documents(seat, rows), "left": left, "lease_until": (now + LEASE).isoformat()})


@require_POST
@login_required
def decisions(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take answers one by one: a refused one does not hold up the others."""
    seat, now = seat_at(request, public_id), database_now()
    rows = body_of(request).get("decisions")
    saved: list[str] = []
    refused: list[dict[str, str]] = []
    for raw in rows[:MOST] if isinstance(rows, list) else []:
        key = str(raw.get("key", "")) if isinstance(raw, Mapping) else ""
        try:
            disputes.settle(project=seat.project, user=seat.user, leads=seat.leads, word=_word(raw), now=now)
        except CrowdError as error:
            refused.append({"key": key, "why": str(error)})
        else:
            saved.append(key)
    left = disputes.waiting(project=seat.project, leads=seat.leads)
    return JsonResponse({"saved": saved, "refused": refused, "left": left})


def _word(raw: object) -> Word:
    if not isinstance(raw, Mapping):
        raise CrowdError("An answer must be an object.")
    ms = raw.get("ms")
    return Word(
        key=uuid_of(raw.get("key"), "key"),
        asset=uuid_of(raw.get("id"), "id"),
        answer=str(raw.get("answer") or ""),
        ms=ms if isinstance(ms, int) and not isinstance(ms, bool) else None,
    )


def _documents(seat: Seat, rows: Sequence[Dispute]) -> list[dict[str, Any]]:
    ids = [one.asset.pk for one in rows]
    photos = Asset.objects.select_related("stage", "label_class", "parent", "answer__assignment").in_bulk(ids)
    votes = list(
        Annotation.objects.filter(asset_id__in=ids, kind=Annotation.Kind.LABEL, discarded_at=None).order_by("id")
    )
    people = {vote.worker_id for vote in votes} | {photo.worker_id for photo in photos.values() if photo.worker_id}
    names = {row.pk: row.short_id for row in Worker.objects.filter(pk__in=people)}
    examples = class_examples.sent_for(photos.values())
    return [_document(seat, photos[one.asset.pk], one, votes, names, example=examples[one.asset.pk]) for one in rows]


def _document(
    seat: Seat,
    photo: Asset,
    dispute: Dispute,
    votes: Sequence[Annotation],
    names: Mapping[int, str],
    *,
    example: str,
) -> dict[str, Any]:
    shown = photo.label_class
    options = disputes.options_of(photo.stage)
    labels = {option["value"]: option["label"] for option in options}
    mine = [vote for vote in votes if vote.asset_id == photo.pk and vote.stage_id == photo.stage_id]
    page = photo.answer.assignment if photo.answer else None
    return {
        "id": str(photo.public_id),
        "why": WHY[dispute.why],
        "class": shown.name if shown else "",
        "prompt": shown.prompt if shown else "",
        "title": photo.stage.settings.get("title", ""),
        "conditions": photo.stage.settings.get("conditions", []),
        "image": {"url": reverse("media", args=[photo.public_id, "screen"]), "w": photo.width, "h": photo.height},
        "page": reverse("asset", args=[seat.project.public_id, photo.public_id]),
        "example": _example(seat, shown.name, example) if shown and example else None,
        "options": [{key: option.get(key) for key in ("value", "label", "tone", "keeps")} for option in options],
        "votes": [
            {"worker": names.get(vote.worker_id, ""), "label": labels.get(vote.label, vote.label)} for vote in mine
        ],
        "sender": names.get(photo.worker_id or 0, ""),
        "appeal": dispute.appeal.text if dispute.appeal else "",
        "until": _deadline(page),
    }


def _example(seat: Seat, name: str, key: str) -> str:
    return f"{reverse('class-example', args=[seat.project.public_id, name])}?{urlencode({'key': key})}"


def _deadline(page: Assignment | None) -> str | None:
    """Return when the platform accepts by itself, while the page waits for our word."""
    if page is None or page.state != Assignment.State.SUBMITTED or page.review_until is None:
        return None
    return page.review_until.isoformat()
