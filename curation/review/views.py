"""The review screen, its queue and its decisions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from curation.models import Project, User
from curation.review.access import Seat, seat_at, ways
from curation.review.documents import documents
from curation.review.sent import body_of, decisions_of
from curation.services import reviews
from curation.services.own_keys import keys_of
from curation.sessions import now_of

AHEAD = 50
ICONS = ("check", "pencil", "x", "undo-2", "user-plus", "flag", "triangle-alert")
REASON_WORDS = ("Misplaced", "Wrong label", "Missing box", "Extra box", "Cut off", "Third-party or rotated")


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def screen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    standing = reviews.standing(project=seat.project, user=seat.user, now=now_of(request))
    found = ways(seat, at_review=standing.waiting)
    context = {
        "project": seat.project,
        "seat": seat,
        "start": _start(seat, standing),
        "icons": ICONS,
        "mode": "boxes",
        "ways": found,
        "elsewhere": [way for way in found if way.waiting and way.name != "boxes"],
    }
    return render(request, "review/screen.html", context)


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def grid(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Many crops of one class at once: the bad ones are marked, the rest is accepted."""
    seat = seat_at(request, public_id)
    classes = reviews.classes_waiting(seat.project)
    chosen = request.GET.get("class", "") or (classes[0].name if classes else "")
    standing = reviews.standing(project=seat.project, user=seat.user, now=now_of(request))
    start = {**_start(seat, standing), "class": chosen}
    context = {
        "project": seat.project,
        "seat": seat,
        "start": start,
        "classes": classes,
        "chosen": chosen,
        "icons": ICONS,
        "mode": "grid",
        "ways": ways(seat, at_review=standing.waiting),
    }
    return render(request, "review/grid.html", context)


def _start(seat: Seat, standing: reviews.Standing) -> dict[str, Any]:
    """Return what the browser begins with."""
    project, task = seat.project, reviews.box_task(seat.project)
    words = zip(reviews.REASONS, REASON_WORDS, strict=True)
    names = ("next", "decisions", "release", "recent")
    return {
        "project": str(project.public_id),
        "person": seat.user.pk,
        **{name: reverse(f"review-{name}", args=[project.public_id]) for name in names},
        "similar": f"{reverse('review', args=[project.public_id])}similar/",
        "keep_keys": reverse("own-keys"),
        "keys": keys_of(seat.user),
        "labels": task.labels,
        "flags": task.flags,
        "outlines": task.outlines,
        "reasons": [{"value": value, "label": label} for value, label in words],
        "standing": _told(standing),
    }


@require_safe
@never_cache
@gzip_page
@login_required
def next_images(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    project, user, now = seat.project, seat.user, database_now()
    wanted, label_class = request.GET.get("n", str(AHEAD)), request.GET.get("class", "").replace("\x00", "")
    n = int(wanted) if wanted.isdecimal() and len(wanted) < 6 else AHEAD
    images = reviews.next_images(project=project, user=user, n=n, now=now, label_class=label_class)
    images, seen = reviews.with_control(images, project=project, user=user, now=now, label_class=label_class)
    return JsonResponse(
        {
            "lease_until": (now + reviews.LEASE).isoformat(),
            "items": documents(images, seen),
            "standing": _standing(project, user, now),
        }
    )


@require_POST
@login_required
def decisions(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    now = database_now()
    sent, refused = decisions_of(request)
    result = reviews.record(project=seat.project, user=seat.user, decisions=sent, now=now)
    refused += [{"key": str(one.key), "why": one.why, "stale": one.is_stale} for one in result.refused]
    return JsonResponse(
        {
            "saved": [str(key) for key in result.saved],
            "refused": refused,
            "lease_until": (now + reviews.LEASE).isoformat(),
            "standing": _standing(seat.project, seat.user, now),
        }
    )


@require_POST
@login_required
def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    until = parse_datetime(str(body_of(request).get("until") or ""))
    return JsonResponse({"released": reviews.release_leases(user=seat.user, project=seat.project, until=until)})


def _standing(project: Project, user: User, now: datetime) -> dict[str, Any]:
    return _told(reviews.standing(project=project, user=user, now=now))


def _told(row: reviews.Standing) -> dict[str, Any]:
    return {
        "done": row.done,
        "left": row.left,
        "per_hour": row.per_hour,
        "with_others": row.with_others,
        "controls": row.controls,
        "agreed": row.agreed,
    }
