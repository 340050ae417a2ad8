"""The review screen, its queue and its decisions."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from curation.models import Membership, Project, User
from curation.review.documents import decision_of, documents
from curation.services import reviews

AHEAD = 50
REVIEWERS = (Membership.Role.LEAD, Membership.Role.REVIEWER)
ICONS = ("check", "pencil", "x", "undo-2", "user-plus", "flag", "triangle-alert")
REASON_WORDS = ("Misplaced", "Wrong label", "Missing box", "Extra box", "Cut off", "Third-party or rotated")


def project_of(request: HttpRequest, public_id: UUID) -> tuple[Project, User]:
    """Return the project if this person may review it; not allowed and not there are the same 404."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    seats = Project.objects.filter(memberships__user=user, memberships__role__in=REVIEWERS, trashed_at=None)
    row = seats.filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return row, user


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def screen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    project, user = project_of(request, public_id)
    now = database_now()
    start = {
        "project": str(project.public_id),
        "person": user.pk,
        "next": reverse("review-next", args=[project.public_id]),
        "decisions": reverse("review-decisions", args=[project.public_id]),
        "release": reverse("review-release", args=[project.public_id]),
        "labels": reviews.known_labels(project),
        "reasons": [
            {"value": value, "label": label} for value, label in zip(reviews.REASONS, REASON_WORDS, strict=True)
        ],
        "standing": _standing(project, user, now),
    }
    return render(request, "review/screen.html", {"project": project, "start": start, "icons": ICONS})


@require_safe
@never_cache
@login_required
def next_images(request: HttpRequest, public_id: UUID) -> HttpResponse:
    project, user = project_of(request, public_id)
    wanted = request.GET.get("n", str(AHEAD))
    now = database_now()
    images = reviews.next_images(project=project, user=user, n=int(wanted) if wanted.isdecimal() else AHEAD, now=now)
    return JsonResponse(
        {
            "lease_until": (now + reviews.LEASE).isoformat(),
            "items": documents(images),
            "standing": _standing(project, user, now),
        }
    )


@require_POST
@login_required
def decisions(request: HttpRequest, public_id: UUID) -> HttpResponse:
    project, user = project_of(request, public_id)
    now = database_now()
    sent, refused = _decisions_of(request)
    result = reviews.record(project=project, user=user, decisions=sent, now=now)
    refused += [{"key": str(one.key), "why": one.why, "stale": one.is_stale} for one in result.refused]
    return JsonResponse(
        {
            "saved": [str(key) for key in result.saved],
            "refused": refused,
            "standing": _standing(project, user, now),
        }
    )


def _decisions_of(request: HttpRequest) -> tuple[list[reviews.Decided], list[dict[str, Any]]]:
    rows = body_of(request).get("decisions")
    sent: list[reviews.Decided] = []
    refused: list[dict[str, Any]] = []
    for raw in rows if isinstance(rows, list) else []:
        try:
            sent.append(decision_of(raw))
        except reviews.Refused as error:
            key = raw.get("key", "") if isinstance(raw, dict) else ""
            refused.append({"key": str(key), "why": str(error)})
    return sent, refused


@require_POST
@login_required
def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    project, user = project_of(request, public_id)
    until = parse_datetime(str(body_of(request).get("until") or ""))
    return JsonResponse({"released": reviews.release_leases(user=user, project=project, until=until)})


def body_of(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _standing(project: Project, user: User, now: datetime) -> dict[str, Any]:
    row = reviews.standing(project=project, user=user, now=now)
    return {"done": row.done, "left": row.left, "per_hour": row.per_hour, "with_others": row.with_others}
